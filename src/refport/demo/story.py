"""The story of the demonstration: what happened at Lumen Notes from January to June, in Stripe's words.

Lumen Notes sells a note-taking app. Four partners send customers: three publications and a podcast. All people,
companies and addresses are invented.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen

from conformance.stripe_words import Era, Json, tell, tell_all

BEGIN: Final = datetime(2026, 1, 2, 9, tzinfo=UTC)
END: Final = datetime(2026, 6, 30, 18, tzinfo=UTC)  # the host's clock stands here

PROGRAM: Final[Json] = {
    "name": "Lumen Notes partners",
    "rewards": [
        {"event": "sale", "type": "percentage", "percent": "20"},
        {"event": "lead", "type": "flat", "amount": 500, "currency": "eur"},
    ],
    "renewals": {"months": 12},
    "holdDays": 30,
    "attributionWindowDays": 90,
    "selfReferral": "hold",
}
PARTNERS: Final = {
    "harbor": ("Harbor & Finch", "hello@harborfinch.example.com"),
    "nordlicht": ("Nordlicht Review", "post@nordlicht.example.com"),
    "pixel": ("Pixel Orchard", "team@pixelorchard.example.com"),
    "tidewater": ("Tidewater Weekly", "desk@tidewater.example.com"),
}
TIDEWATER_LEAVES: Final = datetime(2026, 4, 1, tzinfo=UTC)
FORGED_CLICK: Final = "clk_" + "A" * 52


def on(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# Who followed whose link, and when. `lantern` is the link of another merchant on the same installation.
CLICKS: Final[Mapping[str, tuple[str, datetime]]] = {
    "ada": ("harbor", on(1, 9)),
    "ada at pixel": ("pixel", on(3, 19)),
    "bruno": ("pixel", on(2, 1)),
    "chiyo": ("nordlicht", on(2, 12)),
    "deniz": ("harbor", on(2, 19)),
    "eva": ("nordlicht", on(3, 10)),
    "farid": ("pixel", on(2, 27)),
    "greta": ("pixel", on(5, 11)),
    "hugo": ("harbor", on(3, 3)),
    "jonas": ("nordlicht", on(1, 5)),
    "kira": ("lantern", on(4, 24)),
    "lena": ("nordlicht", on(6, 1)),
    "mina": ("harbor", on(3, 24)),
    "noah": ("pixel", on(3, 27)),
    "olga": ("pixel", on(4, 10)),
    "pavel": ("nordlicht", on(4, 28)),
    "rosa": ("harbor", on(4, 16)),
    "yara": ("tidewater", on(3, 14)),
}


@frozen
class Told:
    """An event, and when the host hears of it; that is not always the order in which things happened."""

    event: Json
    heard_at: datetime


class Lumen:
    """Collects what Stripe tells of the merchant's customers."""

    def __init__(self, clicks: Mapping[str, str]) -> None:
        self.clicks = clicks
        self.told: list[Told] = []

    def tell(self, kind: str, at: datetime, *, heard: datetime | None = None, **said: Any) -> None:
        era = said.pop("era", Era.NEW)
        event_id = said.pop("event_id", f"evt_{len(self.told) + 1:04d}")
        event = tell(kind, era=era, event_id=event_id, at=at, **said)
        self.told.append(Told(event, heard or at + timedelta(seconds=2)))

    def again(self, heard: datetime) -> None:
        """Stripe delivers the last event once more."""
        self.told.append(Told(self.told[-1].event, heard))

    def invoice_paid(self, at: datetime, *, heard: datetime | None = None, **said: Any) -> None:
        """New versions tell in a second event which payment intent paid."""
        era = said.pop("era", Era.NEW)
        for event in tell_all("invoice.paid", era=era, event_id=f"evt_{len(self.told) + 1:04d}", at=at, **said):
            self.told.append(Told(event, (heard or at) + timedelta(seconds=len(self.told) % 3 + 1)))

    def bought(self, name: str, at: datetime, total: int, currency: str, **said: Any) -> None:
        """A checkout without subscription, paid at once."""
        self.tell(
            "checkout.session.completed",
            at,
            **{
                "session": f"cs_{name}",
                "payment_intent": f"pi_{name}",
                "total": total,
                "currency": currency,
                "email": f"{name}@example.com",
                **said,
            },
        )


