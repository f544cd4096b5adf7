"""The stores of one transaction, side by side."""

from attrs import define

from refport_core import ports
from refport_core.positions import Positions
from refport_core.users import Users


@define(kw_only=True)
class Stores:
    """The port ``Transaction``."""

    statements: ports.Statements
    facts: ports.Facts
    identities: ports.Identities
    positions: ports.PositionStore
    ledger: ports.Ledger
    catalogue: ports.CatalogueStore
    access: ports.Access
    reading: ports.Reading
    lookups: ports.DueLookUps
    duties: ports.Duties
    users: Users
    audit_log: ports.AuditLog


def ids_of(positions: Positions) -> set[str]:
    """The ids that these positions stand under."""
    return (
        {sale.id for sale in positions.sales}
        | {lead.id for lead in positions.leads}
        | {customer.id for customer in positions.customers}
    )
