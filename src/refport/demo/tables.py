"""What a person wants to read when the story is over."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from refport.demo.books import BalanceLine, Books, Json, Read, customer

DECIMALS: Final = {"jpy": 0}  # of the story's three currencies

RULES: Final = {
    "customer_external_id": "the merchant's own customer id, bound by an earlier checkout",
    "session_click_id": "click id in the checkout's metadata",
    "client_reference_id": "click id in client_reference_id",
    "carried_forward": "carried forward from the subscription's first payment",
    "customer_metadata": "click id in the customer's metadata",
    "customer_email": "e-mail address of a customer who is bound",
}
CODES: Final = {
    "UNKNOWN_CLICK": "a click id that we never issued",
    "FOREIGN_CLICK": "the click belongs to another merchant",
    "WINDOW_CLOSED": "the click is older than the attribution window",
    "PARTNER_INACTIVE": "the partner had left the program",
    "AMBIGUOUS_EMAIL": "customers of two partners share this address: a person should look",
    "NO_BINDING": "nobody sent this customer",
}
STATES: Final = {
    "approved": Text("approved", "green"),
    "pending": Text("pending: refund period", "yellow"),
    "DISPUTED": Text("held: disputed", "magenta"),
    "SELF_REFERRAL": Text("held: the partner's own address", "magenta"),
    "rejected": Text("rejected: refunded in full", "red"),
}


def money(amount: int, currency: str) -> str:
    digits = DECIMALS.get(currency, 2)
    whole, part = divmod(abs(amount), 10**digits)
    decimals = f".{part:0{digits}}" if digits else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{decimals} {currency.upper()}"


def day(told: Json) -> str:
    return datetime.fromisoformat(told["occurredAt"]).strftime("%d %b")


def state(commission: Json) -> Text:
    if commission["status"] == "approved" and commission["amount"] < commission["earned"]:
        return Text("approved: partly refunded", "green")
    return STATES[commission["held"] or commission["status"]]


def reason(told: Json) -> str:
    """Which evidence won, in words."""
    words = RULES[told["attribution"]["rule"]]
    return f"{words}, which was told later" if told["attribution"]["late"] else words


def earned(read: Read) -> Table:
    """Who earned what, and why. Payments of one subscription that went alike share a line."""
    table = Table(title="Who earned what, and why", title_justify="left", expand=True)
    table.add_column("Partner", style="bold", no_wrap=True)
    table.add_column("Customer", no_wrap=True)
    table.add_column("When", no_wrap=True)
    table.add_column("Paid, net", justify="right", no_wrap=True)
    table.add_column("Earned", justify="right", no_wrap=True)
    table.add_column("Left", justify="right", no_wrap=True)
    table.add_column("State")
    table.add_column("Because of")
    for partner, lines in groupby(sorted(earnings(read), key=lambda line: line[0]), key=lambda line: line[0]):
        for place, (_, cells) in enumerate(lines):
            table.add_row(partner if place == 0 else "", *cells)
        table.add_section()
    return table


def earnings(read: Read) -> Iterator[tuple[str, tuple[RenderableType, ...]]]:
    for lead in sorted(read.leads, key=lambda lead: str(lead["occurredAt"])):
        commission = read.commission_of(lead, "leadId")
        if commission is not None:
            words = f"lead ({lead['eventName']}): {reason(lead)}"
            amounts = (money(commission[key], commission["currency"]) for key in ("earned", "amount"))
            yield str(read.partner(lead)), (customer(lead), day(lead), "", *amounts, state(commission), words)
    sales = [sale for sale in read.sales if sale["partnerId"]]
    for _, alike in groupby(
        sorted(sales, key=lambda sale: likeness(read, sale)), key=lambda sale: likeness(read, sale)
    ):
        group = sorted(alike, key=lambda sale: str(sale["occurredAt"]))
        first, last = group[0], group[-1]
        commissions = [line for sale in group if (line := read.commission_of(sale, "saleId"))]
        when = day(first) if first is last else f"{day(first)} – {day(last)}"
        words = reason(first) if first is last else f"{len(group)} renewals, {reason(first)}"
        yield (
            str(read.partner(first)),
            (
                customer(first),
                when,
                money(sum(sale["amount"] for sale in group), first["currency"]),
                money(sum(line["earned"] for line in commissions), first["currency"]),
                money(sum(line["amount"] for line in commissions), first["currency"]),
                state(commissions[0]),
                words,
            ),
        )


def likeness(read: Read, sale: Json) -> tuple[str, ...]:
    """What sales share that one line can tell; others stand alone."""
    commission = read.commission_of(sale, "saleId") or {}
    if sale["kind"] != "renewal":
        return (customer(sale), "", str(sale["id"]))
    return (customer(sale), "renewals", *(str(commission.get(key)) for key in ("status", "held")))


def refused(read: Read) -> Table:
    """Sales that nobody earned, and the reason of each candidate that lost."""
    table = Table(title="Sales that nobody earned, and why", title_justify="left", expand=True)
    table.add_column("Customer", no_wrap=True)
    table.add_column("When", no_wrap=True)
    table.add_column("Paid, net", justify="right", no_wrap=True)
    table.add_column("Why", ratio=1)
    for sale in sorted(read.sales, key=lambda sale: str(sale["occurredAt"])):
        if sale["partnerId"] is None:
            codes = [candidate["code"] for candidate in read.explanations[sale["id"]]["candidates"]]
            why = "; ".join(dict.fromkeys(CODES.get(code, code) for code in codes)) or CODES["NO_BINDING"]
            table.add_row(customer(sale), day(sale), money(sale["amount"], sale["currency"]), why)
    return table


def balances(books: Books) -> Table:
    """Balances by partner and currency: no currency is ever turned into another."""
    table = Table(title="Balances", title_justify="left")
    table.add_column("Partner", style="bold", no_wrap=True)
    for name in ("Earned", "Reversed", "Payable", "Pending", "Held"):
        table.add_column(name, justify="right", no_wrap=True)
    lines = sorted(books.balances, key=lambda line: (line.partner, line.currency))
    for partner, group in groupby(lines, key=lambda line: line.partner):
        for place, line in enumerate(group):
            table.add_row(partner if place == 0 else "", *amounts(line))
        table.add_section()
    return table


def amounts(line: BalanceLine) -> list[str]:
    parts = (line.earned, line.reversed, line.payable, line.pending, line.held)
    return [money(part, line.currency) if part else "" for part in parts]


def events(outcomes: Mapping[str, int], unusual: Iterable[Json]) -> Table:
    """What became of the events, and the reasons of the unusual ones."""
    table = Table(title="What became of the events", title_justify="left")
    table.add_column("Outcome", style="bold")
    table.add_column("Events", justify="right")
    table.add_column("For example")
    examples: dict[str, list[str]] = {}
    for event in unusual:
        told = f"{event['type']}: {event['error'] or event['reason'] or ''}".removesuffix(": ")
        examples.setdefault(event["outcome"], []).append(told)
    for outcome in ("applied", "duplicate", "waiting", "ignored", "quarantined"):
        table.add_row(outcome, str(outcomes[outcome]), "\n".join(dict.fromkeys(examples.get(outcome, ()))))
    return table


def show(console: Console, read: Read, books: Books, unusual: Iterable[Json]) -> None:
    """Everything, one below the other."""
    tables = (earned(read), refused(read), balances(books), events(read.events, unusual))
    console.print(Group(*(Padding(table, (1, 0, 0, 0)) for table in tables)))