def story(clicks: Mapping[str, str]) -> list[Told]:
    """Everything that the host hears, in the order of hearing. ``clicks`` are the ids of ``CLICKS`` by name."""
    lumen = Lumen(clicks)
    for chapter in (
        ada, bruno, chiyo, deniz, eva, farid, greta, hugo, ines, jonas, kira, lena, brightfold, olga, pavel, rosa,
        tomas, yara, noise,
    ):  # fmt: skip
        chapter(lumen)
    return sorted(lumen.told, key=lambda told: told.heard_at)


def ada(lumen: Lumen) -> None:
    """Subscribes by Harbor & Finch's link. The invoice is heard before the checkout that knows the click."""
    who: Json = {"customer": "cus_ada", "email": "ada@lindqvist.example.com", "customer_name": "Ada Lindqvist"}
    plan: Json = {"total": 11900, "tax": 1900, "currency": "eur", "subscription": "sub_ada"}
    begin = on(1, 10)
    lumen.tell("customer.created", begin, **who)
    lumen.tell("customer.subscription.created", begin, subscription="sub_ada", customer="cus_ada")
    first: Json = {**who, **plan, "invoice": "in_ada_1", "billing_reason": "subscription_create"}
    lumen.invoice_paid(begin + timedelta(seconds=1), payment_intent="pi_ada_1", **first)
    lumen.tell("invoice.payment_succeeded", begin + timedelta(seconds=1), **first)  # the same fact once more
    lumen.tell(
        "checkout.session.completed",
        begin + timedelta(seconds=2),
        heard=begin + timedelta(seconds=40),
        session="cs_ada",
        mode="subscription",
        invoice="in_ada_1",
        click=lumen.clicks["ada"],
        external_id="user_ada",
        **who,
        **plan,
    )
    lumen.again(begin + timedelta(minutes=5))
    for month in range(2, 7):
        number = f"ada_{month}"
        lumen.invoice_paid(on(month, 10), invoice=f"in_{number}", payment_intent=f"pi_{number}", **who, **plan)
    # An extra, bought while logged in, after a look at Pixel Orchard's link.
    lumen.bought(
        "ada_extra", on(3, 20), 5000, "eur",
        reference=lumen.clicks["ada at pixel"], external_id="user_ada", **who,
    )  # fmt: skip
    # A colleague pays as a guest and leaves Ada's address.
    lumen.bought("ada_guest", on(4, 3), 6000, "usd", email="Ada@Lindqvist.example.com ", customer_name="Aron Lindqvist")


def bruno(lumen: Lumen) -> None:
    """Pays once by a payment link; Stripe delivers the event three times."""
    lumen.bought("bruno", on(2, 3), 4900, "usd", reference=lumen.clicks["bruno"], customer_name="Bruno Keller")
    lumen.again(on(2, 3, 10, 1))
    lumen.again(on(2, 5))
    lumen.tell("payment_intent.succeeded", on(2, 3), payment_intent="pi_bruno", amount=4900, charge="ch_bruno")


def chiyo(lumen: Lumen) -> None:
    """Subscribes by the merchant's own form: only the customer's metadata know the click. Yen have no decimals."""
    who: Json = {"customer": "cus_chiyo", "email": "chiyo@example.com", "customer_name": "Chiyo Tanaka"}
    plan: Json = {"total": 5390, "tax": 490, "currency": "jpy", "subscription": "sub_chiyo"}
    lumen.tell("customer.created", on(2, 14), click=lumen.clicks["chiyo"], **who)
    lumen.tell("customer.subscription.created", on(2, 14, 10, 1), subscription="sub_chiyo", customer="cus_chiyo")
    for month, reason in ((2, "subscription_create"), (3, "subscription_cycle")):
        number = f"chiyo_{month}"
        lumen.invoice_paid(
            on(month, 14, 10, 2), invoice=f"in_{number}", payment_intent=f"pi_{number}", billing_reason=reason,
            **who, **plan,
        )  # fmt: skip


def deniz(lumen: Lumen) -> None:
    """Signs up, tries two weeks for nothing, pays twice, and leaves."""
    who: Json = {"customer": "cus_deniz", "email": "deniz@example.com", "customer_name": "Deniz Aydin"}
    plan: Json = {"currency": "eur", "subscription": "sub_deniz"}
    begin, end = on(2, 20), on(3, 6)
    lumen.tell("customer.created", begin, click=lumen.clicks["deniz"], external_id="user_deniz", **who)
    trial: Json = {"subscription": "sub_deniz", "customer": "cus_deniz", "trial_start": begin, "trial_end": end}
    lumen.tell("customer.subscription.created", begin + timedelta(seconds=5), status="trialing", **trial)
    lumen.tell(
        "invoice.paid", begin + timedelta(seconds=5),
        invoice="in_deniz_0", total=0, billing_reason="subscription_create", **who, **plan,
    )  # fmt: skip
    lumen.tell("customer.subscription.updated", end, status="active", **trial)
    for month in (3, 4):
        number = f"deniz_{month}"
        lumen.invoice_paid(
            on(month, 6, 11), invoice=f"in_{number}", payment_intent=f"pi_{number}", total=2900, **who, **plan
        )
    lumen.tell("customer.subscription.deleted", on(4, 20), **trial)


