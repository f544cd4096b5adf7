"""The books that the story must come to, written down by hand from the rules; and what comes out of the host."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

Json = Mapping[str, Any]


@frozen
class SaleLine:
    """One sale: who paid what, who earned what of it by which step, and in which state that is."""

    customer: str
    base: int  # minor units, net of tax
    currency: str
    partner: str | None
    rule: str
    earned: int = 0
    left: int = 0  # of what was earned, after refunds and disputes
    status: str | None = None
    held: str | None = None


@frozen
class LeadLine:
    """One lead, and what it earned."""

    customer: str
    event: str
    partner: str | None
    rule: str
    earned: int = 0


@frozen
class BalanceLine:
    """What a partner has in one currency."""

    partner: str
    currency: str
    earned: int
    reversed: int
    payable: int
    pending: int
    held: int


@frozen
class Books:
    """Sales by the first name of their payment, leads, balances, and the sum of the ledger of each partner."""

    sales: Mapping[str, SaleLine]
    leads: frozenset[LeadLine]
    balances: frozenset[BalanceLine]
    ledger: Mapping[tuple[str, str], int]
    events: Mapping[str, int]


ADA, CHIYO, DENIZ = "Ada Lindqvist", "Chiyo Tanaka", "Deniz Aydin"
HARBOR, NORDLICHT, PIXEL, TIDEWATER = "Harbor & Finch", "Nordlicht Review", "Pixel Orchard", "Tidewater Weekly"

EXPECTED: Final = Books(
    sales={
        "in_ada_1": SaleLine(ADA, 10000, "eur", HARBOR, "session_click_id", 2000, 2000, "approved"),
        "in_ada_2": SaleLine(ADA, 10000, "eur", HARBOR, "carried_forward", 2000, 2000, "approved"),
        "in_ada_3": SaleLine(ADA, 10000, "eur", HARBOR, "carried_forward", 2000, 2000, "approved"),
        "in_ada_4": SaleLine(ADA, 10000, "eur", HARBOR, "carried_forward", 2000, 2000, "approved"),
        "in_ada_5": SaleLine(ADA, 10000, "eur", HARBOR, "carried_forward", 2000, 2000, "approved"),
        "in_ada_6": SaleLine(ADA, 10000, "eur", HARBOR, "carried_forward", 2000, 2000, "pending"),
        "pi_ada_extra": SaleLine(ADA, 5000, "eur", HARBOR, "customer_external_id", 1000, 1000, "approved"),
        "pi_ada_guest": SaleLine("Aron Lindqvist", 6000, "usd", HARBOR, "customer_email", 1200, 1200, "approved"),
        "pi_bruno": SaleLine("Bruno Keller", 4900, "usd", PIXEL, "client_reference_id", 980, 980, "approved"),
        "in_chiyo_2": SaleLine(CHIYO, 4900, "jpy", NORDLICHT, "customer_metadata", 980, 980, "approved"),
        "in_chiyo_3": SaleLine(CHIYO, 4900, "jpy", NORDLICHT, "carried_forward", 980, 980, "approved"),
        "in_deniz_3": SaleLine(DENIZ, 2900, "eur", HARBOR, "carried_forward", 580, 580, "approved"),
        "in_deniz_4": SaleLine(DENIZ, 2900, "eur", HARBOR, "carried_forward", 580, 580, "approved"),
        "pi_eva": SaleLine("Eva Novak", 20000, "usd", NORDLICHT, "session_click_id", 4000, 3000, "approved"),
        "in_farid": SaleLine("Farid Haddad", 12000, "eur", PIXEL, "session_click_id", 2400, 0, "rejected"),
        "pi_greta": SaleLine("Greta Olsen", 30000, "eur", PIXEL, "session_click_id", 6000, 6000, "pending", "DISPUTED"),
        "pi_hugo": SaleLine("Hugo Marin", 15000, "usd", HARBOR, "session_click_id", 3000, 3000, "approved"),
        "pi_ines": SaleLine("Ines Duarte", 9900, "eur", None, "none"),
        "pi_jonas": SaleLine("Jonas Berg", 4500, "usd", None, "none"),
        "pi_kira": SaleLine("Kira Sato", 8000, "usd", None, "none"),
        "pi_lena": SaleLine(
            "Lena Fuchs", 7000, "eur", NORDLICHT, "session_click_id", 1400, 1400, "pending", "SELF_REFERRAL"
        ),
        "pi_mina": SaleLine("Mina Park", 8000, "eur", HARBOR, "session_click_id", 1600, 1600, "approved"),
        "pi_noah": SaleLine("Noah Stein", 12000, "eur", PIXEL, "session_click_id", 2400, 2400, "approved"),
        "pi_office": SaleLine("Brightfold office", 5500, "eur", None, "none"),
        "pi_olga": SaleLine("Olga Ruiz", 24000, "eur", PIXEL, "session_click_id", 4800, 4800, "approved"),
        "pi_pavel": SaleLine("Pavel Dvorak", 6000, "eur", NORDLICHT, "customer_metadata", 1200, 1200, "approved"),
        "pi_tomas": SaleLine("Tomas Vrba", 3500, "eur", None, "none"),
        "in_yara_3": SaleLine("Yara Nasser", 4000, "usd", TIDEWATER, "session_click_id", 800, 800, "approved"),
        "in_yara_4": SaleLine("Yara Nasser", 4000, "usd", None, "none"),
        "in_yara_5": SaleLine("Yara Nasser", 4000, "usd", None, "none"),
    },
    leads=frozenset({
        LeadLine(DENIZ, "Sign Up", HARBOR, "customer_metadata", 500),
        LeadLine(DENIZ, "Trial Started", HARBOR, "customer_metadata"),
    }),
    balances=frozenset({
        BalanceLine(HARBOR, "eur", earned=16260, reversed=0, payable=14260, pending=2000, held=0),
        BalanceLine(HARBOR, "usd", earned=4200, reversed=0, payable=4200, pending=0, held=0),
        BalanceLine(NORDLICHT, "eur", earned=2600, reversed=0, payable=1200, pending=0, held=1400),
        BalanceLine(NORDLICHT, "jpy", earned=1960, reversed=0, payable=1960, pending=0, held=0),
        BalanceLine(NORDLICHT, "usd", earned=4000, reversed=1000, payable=3000, pending=0, held=0),
        BalanceLine(PIXEL, "eur", earned=15600, reversed=2400, payable=7200, pending=0, held=6000),
        BalanceLine(PIXEL, "usd", earned=980, reversed=0, payable=980, pending=0, held=0),
        BalanceLine(TIDEWATER, "usd", earned=800, reversed=0, payable=800, pending=0, held=0),
    }),
    ledger={
        (HARBOR, "eur"): 16260, (HARBOR, "usd"): 4200, (NORDLICHT, "eur"): 2600, (NORDLICHT, "jpy"): 1960,
        (NORDLICHT, "usd"): 3000, (PIXEL, "eur"): 13200, (PIXEL, "usd"): 980, (TIDEWATER, "usd"): 800,
    },
    events={"quarantined": 2, "duplicate": 3},
)  # fmt: skip


@frozen
class Read:
    """What the reading API told: the lists of the contract."""

    partners: Mapping[str, str]  # names by id
    sales: Sequence[Json]
    leads: Sequence[Json]
    commissions: Sequence[Json]
    balances: Sequence[Json]
    entries: Sequence[Json]
    events: Mapping[str, int]
    explanations: Mapping[str, Json]  # by sale id

    def partner(self, told: Json) -> str | None:
        return self.partners.get(told["partnerId"])

    def commission_of(self, told: Json, key: str) -> Json | None:
        """The commission of a sale (``saleId``) or lead (``leadId``), if there is one."""
        return next((line for line in self.commissions if line[key] == told["id"]), None)


def payment(sale: Json) -> str:
    """The first name of a sale's payment."""
    names = sale["names"]
    return str(next(iter([*filter(None, [names["invoice"]]), *names["paymentIntents"], *names["charges"]])))


