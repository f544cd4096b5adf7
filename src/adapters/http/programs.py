"""Programs as the API shows and takes them."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from adapters.http.bodies import Currency, Name, PositiveMinor, whole
from adapters.http.documents import with_body, with_key
from adapters.http.given import Caller, GivenApplication, GivenUnitOfWork, Now
from adapters.http.lists import GivenListing, Listed, answered, having, listed, page_of
from adapters.http.times import Instant, StatedTime, in_utc, instant
from refport_core import programs as core
from refport_core.commands import ChangeProgram, CreateProgram
from refport_core.errors import InvalidRequest, NotFound
from refport_core.programs import OutOfBand, PartialRefunds, RewardEvent, SelfReferral, in_force

Event = Literal["sale", "lead"]
Status = Literal["active", "closed"]
Days = Annotated[int, Meta(gt=-1, le=36_500)]  # as a bound of its own: the description would lose a bound of 0


class Percentage(Struct, tag="percentage"):
    """A percentage of a sale's base, as a decimal in a string: ``12.5``. Exact; above 0, at most 100."""

    event: Event
    percent: Annotated[str, Meta(pattern=whole(r"[0-9]{1,3}(\.[0-9]{1,12})?"))]


class Flat(Struct, tag="flat"):
    """So much for each, in a currency of its own. A lead's reward is always flat."""

    event: Event
    amount: PositiveMinor
    currency: Currency


class Months(Struct):
    """Renewals earn for so many calendar months (R17)."""

    months: Annotated[int, Meta(ge=1, le=1200)]


Reward = Percentage | Flat
Renewals = Literal["all", "none"] | Months


class Terms(Struct, rename="camel", kw_only=True):
    """What a version promises; what is left out keeps its value, or its default."""

    name: Name | UnsetType = UNSET
    renewals: Renewals | UnsetType = UNSET
    partial_refunds: PartialRefunds | UnsetType = UNSET
    hold_days: Days | UnsetType = UNSET
    attribution_window_days: Days | UnsetType = UNSET
    self_referral: SelfReferral | UnsetType = UNSET
    out_of_band: OutOfBand | UnsetType = UNSET
    effective_from: StatedTime | UnsetType | None = UNSET


class NewProgram(Terms, kw_only=True):
    """A program with its first version, which is in force from the beginning (R16)."""

    rewards: list[Reward]


class ProgramChange(Terms, kw_only=True):
    """A new version from ``effectiveFrom`` (now, if it is left out; never in the past), and a status from now on."""

    rewards: list[Reward] | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class Program(Struct, rename="camel", kw_only=True):
    """A program with the terms of its newest version, in force from ``effectiveFrom`` (``null``: always)."""

    id: str
    name: str
    status: str
    version: int
    rewards: list[Reward]
    renewals: Renewals
    partial_refunds: PartialRefunds
    hold_days: int
    attribution_window_days: int
    self_referral: SelfReferral
    out_of_band: OutOfBand
    effective_from: Instant | None


def program_of(program: core.Program, now: datetime) -> Program:
    version = program.versions[-1]
    return Program(
        id=program.id,
        name=version.name,
        status=in_force(program.statuses, now),
        version=version.version,
        rewards=[_reward_of(reward) for reward in version.rewards],
        renewals=Months(version.renewals) if isinstance(version.renewals, int) else version.renewals,
        partial_refunds=version.partial_refunds,
        hold_days=version.hold_days,
        attribution_window_days=version.attribution_window_days,
        self_referral=version.self_referral,
        out_of_band=version.out_of_band,
        effective_from=instant(version.effective_from),
    )


def percent_of(percent: Fraction) -> str:
    """The shortest decimal; a fraction that no decimal can say stays one: ``100/3``."""
    for places in range(25):
        shifted = percent * 10**places
        if shifted.denominator == 1:
            whole, rest = divmod(shifted.numerator, 10**places)
            return f"{whole}.{rest:0{places}}" if places else str(whole)
    return str(percent)