def eva(lumen: Lumen) -> None:
    """Gets a part back, then more; the newer statement is heard first. Her merchant's endpoint is an old one."""
    old: Json = {"era": Era.OLD, "currency": "usd"}
    lumen.bought(
        "eva", on(3, 12), 20000, customer="cus_eva", customer_name="Eva Novak", click=lumen.clicks["eva"], **old
    )
    charge: Json = {"charge": "ch_eva", "payment_intent": "pi_eva", "amount": 20000, "customer": "cus_eva", **old}
    lumen.tell("charge.refunded", on(4, 2), heard=on(4, 9, 11), refunded=3000, created=on(3, 12), **charge)
    lumen.tell("charge.refunded", on(4, 9), refunded=5000, created=on(3, 12), **charge)


def farid(lumen: Lumen) -> None:
    """Takes everything back after a day. The refund is heard first, before there is anything to refund."""
    who: Json = {"customer": "cus_farid", "email": "farid@example.com", "customer_name": "Farid Haddad"}
    plan: Json = {"total": 12000, "currency": "eur", "subscription": "sub_farid", "invoice": "in_farid"}
    lumen.tell(
        "charge.refunded", on(3, 2), charge="ch_farid", payment_intent="pi_farid", amount=12000, refunded=12000,
        currency="eur", customer="cus_farid", created=on(3, 1),
    )  # fmt: skip
    lumen.invoice_paid(
        on(3, 1), heard=on(3, 3), payment_intent="pi_farid", billing_reason="subscription_create", **who, **plan
    )
    lumen.tell(
        "checkout.session.completed", on(3, 1), heard=on(3, 4), session="cs_farid", mode="subscription",
        click=lumen.clicks["farid"], **who, **plan,
    )  # fmt: skip


def greta(lumen: Lumen) -> None:
    """Her bank disputes the payment; nobody knows yet how that ends."""
    lumen.bought(
        "greta", on(5, 12), 30000, "eur",
        customer="cus_greta", customer_name="Greta Olsen", click=lumen.clicks["greta"],
    )  # fmt: skip
    lumen.tell(
        "charge.dispute.created", on(5, 20),
        dispute="dp_greta", amount=30000, currency="eur", charge="ch_greta", payment_intent="pi_greta",
    )  # fmt: skip


def hugo(lumen: Lumen) -> None:
    """His dispute was won. Its end is heard before its beginning."""
    lumen.bought(
        "hugo", on(3, 4), 15000, "usd", customer="cus_hugo", customer_name="Hugo Marin", click=lumen.clicks["hugo"]
    )
    dispute: Json = {"dispute": "dp_hugo", "amount": 15000, "charge": "ch_hugo", "payment_intent": "pi_hugo"}
    lumen.tell("charge.dispute.created", on(3, 15), heard=on(4, 2, 12), **dispute)
    lumen.tell("charge.dispute.closed", on(4, 2), status="won", created=on(3, 15), **dispute)


def ines(lumen: Lumen) -> None:
    """Found Lumen Notes by herself."""
    lumen.bought("ines", on(2, 25), 9900, "eur", customer="cus_ines", customer_name="Ines Duarte")


def jonas(lumen: Lumen) -> None:
    """Clicked in January and bought in April, when the window of 90 days was closed."""
    lumen.bought(
        "jonas", on(4, 20), 4500, "usd", customer="cus_jonas", customer_name="Jonas Berg", click=lumen.clicks["jonas"]
    )


def kira(lumen: Lumen) -> None:
    """Brings a click on a link of another merchant."""
    lumen.bought("kira", on(4, 25), 8000, "usd", reference=lumen.clicks["kira"], customer_name="Kira Sato")


def lena(lumen: Lumen) -> None:
    """The editor of Nordlicht Review buys by her own link."""
    lumen.bought(
        "lena", on(6, 2), 7000, "eur", customer="cus_lena", customer_name="Lena Fuchs",
        email="Post@Nordlicht.example.com", click=lumen.clicks["lena"],
    )  # fmt: skip


