"""The core's positions written down as the oracle writes its own, so that the two can be compared as bytes."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from refport_core.attribution import Attribution
from refport_core.commissions import Commission, balances
from refport_core.facts import Fact
from refport_core.positions import Positions, derive
from refport_core.programs import Catalogue


def books(facts: Iterable[Fact], catalogue: Catalogue, now: datetime) -> dict[str, Any]:
    """Everything derived at once."""
    return {
        f"{positions.scope.workspace_id}/{positions.scope.mode}": written(positions, now)
        for positions in derive(facts, catalogue)
    }


def written(positions: Positions, now: datetime) -> dict[str, Any]:
    """The canonical projection of one scope's positions."""
    subjects: dict[str, Any] = {sale.key: sorted(name.key for name in sale.names) for sale in positions.sales}
    subjects |= {lead.key: ["lead", lead.customer_key, lead.event_name] for lead in positions.leads}
    parts: dict[str, list[dict[str, Any]]] = {
        "sales": [
            {
                "names": subjects[sale.key],
                "customer": sale.customer_key,
                "kind": sale.kind.value,
                "currency": sale.currency,
                "paid": sale.paid,
                "base": str(sale.base),
                "amount": sale.amount,
                "refunded": sale.refunded,
                "disputed": sale.disputed,
                "marks": sorted(sale.marks),
                "occurred_at": sale.occurred_at.isoformat(),
                **written_attribution(sale.attribution),
            }
            for sale in positions.sales
        ],
        "leads": [
            {
                "customer": lead.customer_key,
                "event_name": lead.event_name,
                "occurred_at": lead.occurred_at.isoformat(),
                **written_attribution(lead.attribution),
            }
            for lead in positions.leads
        ],
        "commissions": [written_commission(commission, subjects, now) for commission in positions.commissions],
        "balances": [
            {
                "partner": balance.partner_id,
                "currency": balance.currency,
                **{
                    part: getattr(balance, part)
                    for part in ("earned", "reversed", "paid", "in_payout", "payable", "pending", "held")
                },
            }
            for balance in balances(positions.commissions, now)
        ],
    }
    return {name: sorted(part, key=lambda one: json.dumps(one, sort_keys=True)) for name, part in parts.items()}


def written_attribution(attribution: Attribution) -> dict[str, Any]:
    return {
        "partner": attribution.partner_id,
        "program": attribution.program_id,
        "rule": attribution.rule,
        "late": attribution.late,
        "click": attribution.click_id,
    }


def written_commission(commission: Commission, subjects: dict[str, Any], now: datetime) -> dict[str, Any]:
    held = commission.held_at(now)
    return {
        "subject": subjects.get(commission.subject, [commission.subject]),
        "partner": commission.partner_id,
        "program": commission.program_id,
        "currency": commission.currency,
        "earned": commission.earned,
        "target": commission.target,
        "status": commission.status_at(now).value,
        "held": held.value if held else None,
    }