def _reward_of(reward: core.Reward) -> Reward:
    event: Event = "sale" if reward.event is RewardEvent.SALE else "lead"
    if isinstance(reward.terms, core.Percentage):
        return Percentage(event=event, percent=percent_of(reward.terms.percent))
    return Flat(event=event, amount=reward.terms.amount, currency=reward.terms.currency)


def _terms_of(stated: NewProgram | ProgramChange) -> dict[str, Any]:
    """What is stated, as keyword arguments of ``ProgramVersion``."""
    terms = {name: value for name, value in structs.asdict(stated).items() if value is not UNSET}
    for other in ("effective_from", "status"):
        terms.pop(other, None)
    if isinstance(stated.renewals, Months):
        terms["renewals"] = stated.renewals.months
    if not isinstance(stated.rewards, UnsetType):
        terms["rewards"] = _rewards_of(stated.rewards)
    return terms


def _rewards_of(stated: list[Reward]) -> tuple[core.Reward, ...]:
    try:
        return tuple(core.Reward(event=RewardEvent(reward.event), terms=_promise_of(reward)) for reward in stated)
    except ValueError as error:
        raise InvalidRequest(f"rewards: {error}.") from error


def _promise_of(reward: Reward) -> core.Percentage | core.Flat:
    if isinstance(reward, Percentage):
        return core.Percentage(percent=Fraction(reward.percent))
    return core.Flat(amount=reward.amount, currency=reward.currency)


@post("/programs", operation_id="createProgram", sync_to_thread=True, responses=with_body(409))
def create_program(caller: Caller, application: GivenApplication, now: Now, data: JSONBody[NewProgram]) -> Program:
    """Create a program. It serves both modes."""
    if isinstance(data.effective_from, datetime):
        raise InvalidRequest("effectiveFrom: the first version is in force from the beginning; leave it out.")
    command = CreateProgram(workspace_id=caller.workspace_id, terms=_terms_of(data))
    return program_of(application.create_program(command, now=now), now)


@get(
    "/programs",
    operation_id="listPrograms",
    sync_to_thread=True,
    responses=with_key(),
    **listed("name", "status"),
)
def list_programs(caller: Caller, unit_of_work: GivenUnitOfWork, listing: GivenListing, now: Now) -> Listed[Program]:
    """Programs, the newest first."""
    with unit_of_work.read() as tx:
        programs = tx.catalogue.programs(caller.workspace_id)
    kept = [
        program
        for program in programs
        if having(listing.filters, {"name": program.versions[-1].name, "status": in_force(program.statuses, now)})
    ]
    page = page_of(kept, listing, lambda program: (instant(program.created_at) or "", program.id))
    return answered(page, lambda program: program_of(program, now))


@get("/programs/{program_id:str}", operation_id="getProgram", sync_to_thread=True, responses=with_key(404))
def get_program(caller: Caller, unit_of_work: GivenUnitOfWork, now: Now, program_id: FromPath[str]) -> Program:
    """One program."""
    with unit_of_work.read() as tx:
        program = tx.catalogue.program(caller.workspace_id, program_id)
    if program is None:
        raise NotFound
    return program_of(program, now)


@patch("/programs/{program_id:str}", operation_id="changeProgram", sync_to_thread=True, responses=with_body(404, 409))
def change_program(
    caller: Caller, application: GivenApplication, now: Now, program_id: FromPath[str], data: JSONBody[ProgramChange]
) -> Program:
    """Make a new version, or close and open the program. Earlier payments keep their terms."""
    effective_from = None if isinstance(data.effective_from, UnsetType) else data.effective_from
    command = ChangeProgram(
        workspace_id=caller.workspace_id,
        program_id=program_id,
        terms=_terms_of(data),
        effective_from=in_utc(effective_from, "effectiveFrom"),
        status=None if isinstance(data.status, UnsetType) else data.status,
    )
    return program_of(application.change_program(command, now=now), now)


ROUTES = (create_program, list_programs, get_program, change_program)
