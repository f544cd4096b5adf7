"""Where a story can be told: the core in this process, or a host behind its HTTP contract."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol

from conformance.books import Books, books_of_core, books_of_host
from conformance.story import Story, UnusableStory, click_id, events, moment

SECRET = "whsec_conformance_stories"  # noqa: S105 - it signs stories
LONG_BEFORE = timedelta(days=400)


class Door(Protocol):
    """One run of one story."""

    def set_up(self, story: Story) -> None:
        """Makes the story's program, partners, links and clicks."""
        ...

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:
        """Tells one entry, in this era; the outcomes of its events."""
        ...

    def change(self, story: Story, change: Mapping[str, Any]) -> None:
        """Changes a partner or the program at the time the change says."""
        ...

    def books(self, story: Story) -> Books:
        """What came of it."""
        ...


def program_terms(said: Mapping[str, Any]) -> dict[str, Any]:
    """The program in the words of the contract."""
    terms = {key: value for key, value in said.items() if key not in ("rewards", "at", "from", "program")}
    if "rewards" in said:
        terms["rewards"] = [
            {"event": each["event"], "type": "percentage", "percent": each["percent"]}
            if "percent" in each
            else {"event": each["event"], "type": "flat", "amount": each["amount"], "currency": each["currency"]}
            for each in said["rewards"]
        ]
    return terms


# ---------------------------------------------------------------------------------------------------
# The core


