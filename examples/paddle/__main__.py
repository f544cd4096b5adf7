"""A click, a purchase, its renewal, a refund: `python -m examples.paddle [books.db]`, in memory without a file."""

import hmac
import json
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from adapters.persistence.memory import MemoryUnitOfWork
from adapters.persistence.sqlalchemy import SqlUnitOfWork, make_engine, migrate
from examples.paddle.translation import CLICK_ID, PROVIDER
from examples.paddle.webhook import Endpoint, PaddleTranslator, PaddleWebhook
from refport.click_ids import SignedClickIds
from refport.clock import SystemClock
from refport.ids import TimeOrderedIds
from refport_core.application import Application
from refport_core.commands import CreateLink, CreatePartner, CreateProgram, RecordClick, RecordFacts
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope

ACME: Final = Scope("acme", Mode.LIVE)
SECRET: Final = "pdl_ntfset_example"


class Books:
    """The core with a store of your choice, and Paddle's way in."""

    def __init__(self, file: Path | None = None) -> None:
        ids = TimeOrderedIds()
        if file is None:
            self.unit_of_work: MemoryUnitOfWork | SqlUnitOfWork = MemoryUnitOfWork(ids)
        else:
            engine = make_engine(f"sqlite:///{file}")
            migrate(engine)
            self.unit_of_work = SqlUnitOfWork(engine, ids)
        self.app = Application(
            unit_of_work=self.unit_of_work,
            clock=SystemClock(),
            ids=ids,
            click_ids=SignedClickIds([b"a secret of your own"]),
            translators={PROVIDER: PaddleTranslator()},
        )
        self.webhook = PaddleWebhook({"acme": Endpoint(ACME, (SECRET,))})

    def receive(self, body: bytes, signature: str, now: datetime | None = None) -> str:
        """What your route for Paddle does: verify, translate, record; answer 200 once this has returned."""
        delivery = self.webhook.read("acme", body, {"paddle-signature": signature}, now or datetime.now(UTC))
        (outcome,) = self.app.record_facts(RecordFacts(deliveries=(delivery,)))
        return outcome.kind.value


def signed(body: bytes, now: datetime, secret: str = SECRET) -> str:
    """As Paddle signs."""
    seconds = int(now.timestamp())
    digest = hmac.digest(secret.encode(), f"{seconds}:".encode() + body, "sha256").hex()
    return f"ts={seconds};h1={digest}"


def event(event_id: str, event_type: str, at: datetime, **data: Any) -> bytes:
    """As Paddle sends it, as far as anything reads it."""
    said = {"event_id": event_id, "event_type": event_type, "occurred_at": at.isoformat(), "data": data}
    return json.dumps({**said, "notification_id": f"ntf_{event_id}"}).encode()


def transaction(number: int, at: datetime, **said: Any) -> bytes:
    """100.00 EUR and 19.00 of tax, paid."""
    totals = {"subtotal": "10000", "tax": "1900", "total": "11900", "credit": "0", "grand_total": "11900"}
    data = {
        "id": f"txn_{number}",
        "status": "completed",
        "customer_id": "ctm_1",
        "subscription_id": "sub_1",
        "currency_code": "EUR",
        "origin": "web",
        "custom_data": None,
        "details": {"totals": totals},
        "payments": [{"status": "captured", "captured_at": at.isoformat()}],
    }
    return event(f"evt_txn_{number}", "transaction.completed", at, **{**data, **said})


def adjustment(number: int, at: datetime, **said: Any) -> bytes:
    """Half of the first transaction goes back."""
    data = {
        "id": f"adj_{number}",
        "action": "refund",
        "transaction_id": "txn_1",
        "customer_id": "ctm_1",
        "currency_code": "EUR",
        "status": "approved",
        "totals": {"subtotal": "5000", "tax": "950", "total": "5950"},
        "created_at": at.isoformat(),
    }
    return event(f"evt_adj_{number}", "adjustment.created", at, **{**data, **said})


def main(file: Path | None) -> None:
    books, now = Books(file), datetime.now(UTC)
    reward = Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20)))
    books.app.create_program(CreateProgram(workspace_id="acme", terms={"rewards": (reward,)}))
    ada = books.app.create_partner(CreatePartner(workspace_id="acme", name="Ada", email="ada@example.com"))
    link = books.app.create_link(CreateLink(workspace_id="acme", partner_id=ada.id, url="https://acme.example"))
    click = books.app.record_click(
        RecordClick(workspace_id="acme", link_id=link.id, occurred_at=now - timedelta(days=40))
    )
    began, renewed, refunded = (now - timedelta(days=days) for days in (39, 9, 8))
    for body in (
        adjustment(1, refunded),  # before anybody has heard of the sale
        transaction(2, renewed, origin="subscription_recurring"),
        transaction(1, began, custom_data={CLICK_ID: click.id}),
        transaction(1, began, custom_data={CLICK_ID: click.id}),  # and once more
    ):
        print(books.receive(body, signed(body, now)))
    with books.unit_of_work.read() as tx:
        print(*tx.reading.balances(ACME, now))
    print(*books.app.verify(ACME) or ["verified"])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
