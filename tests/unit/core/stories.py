"""Facts, asked as the core asks them."""

from datetime import datetime

from refport_core.attribution import Attribution, Chain, Why
from refport_core.commissions import Commission
from refport_core.customers import History, histories
from refport_core.facts import Fact
from refport_core.payments import Payment, accepted, payments
from refport_core.positions import Positions, derive
from refport_core.programs import Catalogue
from refport_core.sales import Sale
from tests.builders import a_catalogue, day

CLICKS = a_catalogue({"a": ("A", day(-1)), "b": ("B", day(-1)), "x": ("foreign", day(-1)), "p": ("plain", day(-1))})


def a_history(*facts: Fact) -> History:
    """These facts, which must hang together."""
    (history,) = histories(facts)
    return history


def a_chain(*facts: Fact, catalogue: Catalogue = CLICKS) -> Chain:
    """The chain over the history of the first fact; the others may be neighbours who share an address."""
    found = histories(facts)
    (asked,) = [history for history in found if facts[0] in history.facts]
    return Chain(
        history=asked, catalogue=catalogue, stating=lambda email: [each for each in found if email in each.emails]
    )


def payments_of(*facts: Fact) -> list[Payment]:
    return payments(accepted(facts))


def a_payment(*facts: Fact) -> Payment:
    (payment,) = payments_of(*facts)
    return payment


def the_positions(*facts: Fact, catalogue: Catalogue = CLICKS) -> Positions:
    (positions,) = derive(facts, catalogue)
    return positions


def the_sale(*facts: Fact, catalogue: Catalogue = CLICKS) -> Sale:
    (sale,) = the_positions(*facts, catalogue=catalogue).sales
    return sale


def sale_of(name: str, *facts: Fact, catalogue: Catalogue = CLICKS) -> Sale:
    """The sale that has this name."""
    sales = the_positions(*facts, catalogue=catalogue).sales
    (sale,) = [sale for sale in sales if name in {each.value for each in sale.names}]
    return sale


def the_commission(*facts: Fact, catalogue: Catalogue = CLICKS) -> Commission:
    (commission,) = the_positions(*facts, catalogue=catalogue).commissions
    return commission


def commission_of(name: str, *facts: Fact, catalogue: Catalogue = CLICKS) -> Commission | None:
    """The commission of the sale that has this name, if there is one."""
    positions = the_positions(*facts, catalogue=catalogue)
    (key,) = [sale.key for sale in positions.sales if name in {each.value for each in sale.names}]
    return next((each for each in positions.commissions if each.subject == key), None)


def won(attribution: Attribution) -> tuple[str | None, str, bool]:
    return attribution.partner_id, attribution.rule, attribution.late


def lines(attribution: Attribution) -> list[tuple[str, str | None, Why]]:
    """The decision record: step, click and verdict code of each candidate."""
    return [(each.step, each.click_id, each.code) for each in attribution.candidates]


def status_at(commission: Commission, now: datetime) -> tuple[str, str | None]:
    """Status and the reason that holds it."""
    held = commission.held_at(now)
    return commission.status_at(now).value, held.value if held else None
