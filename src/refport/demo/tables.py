"""What a person wants to read when the story is over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from attrs import field, frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from refport.demo.books import BalanceLine, Books, Json, Read, customer

DECIMALS: Final = {"jpy": 0}  # of the story's three currencies

RULES: Final = {
    "customer_external_id": "the merchant's customer id",
    "session_click_id": "click in the checkout",
    "client_reference_id": "click in client_reference_id",
    "carried_forward": "carried forward",
    "customer_metadata": "click with the customer",
    "customer_email": "address of a known customer",
}
CODES: Final = {
    "UNKNOWN_CLICK": "a click id that we never issued",
    "FOREIGN_CLICK": "the click belongs to another merchant",
    "WINDOW_CLOSED": "the click is older than the attribution window",
    "PARTNER_INACTIVE": "the partner had left the program",
    "AMBIGUOUS_EMAIL": "customers of two partners share this address: a person should look",
    "NO_BINDING": "nobody sent this customer",
}
SAID_BY_OTHERS: Final = frozenset({"OWN_FACT", "NO_BINDING"})  # these explain nothing where something else does
STATES: Final = {
    "approved": "[green]approved[/]",
    "pending": "[yellow]pending[/]",
    "DISPUTED": "[magenta]held: disputed[/]",
    "SELF_REFERRAL": "[magenta]held: own address[/]",
    "rejected": "[red]reversed[/]",
}


def money(amount: int, currency: str) -> str:
    digits = DECIMALS.get(currency, 2)
    whole, part = divmod(abs(amount), 10**digits)
    decimals = f".{part:0{digits}}" if digits else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{decimals} {currency.upper()}"


def day(told: Json) -> str:
    return datetime.fromisoformat(told["occurredAt"]).strftime("%d %b")


def titled(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def reason(told: Json) -> str:
    """Which evidence won, in words."""
    words = RULES[told["attribution"]["rule"]]
    return f"{words}, told later" if told["attribution"]["late"] else words


@frozen(order=True)
class Line:
    """A line of the table of earnings."""

    partner: str
    customer: str
    since: str
    cells: tuple[str, ...] = field(order=False)


def earned(read: Read) -> Table:
    """Who earned what, and why. Renewals of one subscription that went alike share a line."""
    table = titled("Who earned what, and why")
    table.add_column("Partner and customer", no_wrap=True)
    table.add_column("When", no_wrap=True)
    table.add_column("Paid, net", justify="right", no_wrap=True)
    table.add_column("Earned", justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Because of")
    for partner, lines in groupby(sorted([*leads(read), *sales(read)]), key=lambda line: line.partner):
        table.add_row(f"[bold]{partner}[/]")
        for line in lines:
            table.add_row(f"  {line.customer}", *line.cells)
        table.add_section()
    return table


def leads(read: Read) -> Iterator[Line]:
    for lead in read.leads:
        commission = read.commission_of(lead, "leadId")
        if commission is not None:
            cells = (day(lead), "", *earnings([commission]), f"{lead['eventName']}: {reason(lead)}")
            yield Line(str(read.partner(lead)), customer(lead), lead["occurredAt"], cells)


def sales(read: Read) -> Iterator[Line]:
    paid = sorted((sale for sale in read.sales if sale["partnerId"]), key=lambda sale: likeness(read, sale))
    for _, alike in groupby(paid, key=lambda sale: likeness(read, sale)):
        group = sorted(alike, key=lambda sale: str(sale["occurredAt"]))
        first, last = group[0], group[-1]
        base = money(sum(sale["amount"] for sale in group), first["currency"])
        commissions = [line for sale in group if (line := read.commission_of(sale, "saleId"))]
        several = len(group) > 1
        cells = (
            f"{day(first)} – {day(last)}" if several else day(first),
            base,
            *earnings(commissions),
            f"{len(group)} renewals: {reason(first)}" if several else reason(first),
        )
        yield Line(str(read.partner(first)), customer(first), first["occurredAt"], cells)


def earnings(commissions: Sequence[Json]) -> tuple[str, str]:
    """What is left of what was earned, and its state."""
    currency = commissions[0]["currency"]
    whole, left = (sum(line[key] for line in commissions) for key in ("earned", "amount"))
    amount = money(left, currency)
    if left < whole:
        amount = f"{amount.partition(' ')[0]} of {money(whole, currency)}"
    return amount, STATES[commissions[0]["held"] or commissions[0]["status"]]


def likeness(read: Read, sale: Json) -> tuple[str, ...]:
    """What renewals share that one line can tell; other sales stand alone."""
    commission = read.commission_of(sale, "saleId") or {}
    if sale["kind"] != "renewal":
        return (customer(sale), "", str(sale["id"]))
    return (customer(sale), "renewals", *(str(commission.get(key)) for key in ("status", "held")))


def refused(read: Read) -> Table:
    """Sales that nobody earned, and the reason of each candidate that lost."""
    table = titled("Sales that nobody earned, and why")
    table.add_column("Customer", no_wrap=True)
    table.add_column("When", no_wrap=True)
    table.add_column("Paid, net", justify="right", no_wrap=True)
    table.add_column("Why")
    for sale in sorted(read.sales, key=lambda sale: str(sale["occurredAt"])):
        if sale["partnerId"] is None:
            codes = [candidate["code"] for candidate in read.explanations[sale["id"]]["candidates"]]
            telling = dict.fromkeys(code for code in codes if code not in SAID_BY_OTHERS) or ("NO_BINDING",)
            why = "; ".join(CODES.get(code, code) for code in telling)
            table.add_row(customer(sale), day(sale), money(sale["amount"], sale["currency"]), why)
    return table


def balances(books: Books) -> Table:
    """Balances by partner and currency: no currency is ever turned into another."""
    table = titled("Balances")
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
    table = titled("What became of the events")
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
    for table in (earned(read), refused(read), balances(books), events(read.events, unusual)):
        console.print()
        console.print(table)
