"""People buy at the stand-in for Stripe; its events come in every order, twice, late, or while the host is away."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe as stripe_sdk
from attrs import frozen

from adapters.stripe.permissions import ACCOUNT, NEEDED
from refport.demo.host import HostProcess, free_port
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.scope import Mode
from tests.e2e.browsers import PERSON
from tests.fakes.stripe_api import FakeStripe
from tests.fakes.stripe_post import Parcel

TWENTY_PERCENT = {"type": "percentage", "event": "sale", "percent": "20"}
ENOUGH = [permission.id for permission in (*NEEDED, ACCOUNT)]


@frozen
class Shop:
    """A merchant whose Stripe account is connected by a restricted key."""

    url: str
    stripe: FakeStripe
    headers: dict[str, str]
    shop: stripe_sdk.StripeClient
    host: HostProcess

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.url}/api/{path}", headers=self.headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def buy(self, mode: str, click: str) -> str:
        """Somebody pays 49.00 on Stripe's page; the session."""
        session = self.shop.v1.checkout.sessions.create(
            {
                "mode": mode,
                "line_items": [
                    {
                        "price_data": {"currency": "usd", "unit_amount": 4900, "product_data": {"name": "A course"}},
                        "quantity": 1,
                    }
                ],
                "client_reference_id": f"refp_id_{click}",
                "success_url": f"{self.stripe.url}/thanks",
            }
        )
        paid = httpx.post(session.url or "", data={"email": f"{session.id}@x.example", "card": "4242424242424242"})
        assert 303 == paid.status_code, paid.text
        return session.id

    def refund(self, amount: int) -> None:
        """So much of what was paid last goes back."""
        self.shop.v1.refunds.create({"charge": list(self.stripe.checkout.charges)[-1], "amount": amount})

    def visit(self) -> str:
        answer = httpx.get(f"{self.url}/r/ada", headers={"user-agent": PERSON, "sec-fetch-mode": "navigate"})
        return httpx.URL(answer.headers["location"]).params["refp_id"]

    def sold(self, session: str) -> dict[str, Any]:
        """The one sale of a session, with its one commission."""
        (sale,) = [each for each in self.ask("GET", "sales?limit=200")["data"] if session == each["names"]["session"]]
        (commission,) = [self.ask("GET", f"commissions/{each}") for each in sale["commissionIds"]]
        return {
            "paid": sale["paid"],
            "kind": sale["kind"],
            "refunded": sale["amountRefunded"],
            "rule": sale["attribution"]["rule"],
            "commission": commission["amount"],
        }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("host")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with FakeStripe() as stripe:
        stripe.books.account("acct_shop", "The shop")
        stated = {"database_url": f"sqlite:///{folder}/books.db", "public_url": url, "stripe_api_base": stripe.url}
        client = stripe_sdk.StripeClient(stripe.books.key("acct_shop"), base_addresses={"api": stripe.url})
        with (
            HostProcess(stated, port, folder / "host.log") as host,
            open_door(settings_from(Stated(**stated))) as door,
        ):
            key = door.bootstrap("shop").api_keys[Mode.TEST]
            shop = Shop(url, stripe, {"authorization": f"Bearer {key}"}, client, host)
            program = shop.ask("POST", "programs", {"rewards": [TWENTY_PERCENT]})["id"]
            partner = {"name": "Ada", "email": "ada@x.example", "programId": program}
            partner_id = shop.ask("POST", "partners", partner)["id"]
            link = {"key": "ada", "url": "https://shop.example", "programId": program, "partnerId": partner_id}
            shop.ask("POST", "links", link)
            restricted = stripe.books.key("acct_shop", permissions=ENOUGH)
            shop.ask("POST", "integrations/stripe", {"apiKey": restricted})
            yield shop


def shuffled(seed: int) -> Callable[[list[Parcel]], list[Parcel]]:
    """Every parcel twice, in some order."""
    return lambda parcels: random.Random(seed).sample([*parcels, *parcels], 2 * len(parcels))


ORDERS: dict[str, Callable[[list[Parcel]], list[Parcel]]] = {
    "as it happened": list,
    "reversed": lambda parcels: parcels[::-1],
    **{f"shuffled and doubled {seed}": shuffled(seed) for seed in range(4)},
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("mode", "kind"), [("payment", "one_off"), ("subscription", "initial")])
def test_the_order_of_delivery_changes_nothing(shop: Shop, order: str, mode: str, kind: str) -> None:
    """A purchase, and half of it given back: one sale, one commission."""
    shop.stripe.post.hold()
    session = shop.buy(mode, shop.visit())
    shop.refund(2450)
    before = len(shop.stripe.post.attempts)
    shop.stripe.post.release(ORDERS[order])

    assert {200} == {attempt.status for attempt in shop.stripe.post.attempts[before:]}
    assert {
        "paid": 4900, "kind": kind, "refunded": 2450, "rule": "client_reference_id", "commission": 490,
    } == shop.sold(session)  # fmt: skip


def test_what_happens_while_the_host_is_away_comes_with_the_next_try(shop: Shop) -> None:
    click = shop.visit()
    shop.host.kill()
    session = shop.buy("subscription", click)
    shop.stripe.post.settle()
    assert shop.stripe.post.failed

    shop.host.start()
    shop.stripe.post.retry()

    assert [] == shop.stripe.post.failed
    assert 980 == shop.sold(session)["commission"]


def test_a_card_that_is_declined_sells_nothing(shop: Shop) -> None:
    before = shop.ask("GET", "status")["events"]["received"]
    session = shop.shop.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [
                {"price_data": {"currency": "usd", "unit_amount": 100, "product_data": {"name": "x"}}, "quantity": 1}
            ],
            "success_url": f"{shop.stripe.url}/thanks",
        }
    )

    declined = httpx.post(session.url or "", data={"email": "a@x.example", "card": "4000000000000002"})

    assert (402, True) == (declined.status_code, "declined" in declined.text)
    shop.stripe.post.settle()
    assert before == shop.ask("GET", "status")["events"]["received"]