def brightfold(lumen: Lumen) -> None:
    """Two people of one office came by two partners; a third pays as a guest with the office's address."""
    office: Json = {"currency": "eur", "email": "office@brightfold.example.com"}
    lumen.bought(
        "mina", on(3, 25), 8000, customer="cus_mina", customer_name="Mina Park", click=lumen.clicks["mina"], **office
    )
    lumen.bought(
        "noah", on(3, 28), 12000, customer="cus_noah", customer_name="Noah Stein", click=lumen.clicks["noah"], **office
    )
    lumen.bought("office", on(4, 22), 5500, customer_name="Brightfold office", **office)


def olga(lumen: Lumen) -> None:
    """Pays by bank debit: the checkout is complete on the 11th, the money is there on the 16th."""
    session: Json = {
        "session": "cs_olga", "payment_intent": "pi_olga", "total": 24000, "currency": "eur", "customer": "cus_olga",
        "email": "olga@example.com", "customer_name": "Olga Ruiz", "click": lumen.clicks["olga"],
    }  # fmt: skip
    lumen.tell("checkout.session.completed", on(4, 11), payment_status="unpaid", **session)
    lumen.tell("checkout.session.async_payment_succeeded", on(4, 16), created=on(4, 11), **session)


def pavel(lumen: Lumen) -> None:
    """Buys; only a week later the merchant's server writes his click to his customer record."""
    who: Json = {"customer": "cus_pavel", "email": "pavel@example.com", "customer_name": "Pavel Dvorak"}
    lumen.tell("customer.created", on(5, 2), **who)
    lumen.bought("pavel", on(5, 2, 10, 1), 6000, "eur", **who)
    lumen.tell(
        "customer.updated", on(5, 9), click=lumen.clicks["pavel"], created=on(5, 2), previous={"metadata": {}}, **who
    )


def rosa(lumen: Lumen) -> None:
    """Her bank debit fails: no money, no sale."""
    session: Json = {
        "session": "cs_rosa", "payment_intent": "pi_rosa", "total": 9900, "currency": "eur", "customer": "cus_rosa",
        "email": "rosa@example.com", "customer_name": "Rosa Lind", "click": lumen.clicks["rosa"],
    }  # fmt: skip
    lumen.tell("checkout.session.completed", on(4, 17), payment_status="unpaid", **session)
    lumen.tell("checkout.session.async_payment_failed", on(4, 21), created=on(4, 17), **session)


def tomas(lumen: Lumen) -> None:
    """Somebody made up a click id."""
    lumen.bought("tomas", on(5, 15), 3500, "eur", customer="cus_tomas", customer_name="Tomas Vrba", click=FORGED_CLICK)


def yara(lumen: Lumen) -> None:
    """Subscribes by Tidewater Weekly, who leave the program in April. Her merchant's endpoint is an old one."""
    who: Json = {"customer": "cus_yara", "email": "yara@example.com", "customer_name": "Yara Nasser"}
    plan: Json = {"total": 4000, "currency": "usd", "subscription": "sub_yara", "era": Era.OLD}
    lumen.tell(
        "checkout.session.completed", on(3, 15), session="cs_yara", mode="subscription", invoice="in_yara_3",
        click=lumen.clicks["yara"], **who, **plan,
    )  # fmt: skip
    for month in (3, 4, 5):
        number = f"yara_{month}"
        lumen.invoice_paid(
            on(month, 15, 11), invoice=f"in_{number}", payment_intent=f"pi_{number}", charge=f"ch_{number}",
            billing_reason="subscription_create" if month == 3 else "subscription_cycle", **who, **plan,
        )  # fmt: skip


def noise(lumen: Lumen) -> None:
    """What else arrives at an endpoint: a type nobody asked for, a test event at the live one, a broken one."""
    lumen.tell("payout.paid", on(5, 28), what={"id": "po_1", "object": "payout", "amount": 100000, "currency": "eur"})
    lumen.tell(
        "checkout.session.completed", on(5, 29),
        live=False, session="cs_try", payment_intent="pi_try", total=100, currency="eur", email="try@example.com",
    )  # fmt: skip
    lumen.tell("invoice.paid", on(5, 30), invoice="in_broken", total=2500, customer="cus_broken")
    lumen.told[-1].event["data"]["object"]["amount_paid"] = "25.00"