def customer(told: Json) -> str:
    """How a person is called in the tables."""
    who = told["customer"]
    return str(who["name"] or who["email"] or who["id"])


def books_of(read: Read) -> Books:
    """The host's books in the words of ``EXPECTED``."""
    sales = {}
    for sale in read.sales:
        commission = read.commission_of(sale, "saleId")
        sales[payment(sale)] = SaleLine(
            customer(sale), sale["amount"], sale["currency"], read.partner(sale), sale["attribution"]["rule"],
            *((commission["earned"], commission["amount"], commission["status"], commission["held"])
              if commission else ()),
        )  # fmt: skip
    leads = frozenset(
        LeadLine(
            customer(lead), lead["eventName"], read.partner(lead), lead["attribution"]["rule"],
            *((commission["earned"],) if (commission := read.commission_of(lead, "leadId")) else ()),
        )
        for lead in read.leads
    )  # fmt: skip
    balances = frozenset(
        BalanceLine(
            str(read.partner(line)), line["currency"],
            *(line[part] for part in ("earned", "reversed", "payable", "pending", "held")),
        )
        for line in read.balances
    )  # fmt: skip
    ledger: dict[tuple[str, str], int] = {}
    for entry in read.entries:
        account = (str(read.partner(entry)), entry["currency"])
        ledger[account] = ledger.get(account, 0) + entry["amount"]
    events = {outcome: read.events[outcome] for outcome in EXPECTED.events}
    return Books(sales=sales, leads=leads, balances=balances, ledger=ledger, events=events)


def differences(expected: Books, found: Books) -> list[str]:
    """A sentence for each line that is not as it must be."""
    pages: Iterable[tuple[str, Iterable[object], Iterable[object]]] = (
        ("sale", expected.sales.items(), found.sales.items()),
        ("lead", expected.leads, found.leads),
        ("balance", expected.balances, found.balances),
        ("ledger", expected.ledger.items(), found.ledger.items()),
        ("events", expected.events.items(), found.events.items()),
    )
    return [line for name, wanted, got in pages for line in unlike(name, set(wanted), set(got))]


def unlike(name: str, expected: set[object], found: set[object]) -> list[str]:
    return [
        *sorted(f"{name}: expected {line}, and it is not there" for line in expected - found),
        *sorted(f"{name}: found {line}, which nobody expected" for line in found - expected),
    ]
