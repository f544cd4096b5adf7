"""Where a story can be told: the core in this process, or a host behind its HTTP contract."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from stripe import WebhookSignature

from conformance.apart import email_of
from conformance.books import Books, books_of_host, names_of
from conformance.story import Story, click_id, events, moment

SECRET = "whsec_conformance_stories"  # noqa: S105 - it signs stories
PLATFORM = "/webhooks/stripe/connect"


class Door(Protocol):
    """One run of one story."""

    def set_up(self, story: Story) -> None:
        """Makes the story's program, partners, links and clicks."""
        ...

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:
        """Tells one entry, in this era; the outcomes of its events."""
        ...

    def change(self, change: Mapping[str, Any]) -> None:
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


class Client(Protocol):
    """Sends a request and answers (status, decoded JSON)."""

    def __call__(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]: ...


class Refused(Exception):
    """The host did not take what the story tells; the message is its answer."""


class HostDoor:
    """A host behind its HTTP contract, with the keys of a workspace and a key of a stranger's. The host runs with
    ``REFPORT_CLOCK``, so that requests can say what time it is. ``endpoints`` keeps the workspace's endpoints for
    Stripe, by mode, where several plays share them."""

    def __init__(
        self,
        client: Client,
        keys: Mapping[str, str],
        stranger_key: str,
        endpoints: dict[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.client = client
        self.keys = keys
        self.stranger_key = stranger_key
        self.endpoints = {} if endpoints is None else endpoints
        self.clicks: dict[str, str] = {}
        self.partners: dict[str, str] = {}
        self.connected: set[str] = set()
        self.payouts: dict[str, Any] = {}
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
        begin = story.made
        programs = {
            key: self.ask("POST", "/api/programs", program_terms(story.program), at=begin, key=key)["id"]
            for key in ([self.stranger_key] if story.has_stranger else []) + [self.key]
        }
        self.program_id = programs[self.key]
        links: dict[str, tuple[str, str]] = {}
        for name, said in {**story.partners, **({"stranger": {}} if story.has_stranger else {})}.items():
            key = self.stranger_key if name == "stranger" else self.key
            new = {"name": name, "email": email_of(name, said), "programId": programs[key]}
            partner = self.ask("POST", "/api/partners", new, at=begin, key=key)
            link = {"partnerId": partner["id"], "url": "https://shop.example/"}
            links[name] = (key, self.ask("POST", "/api/links", link, at=begin, key=key)["id"])
            self.partners[name] = partner["id"]
        bare = self.ask("POST", "/api/links", {"url": "https://shop.example/"}, at=begin)
        links["nobody"] = (self.key, bare["id"])
        for name, said in story.clicks.items():
            key, link_id = links[said["of"]]
            at = moment(said["at"])
            click = self.ask(
                "POST", "/api/clicks", {"linkId": link_id, "occurredAt": iso(at)}, at=max(at, begin), key=key
            )
            self.clicks[name] = click["id"]
        if story.mode not in self.endpoints:
            connection = {"webhookSecret": SECRET}
            self.endpoints[story.mode] = self.ask("POST", "/api/integrations/stripe", connection, at=begin)
        self.path = self.endpoints[story.mode]["webhookPath"]

    def tell(self, story: Story, told: Mapping[str, Any], era: str, place: int) -> list[str]:
        if "call" in told:
            return [self.call(told)]
        if "connect" in told:
            self.connect(told)
            return []
        if "pay" in told:
            self.pay(told)
            return []
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
            path = PLATFORM if "account" in told else self.path
            status, answer = self.client("POST", path, body.encode(), headers)
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

    def connect(self, told: Mapping[str, Any]) -> None:
        """An account is connected to the platform, once."""
        if told["connect"] not in self.connected:
            key = self.stranger_key if told.get("of") == "stranger" else self.key
            account = {"accountId": told["connect"]}
            self.ask("POST", "/api/integrations/stripe", account, at=moment(told["at"]), key=key)
            self.connected.add(told["connect"])

    def pay(self, told: Mapping[str, Any]) -> None:
        """A line of a payout in this state: the first one queues what is payable to the partner in the currency, and
        each must be a line of it. Raises ``Refused`` where the host pays something else."""
        at, name, state = moment(told["at"]), told["pay"], told["state"]
        if name not in self.payouts:
            wanted = {"partnerId": self.partners[told["partner"]], "currency": told.get("currency", "usd")}
            (self.payouts[name],) = self.ask("POST", "/api/payouts", wanted, at=at)["data"]
        payout = self.payouts[name]
        lines = {self.paid_for(line["commissionId"], at): line["amount"] for line in payout["lines"]}
        if not any(told["sale"] in names and amount == told["amount"] for names, amount in lines.items()):
            raise Refused(f"{name} has no line of {told['amount']} for {told['sale']}: {lines}")
        way = {"queued": [], "sent": ["sent"], "paid": ["sent", "paid"], "failed": ["failed"]}[state]
        for status in way[way.index(payout["status"]) + 1 if payout["status"] in way else 0 :]:
            path = f"/api/payouts/{payout['id']}"
            self.payouts[name] = payout = self.ask("PATCH", path, {"status": status}, at=at)

    def paid_for(self, commission_id: str, at: datetime) -> tuple[str, ...]:
        """The names of the sale that a commission is for."""
        commission = self.ask("GET", f"/api/commissions/{commission_id}", at=at)
        return tuple(names_of(self.ask("GET", f"/api/sales/{commission['saleId']}", at=at)["names"]))

    def change(self, change: Mapping[str, Any]) -> None:
        at = moment(change["at"])
        if "partner" in change:
            said = {key: change[key] for key in ("status", "email") if key in change}
            self.ask("PATCH", f"/api/partners/{self.partners[change['partner']]}", said, at=at)
            return
        said = program_terms(change)
        self.ask("PATCH", f"/api/programs/{self.program_id}", said, at=at)

    def books(self, story: Story) -> Books:
        return books_of_host(
            lambda path: self.ask("GET", path, at=story.now),
            {id_: name for name, id_ in self.partners.items()},
            with_why=story.asks_why,
            tag=story.tag,
        )


def iso(at: datetime) -> str:
    """As the contract writes times."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