class CoreDoor:
    """The application on in-memory books, fed with really translated events."""

    def __init__(self) -> None:
        from adapters.persistence.memory import MemoryUnitOfWork
        from adapters.stripe.translator import StripeTranslator
        from refport.click_ids import SignedClickIds
        from refport.clock import FrozenClock
        from refport.ids import TimeOrderedIds
        from refport_core.application import Application
        from refport_core.scope import Mode, Scope

        ids = TimeOrderedIds()
        self.unit_of_work = MemoryUnitOfWork(ids)
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
        from refport_core import commands
        from refport_core.scope import Mode, Scope

        self.scope = Scope("ws_story", Mode(story.mode))
        begin = moment("0d") - LONG_BEFORE
        terms = core_terms(story.program)
        program = commands.CreateProgram(workspace_id="ws_story", terms=terms)
        self.program_id = self.application.create_program(program, now=begin).id
        stranger = commands.CreateProgram(workspace_id="ws_other", terms=terms)
        self.application.create_program(stranger, now=begin)
        links = {}
        for name, said in {**story.partners, "stranger": {}}.items():
            workspace = "ws_other" if name == "stranger" else "ws_story"
            partner = self.application.create_partner(
                commands.CreatePartner(
                    workspace_id=workspace, name=name, email=said.get("email", f"{name.lower()}@partner.example")
                ),
                now=begin,
            )
            link = self.application.create_link(
                commands.CreateLink(workspace_id=workspace, partner_id=partner.id, url="https://shop.example/"),
                now=begin,
            )
            self.partners[name], links[name] = partner.id, (workspace, link.id)
        bare = self.application.create_link(
            commands.CreateLink(workspace_id="ws_story", url="https://shop.example/"), now=begin
        )
        links["nobody"] = ("ws_story", bare.id)
        for name, said in story.clicks.items():
            workspace, link_id = links[said["of"]]
            click = commands.RecordClick(workspace_id=workspace, link_id=link_id, occurred_at=moment(said["at"]))
            self.clicks[name] = self.application.record_click(click, now=moment(said["at"])).id

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:
        from refport_core.commands import RecordFacts

        deliveries = list(self.deliveries(story, told, era, place))
        outcomes = self.application.record_facts(RecordFacts(deliveries=tuple(deliveries)))
        return [outcome.kind.value for outcome in outcomes]

    def deliveries(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> Iterator[Any]:
        from adapters.stripe.deliveries import delivery_of
        from adapters.stripe.understanding import Circumstances
        from adapters.stripe.webhook import event_document
        from conformance.said import facts_of
        from refport_core.commands import deliver
        from refport_core.scope import Mode

        if "tell" not in told:
            facts = facts_of(told, self.scope, place, self.clicks, self.partners, self.program_id)
            yield deliver(*facts, body=json.dumps(told, sort_keys=True, default=str).encode())
            return
        for event in events(story, told, era, place, self.clicks):
            body = json.dumps(event).encode()
            mode = Mode.LIVE if event["livemode"] else Mode.TEST
            given = Circumstances(
                scope=type(self.scope)(self.scope.workspace_id, mode), mode=mode, account=event.get("account")
            )
            yield delivery_of(event_document(body), body, given, connection_id=None, now=moment(told["at"]))

    def change(self, story: Story, change: Mapping[str, Any]) -> None:
        from refport_core import commands

        at = moment(change["at"])
        if "partner" in change:
            command = commands.ChangePartner(
                workspace_id="ws_story",
                partner_id=self.partners[change["partner"]],
                status=change.get("status"),
                email=change.get("email"),
            )
            self.application.change_partner(command, now=at)
            return
        terms = core_terms({key: value for key, value in change.items() if key not in ("at", "status")})
        status = change.get("status")
        program = commands.ChangeProgram(
            workspace_id="ws_story", program_id=self.program_id, terms=terms, status=status
        )
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
    from refport_core.programs import Flat, Percentage, Reward, RewardEvent

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


# ---------------------------------------------------------------------------------------------------
# A host


class Client(Protocol):
    """Sends a request and answers (status, decoded JSON)."""

    def __call__(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]: ...


class Refused(Exception):
    """The host did not take what the story tells; the message is its answer."""


class HostDoor:
    """A host behind its HTTP contract, with the keys of a fresh workspace and those of a stranger's. The host runs
    with ``REFPORT_CLOCK``, so that requests can say what time it is."""

    def __init__(self, client: Client, keys: Mapping[str, str], stranger_key: str) -> None:
        self.client = client
        self.keys = keys
        self.stranger_key = stranger_key
        self.clicks: dict[str, str] = {}
        self.partners: dict[str, str] = {}
        self.program_id = ""
        self.path = ""
        self.key = ""

    def ask(self, method: str, path: str, said: Any = None, *, at: datetime | None = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        if at is not None:
            headers["Refport-Clock"] = at.isoformat()
        status, answer = self.client(method, path, None if said is None else json.dumps(said).encode(), headers)
        if status >= 400:
            raise Refused(f"{method} {path}: {status} {answer}")
        return answer

    def set_up(self, story: Story) -> None:
        self.key = self.keys[story.mode]
        begin = moment("0d") - LONG_BEFORE
        made = [
            self.ask("POST", "/api/programs", program_terms(story.program), at=begin, key=key)["id"]
            for key in (self.stranger_key, self.key)
        ]
        self.program_id = made[-1]
        links: dict[str, tuple[str, str]] = {}
        for name, said in {**story.partners, "stranger": {}}.items():
            key = self.stranger_key if name == "stranger" else self.key
            email = said.get("email", f"{name.lower()}@partner.example")
            partner = self.ask("POST", "/api/partners", {"name": name, "email": email}, at=begin, key=key)
            link = {"partnerId": partner["id"], "url": "https://shop.example/"}
            links[name] = (key, self.ask("POST", "/api/links", link, at=begin, key=key)["id"])
            self.partners[name] = partner["id"]
        bare = self.ask("POST", "/api/links", {"url": "https://shop.example/"}, at=begin)
        links["nobody"] = (self.key, bare["id"])
        for name, said in story.clicks.items():
            key, link_id = links[said["of"]]
            at = moment(said["at"])
            click = self.ask("POST", "/api/clicks", {"linkId": link_id, "occurredAt": iso(at)}, at=at, key=key)
            self.clicks[name] = click["id"]
        self.path = self.ask("POST", "/api/integrations/stripe", {"webhookSecret": SECRET}, at=begin)["webhookPath"]

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:
        from stripe import WebhookSignature

        if "call" in told:
            return [self.call(told)]
        at = moment(told["at"])
        outcomes = []
        for event in events(story, told, era, place, self.clicks):
            body = json.dumps(event)
            signature = WebhookSignature.generate_signature_header(body, SECRET, timestamp=int(at.timestamp()))
            headers = {
                "Stripe-Signature": signature,
                "Content-Type": "application/json",
                "Refport-Clock": at.isoformat(),
            }
            status, answer = self.client("POST", self.path, body.encode(), headers)
            if status != 200:
                raise Refused(f"{told['tell']}: {status} {answer}")
            outcomes.append(answer["outcome"])
        return outcomes

    def call(self, told: Mapping[str, Any]) -> str:
        at = moment(told["at"])
        said = {
            "customerExternalId": told["external_id"],
            "clickId": click_id(told["click"], self.clicks) if "click" in told else None,
            "customerEmail": told.get("email"),
            "occurredAt": iso(at),
        }
        if told["call"] == "lead":
            said["eventName"] = told.get("event_name", "Sign Up")
        else:
            said |= {
                "amount": told["amount"],
                "currency": told.get("currency", "usd"),
                "invoiceId": told.get("invoice_id"),
                "paymentProcessor": told.get("processor", "custom"),
            }
        said = {key: value for key, value in said.items() if value is not None}
        self.ask("POST", f"/api/track/{told['call']}", said, at=moment(told.get("received", told["at"])))
        return "applied"

    def change(self, story: Story, change: Mapping[str, Any]) -> None:
        at = moment(change["at"])
        if "partner" in change:
            said = {key: change[key] for key in ("status", "email") if key in change}
            self.ask("PATCH", f"/api/partners/{self.partners[change['partner']]}", said, at=at)
            return
        said = program_terms(change)
        self.ask("PATCH", f"/api/programs/{self.program_id}", said, at=at)

    def books(self, story: Story) -> Books:
        return books_of_host(
            lambda path: self.ask("GET", path, at=story.now), {id_: name for name, id_ in self.partners.items()}
        )


def iso(at: datetime) -> str:
    """As the contract writes times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


@contextmanager
def core_door() -> Iterator[CoreDoor]:
    """A core of its own."""
    yield CoreDoor()
