"""Positions as comparable lines: everything that must be equal between two ways to the same books, nothing else.

Ids, times of receipt, number and order of entries are left out; payments are compared by their names, and the sales
that commissions are for by the first of these.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from refport_core.commissions import Balance
from refport_core.positions import Positions


def project(positions: Positions, now: datetime) -> dict[str, list[str]]:
    """Sales, leads, commissions, payouts and customers as sorted lines of JSON."""
    return {
        "sale": _lines(
            {
                "names": sorted(name.key for name in sale.names),
                "customer": sale.customer_key,
                "kind": sale.kind.value,
                "currency": sale.currency,
                "paid": sale.paid,
                "base": str(sale.base),
                "refunded": sale.refunded,
                "disputed": sale.disputed,
                "partner": sale.attribution.partner_id,
                "program": sale.attribution.program_id,
                "version": sale.program_version,
                "rule": sale.attribution.rule,
                "late": sale.attribution.late,
                "click": sale.attribution.click_id,
                "marks": sorted(sale.marks),
                "subscription": sale.subscription_id,
                "occurredAt": sale.occurred_at.isoformat(),
            }
            for sale in positions.sales
        ),
        "lead": _lines(
            {
                "customer": lead.customer_key,
                "event": lead.event_name,
                "partner": lead.attribution.partner_id,
                "rule": lead.attribution.rule,
                "late": lead.attribution.late,
                "click": lead.attribution.click_id,
                "occurredAt": lead.occurred_at.isoformat(),
            }
            for lead in positions.leads
        ),
        "commission": _lines(
            {
                "subject": commission.subject,
                "partner": commission.partner_id,
                "program": commission.program_id,
                "currency": commission.currency,
                "earned": commission.earned,
                "target": commission.target,
                "status": commission.status_at(now).value,
                "held": commission.held_at(now),
                "open": commission.open_amount,
            }
            for commission in positions.commissions
        ),
        "payout": _lines(
            {
                "id": payout.id,
                "partner": payout.partner_id,
                "currency": payout.currency,
                "number": payout.number,
                "asOf": payout.as_of.isoformat(),
                "amounts": [take.amount for take in payout.takes],
                "states": [[step.state, step.at.isoformat(), step.actor, step.reason] for step in payout.steps],
            }
            for payout in positions.payouts
        ),
        "customer": _lines(
            {
                "key": customer.key,
                "providerIds": sorted(customer.provider_ids),
                "emails": list(customer.emails),
                "name": customer.name,
                "binding": customer.binding.click_id if customer.binding else None,
            }
            for customer in positions.customers
        ),
    }


def project_balances(listed: Iterable[Balance]) -> list[str]:
    """Balances as sorted lines of JSON."""
    return _lines(
        {
            "partner": balance.partner_id,
            "currency": balance.currency,
            "earned": balance.earned,
            "reversed": balance.reversed,
            "paid": balance.paid,
            "inPayout": balance.in_payout,
            "payable": balance.payable,
            "pending": balance.pending,
            "held": balance.held,
        }
        for balance in listed
    )


def _lines(values: Any) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True) for value in values)
