"""What was promised to whom: programs and their versions, partners, enrolments, links and clicks."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Generic, Literal, TypeVar

from attrs import field, frozen
from attrs.validators import ge, gt, in_, instance_of

from refport_core.money import lowered

T = TypeVar("T")


@frozen
class Change(Generic[T]):
    """``value`` holds from ``since`` on; ``None`` is the beginning of time (R7, R16)."""

    since: datetime | None
    value: T


def in_force(history: Iterable[Change[T]], at: datetime) -> T:
    """The value in force at ``at``; the first state is in force from the beginning (R7, R16).

    Of several changes of one instant the one recorded last stands.
    """
    first, *later = history
    value, since = first.value, None
    for change in later:
        if change.since is not None and change.since <= at and (since is None or change.since >= since):
            value, since = change.value, change.since
    return value


def _percent(_instance: object, _attribute: object, percent: Any) -> None:
    if not isinstance(percent, Fraction) or not 0 < percent <= 100:
        raise ValueError("percent is an exact fraction above 0 and at most 100")


@frozen(kw_only=True)
class Percentage:
    """An exact percentage of the base (R17): ``Fraction(25, 2)`` is 12.5 %."""

    percent: Fraction = field(validator=_percent)


@frozen(kw_only=True)
class Flat:
    """A fixed amount in minor units of its own currency (R17)."""

    amount: int = field(validator=[instance_of(int), gt(0)])
    currency: str = field(converter=lowered)


class RewardEvent(StrEnum):
    """What is rewarded."""

    SALE = "sale"
    LEAD = "lead"


@frozen(kw_only=True)
class Reward:
    """At most one per event; a lead's is flat (R17)."""

    event: RewardEvent
    terms: Percentage | Flat

    def __attrs_post_init__(self) -> None:
        if self.event is RewardEvent.LEAD and not isinstance(self.terms, Flat):
            raise ValueError("a lead reward is flat")


PartialRefunds = Literal["prorate", "void", "ignore"]
SelfReferral = Literal["hold", "reject", "allow"]
OutOfBand = Literal["ignore", "count"]
Renewals = Literal["all", "none"] | int  # an integer: so many calendar months


def _one_reward_per_event(_instance: object, _attribute: object, rewards: tuple[Reward, ...]) -> None:
    if len({reward.event for reward in rewards}) < len(rewards):
        raise ValueError("at most one reward per event")


def _renewals(_instance: object, _attribute: object, renewals: Renewals) -> None:
    if renewals not in ("all", "none") and not (type(renewals) is int and 1 <= renewals <= 1200):
        raise ValueError("renewals are all, none or a number of months from 1 to 1200")


@frozen(kw_only=True)
class ProgramVersion:
    """Immutable terms, in force from ``effective_from`` until the next version's (R16)."""

    program_id: str
    version: int
    effective_from: datetime | None  # None: from the beginning
    name: str = "Main"
    rewards: tuple[Reward, ...] = field(default=(), validator=_one_reward_per_event)
    renewals: Renewals = field(default="all", validator=_renewals)
    partial_refunds: PartialRefunds = field(default="prorate", validator=in_(("prorate", "void", "ignore")))
    hold_days: int = field(default=30, validator=[instance_of(int), ge(0)])
    attribution_window_days: int = field(default=90, validator=[instance_of(int), ge(0)])
    self_referral: SelfReferral = field(default="hold", validator=in_(("hold", "reject", "allow")))
    out_of_band: OutOfBand = field(default="ignore", validator=in_(("ignore", "count")))

    @property
    def attribution_window(self) -> timedelta:
        """R7."""
        return timedelta(days=self.attribution_window_days)

    @property
    def hold_period(self) -> timedelta:
        """R22: days of 24 hours."""
        return timedelta(days=self.hold_days)

    def reward(self, event: RewardEvent) -> Percentage | Flat | None:
        """The reward for this event, if there is one."""
        return next((reward.terms for reward in self.rewards if reward.event is event), None)


def _not_empty(_instance: object, _attribute: object, history: tuple[object, ...]) -> None:
    if not history:
        raise ValueError("a history has a first state")


@frozen(kw_only=True)
class Program:
    """A program of a workspace; it serves both modes (R1)."""

    id: str
    workspace_id: str
    versions: tuple[ProgramVersion, ...] = field(validator=_not_empty)
    statuses: tuple[Change[str], ...] = (Change(None, "active"),)  # active, closed
    created_at: datetime | None = None

    def version_at(self, at: datetime) -> ProgramVersion:
        """R16: the version in force at ``at``."""
        return in_force([Change(version.effective_from, version) for version in self.versions], at)


@frozen(kw_only=True)
class Partner:
    """Somebody who sends customers. Status and e-mail have a history (R16)."""

    id: str
    workspace_id: str
    name: str
    emails: tuple[Change[str], ...] = field(validator=_not_empty)
    statuses: tuple[Change[str], ...] = (Change(None, "active"),)  # active, disabled
    created_at: datetime | None = None


@frozen(kw_only=True)
class Enrollment:
    """A partner takes part in a program."""

    id: str
    workspace_id: str
    program_id: str
    partner_id: str
    tenant_id: str | None = None
    statuses: tuple[Change[str], ...] = (Change(None, "active"),)
    created_at: datetime | None = None


@frozen(kw_only=True)
class Link:
    """A link of a partner; it never changes its program or partner (R7). Without a program it earns nothing."""

    id: str
    workspace_id: str
    key: str
    url: str
    domain: str | None = None
    program_id: str | None = None
    partner_id: str | None = None
    status: str = "active"
    expires_at: datetime | None = None
    created_at: datetime | None = None


@frozen(kw_only=True)
class Click:
    """Somebody followed a link: what a click id that we issued says of itself (R6)."""

    id: str
    link_id: str
    occurred_at: datetime


@frozen(kw_only=True)
class Catalogue:
    """What a derivation needs to know of programs, partners, links and clicks.

    ``clicks`` holds the click ids that prove themselves as ours, whatever their workspace; an id that is
    missing was not issued by us. ``links`` holds the links of those clicks, of other workspaces too.
    """

    programs: Mapping[str, Program] = field(factory=dict)
    partners: Mapping[str, Partner] = field(factory=dict)
    enrollments: Mapping[tuple[str, str], Enrollment] = field(factory=dict)  # by (program id, partner id)
    links: Mapping[str, Link] = field(factory=dict)
    clicks: Mapping[str, Click] = field(factory=dict)

    def active(self, link: Link, at: datetime) -> Literal["PARTNER_INACTIVE", "PROGRAM_INACTIVE"] | None:
        """R7: why a click on ``link`` does not count; ``None`` if partner, enrolment and program are active."""
        if link.program_id is None or link.partner_id is None:
            return "PROGRAM_INACTIVE"
        if in_force(self.programs[link.program_id].statuses, at) != "active":
            return "PROGRAM_INACTIVE"
        enrollment = self.enrollments.get((link.program_id, link.partner_id))
        if in_force(self.partners[link.partner_id].statuses, at) != "active":
            return "PARTNER_INACTIVE"
        if enrollment is None or in_force(enrollment.statuses, at) != "active":
            return "PARTNER_INACTIVE"
        return None
