"""The core in this process as a door of stories: in-memory books, fed with really translated events."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from adapters.persistence.memory import MemoryUnitOfWork
from adapters.stripe.deliveries import delivery_of
from adapters.stripe.translator import StripeTranslator
from adapters.stripe.understanding import Circumstances
from adapters.stripe.webhook import event_document
from conformance.apart import email_of
from conformance.books import Books, books_of_core
from conformance.said import facts_of
from conformance.story import Story, UnusableStory, events, moment
from refport.click_ids import SignedClickIds
from refport.clock import FrozenClock
from refport.ids import TimeOrderedIds
from refport_core.application import Application
from refport_core.commands import (
    ChangePartner,
    ChangeProgram,
    CreateLink,
    CreatePartner,
    CreateProgram,
    Delivery,
    RecordClick,
    RecordFacts,
    deliver,
)
from refport_core.ports import Connection, Ids, UnitOfWork
from refport_core.programs import Flat, Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope


class CoreDoor:
    """The application on in-memory books, or on others, fed with really translated events."""

    def __init__(self, unit_of_work: UnitOfWork | None = None, ids: Ids | None = None) -> None:

        ids = ids or TimeOrderedIds()
        self.unit_of_work = unit_of_work or MemoryUnitOfWork(ids)
        self.application = Application(
            unit_of_work=self.unit_of_work,
            clock=FrozenClock(moment("0d")),
            ids=ids,
            click_ids=SignedClickIds([b"conformance" * 3]),
            translators={"stripe": StripeTranslator()},
        )
        self.scope = Scope("ws_story", Mode.LIVE)
        self.partners: dict[str, str] = {}
        self.program_id = ""
        self.clicks: dict[str, str] = {}

    def set_up(self, story: Story) -> None:

        self.scope = Scope("ws_story", Mode(story.mode))
        begin = story.made
        terms = core_terms(story.program)
        program = CreateProgram(workspace_id="ws_story", terms=terms)
        self.program_id = self.application.create_program(program, now=begin).id
        stranger = CreateProgram(workspace_id="ws_other", terms=terms)
        self.application.create_program(stranger, now=begin)
        links = {}
        for name, said in {**story.partners, "stranger": {}}.items():
            workspace = "ws_other" if name == "stranger" else "ws_story"
            partner = self.application.create_partner(
                CreatePartner(workspace_id=workspace, name=name, email=email_of(name, said)),
                now=begin,
            )
            link = self.application.create_link(
                CreateLink(workspace_id=workspace, partner_id=partner.id, url="https://shop.example/"),
                now=begin,
            )
            self.partners[name], links[name] = partner.id, (workspace, link.id)
        bare = self.application.create_link(CreateLink(workspace_id="ws_story", url="https://shop.example/"), now=begin)
        links["nobody"] = ("ws_story", bare.id)
        for name, said in story.clicks.items():
            workspace, link_id = links[said["of"]]
            at = moment(said["at"])
            click = RecordClick(workspace_id=workspace, link_id=link_id, occurred_at=at)
            self.clicks[name] = self.application.record_click(click, now=max(at, begin)).id

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:

        if "connect" in told:
            self.connect(told)
            return []
        deliveries = list(self.deliveries(story, told, era, place))
        outcomes = self.application.record_facts(RecordFacts(deliveries=tuple(deliveries)))
        return [outcome.kind.value for outcome in outcomes]

    def deliveries(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> Iterator[Delivery]:

        if "tell" not in told:
            facts = facts_of(told, self.scope, place, self.clicks, self.partners, self.program_id)
            yield deliver(*facts, body=json.dumps(told, sort_keys=True, default=str).encode())
            return
        for event in events(story, told, era, place, self.clicks):
            body = json.dumps(event).encode()
            mode = Mode.LIVE if event["livemode"] else Mode.TEST
            scope: Scope | None = Scope(self.scope.workspace_id, mode)
            if "account" in event:
                with self.unit_of_work.read() as tx:
                    connection = tx.access.connection_of("stripe", event["account"], mode)
                scope = connection.scope if connection else None
            given = Circumstances(scope=scope, mode=mode, account=event.get("account"))
            yield delivery_of(event_document(body), body, given, connection_id=None, now=moment(told["at"]))

    def connect(self, told: Mapping[str, Any]) -> None:
        """An account is connected to the platform, once."""
        scope = Scope("ws_other" if told.get("of") == "stranger" else "ws_story", self.scope.mode)
        with self.unit_of_work.begin() as tx:
            if tx.access.connection_of("stripe", told["connect"], scope.mode) is not None:
                return
            connection = Connection(
                id=f"conn_{told['connect']}",
                scope=scope,
                provider="stripe",
                kind="connect",
                account=told["connect"],
                created_at=moment(told["at"]),
            )
            tx.access.put_connection(connection)
        self.application.adopt(connection, now=moment(told["at"]))

    def change(self, change: Mapping[str, Any]) -> None:

        at = moment(change["at"])
        if "partner" in change:
            command = ChangePartner(
                workspace_id="ws_story",
                partner_id=self.partners[change["partner"]],
                status=change.get("status"),
                email=change.get("email"),
            )
            self.application.change_partner(command, now=at)
            return
        terms = core_terms({key: value for key, value in change.items() if key not in ("at", "status")})
        status = change.get("status")
        program = ChangeProgram(workspace_id="ws_story", program_id=self.program_id, terms=terms, status=status)
        self.application.change_program(program, now=at)

    def books(self, story: Story) -> Books:
        with self.unit_of_work.read() as tx:
            return books_of_core(tx, self.scope, story.now, {id_: name for name, id_ in self.partners.items()})


CAMEL = {
    "renewals": "renewals", "partialRefunds": "partial_refunds", "holdDays": "hold_days",
    "attributionWindowDays": "attribution_window_days", "selfReferral": "self_referral", "outOfBand": "out_of_band",
    "name": "name",
}  # fmt: skip


def core_terms(said: Mapping[str, Any]) -> dict[str, Any]:
    """The program in the words of the core."""
    terms: dict[str, Any] = {}
    for key, value in said.items():
        if key == "rewards":
            terms["rewards"] = tuple(
                Reward(
                    event=RewardEvent(each["event"]),
                    terms=Percentage(percent=Fraction(each["percent"]))
                    if "percent" in each
                    else Flat(amount=each["amount"], currency=each["currency"]),
                )
                for each in value
            )
        elif key in CAMEL:
            terms[CAMEL[key]] = value["months"] if isinstance(value, Mapping) else value
        else:
            raise UnusableStory(f"a program has no {key}")
    return terms


@contextmanager
def core_door() -> Iterator[CoreDoor]:
    """A core of its own."""
    yield CoreDoor()
