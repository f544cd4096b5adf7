"""Books in the words of stories, from the core or from a host's JSON, and their comparison with the expected ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from refport_core.ports import Query, Transaction
from refport_core.scope import Scope

Line = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """What can be compared; ids are left out, and partners have the names of the story."""

    sales: Sequence[Line]
    leads: Sequence[Line]
    commissions: Sequence[Line]
    balances: Sequence[Line]


def books_of_core(tx: Transaction, scope: Scope, now: datetime, partners: Mapping[str, str]) -> Books:
    """The books of a core, read through its reading port."""

    def every(ask: Callable[[Any], Any]) -> list[Any]:
        found, cursor = [], None
        while True:
            page = ask(Query(limit=200, cursor=cursor))
            found += page.data
            cursor = page.next_cursor
            if cursor is None:
                return found

    reading = tx.reading
    sales = every(lambda query: reading.sales(scope, query))
    leads = every(lambda query: reading.leads(scope, query))
    customers = {each.id: each for each in every(lambda query: reading.customers(scope, query))}
    sale_names = {sale.id: sorted(name.value for name in sale.names if name.processor != "call") for sale in sales}
    lead_lines = {lead.id: lead for lead in leads}
    return Books(
        sales=[
            {
                "names": sale_names[sale.id],
                "customer": customers[sale.customer_id].external_id,
                "kind": sale.kind.value,
                "paid": sale.paid,
                "amount": sale.amount,
                "tax": sale.tax,
                "currency": sale.currency,
                "refunded": sale.refunded,
                "disputed": sale.disputed,
                "partner": partners.get(sale.attribution.partner_id or ""),
                "rule": sale.attribution.rule,
                "late": sale.attribution.late,
                "marks": sorted(sale.marks),
                "version": sale.program_version,
                "why": sorted({each.code.value for each in sale.attribution.candidates}),
            }
            for sale in sales
        ],
        leads=[
            {
                "event": lead.event_name,
                "customer": customers[lead.customer_id].external_id,
                "partner": partners.get(lead.attribution.partner_id or ""),
                "rule": lead.attribution.rule,
                "late": lead.attribution.late,
                "why": sorted({each.code.value for each in lead.attribution.candidates}),
            }
            for lead in leads
        ],
        commissions=[
            {
                "names": sale_names.get(each.subject_id, []),
                "lead": lead_lines[each.subject_id].event_name if each.subject_id in lead_lines else None,
                "partner": partners.get(each.partner_id),
                "currency": each.currency,
                "earned": each.earned,
                "amount": each.target,
                "status": each.status_at(now).value,
                "held": each.held_at(now),
                "open": each.open_amount,
            }
            for each in every(lambda query: reading.commissions(scope, query, now))
        ],
        balances=[
            {
                "partner": partners.get(each.partner_id),
                "currency": each.currency,
                "earned": each.earned,
                "reversed": each.reversed,
                "paid": each.paid,
                "inPayout": each.in_payout,
                "payable": each.payable,
                "pending": each.pending,
                "held": each.held,
            }
            for each in reading.balances(scope, now)
        ],
    )


def books_of_host(
    get: Callable[[str], Any], partners: Mapping[str, str], *, with_why: bool = False, tag: str = ""
) -> Books:
    """The books of a host, read through its contract. ``with_why``: with the codes of every decision record; ``tag``:
    only what is about customers, payments and partners of the story that has it."""

    def every(path: str) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while True:
            page = get(f"{path}?limit=200{cursor}")
            found += page["data"]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={quote(page['nextCursor'], safe='')}"

    def why(path: str) -> list[str]:
        if not with_why:
            return []
        return sorted({each["code"] for each in get(f"{path}/explanation")["candidates"]})

    people = {each["id"] for each in every("/api/customers") if tag in str(each)} if tag else set()

    def ours(line: Any) -> bool:
        return not tag or line["customer"]["id"] in people or tag in str(line.get("names"))

    sales, leads = ([line for line in every(path) if ours(line)] for path in ("/api/sales", "/api/leads"))
    names = {sale["id"]: sorted(names_of(sale["names"])) for sale in sales}
    events = {lead["id"]: lead["eventName"] for lead in leads}
    return Books(
        sales=[
            {
                "names": names[sale["id"]],
                "customer": sale["customer"]["externalId"],
                "kind": sale["kind"],
                "paid": sale["paid"],
                "amount": sale["amount"],
                "tax": sale["tax"],
                "currency": sale["currency"],
                "refunded": sale["amountRefunded"],
                "disputed": sale["amountDisputed"],
                "partner": partners.get(sale["partnerId"]),
                "rule": sale["attribution"]["rule"],
                "late": sale["attribution"]["late"],
                "marks": sorted(sale["marks"]),
                "version": sale["programVersion"],
                "why": why(f"/api/sales/{sale['id']}"),
            }
            for sale in sales
        ],
        leads=[
            {
                "event": lead["eventName"],
                "customer": lead["customer"]["externalId"],
                "partner": partners.get(lead["partnerId"]),
                "rule": lead["attribution"]["rule"],
                "late": lead["attribution"]["late"],
                "why": why(f"/api/leads/{lead['id']}"),
            }
            for lead in leads
        ],
        commissions=[
            {
                "names": names.get(each["saleId"], []),
                "lead": events.get(each["leadId"]),
                "partner": partners.get(each["partnerId"]),
                "currency": each["currency"],
                "earned": each["earned"],
                "amount": each["amount"],
                "status": each["status"],
                "held": each["held"],
                "open": each["openAmount"],
            }
            for each in every("/api/commissions")
            if not tag or each["partnerId"] in partners
        ],
        balances=[
            {
                "partner": partners.get(each["partnerId"]),
                **{k: v for k, v in each.items() if k not in ("mode", "partnerId")},
            }
            for each in every("/api/balances")
            if not tag or each["partnerId"] in partners
        ],
    )


def names_of(names: Mapping[str, Any]) -> list[str]:
    """Every name of a sale."""
    singles = [names[key] for key in ("invoice", "session") if names[key]]
    return [*singles, *names["paymentIntents"], *names["charges"], *names["external"]]


def differences(expected: Mapping[str, Any], books: Books) -> list[str]:
    """What is not as it must be, in sentences. An expected line names the fields that it is about; there are as many
    lines as are expected. Balances are always conserved, and compared where they are expected."""
    found: list[str] = []
    for what in ("sales", "leads", "commissions"):
        found += _compared(what, expected.get(what, []), list(getattr(books, what)))
    if "balances" in expected:
        found += _compared("balances", expected["balances"], list(books.balances))
    for each in books.balances:
        parts = sum(each[part] for part in ("paid", "inPayout", "payable", "pending", "held"))
        if each["earned"] - each["reversed"] != parts:
            found.append(f"balances: {each['partner']} in {each['currency']} is not conserved: {each}")
    return found


def _compared(what: str, expected: Sequence[Line], actual: list[Line]) -> list[str]:
    found = []
    left = list(actual)
    for wanted in expected:
        match = next((line for line in left if _fits(wanted, line)), None)
        if match is None:
            found.append(f"{what}: nothing is {wanted}")
        else:
            left.remove(match)
    found += [f"{what}: nobody expected {line}" for line in left]
    return found


def _fits(wanted: Line, line: Line) -> bool:
    for key, value in wanted.items():
        if key in ("name", "sale"):
            if value not in line["names"]:
                return False
        elif key in ("partner", "customer", "held", "lead") and value == "":
            if line[key] is not None:
                return False
        elif key == "why":
            if not set(value) <= set(line["why"]):
                return False
        elif key not in line or line[key] != value:
            return False
    return True
