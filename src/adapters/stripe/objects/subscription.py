"""A subscription, and its trial."""

from msgspec import Struct

from adapters.stripe.objects.shapes import Expandable, Id, Metadata, Timestamp, click_id, external_id, id_of, utc
from adapters.stripe.statement import Statement
from refport_core.facts import Subscription, TrialStarted


class SubscriptionObject(Struct):
    id: Id
    status: Id
    customer: Expandable = None
    metadata: Metadata | None = None
    created: Timestamp | None = None
    start_date: Timestamp | None = None
    trial_start: Timestamp | None = None


def subscription(stated: SubscriptionObject, statement: Statement) -> Subscription:
    """The subscription's metadata, status and start."""
    began = stated.created if stated.start_date is None else stated.start_date
    return Subscription(
        **statement.about(stated.id),
        status=stated.status,
        customer_id=id_of(stated.customer),
        external_id=external_id(stated.metadata),
        click_id=click_id(stated.metadata),
        started_at=None if began is None else utc(began),
    )


def trial(stated: SubscriptionObject, statement: Statement) -> TrialStarted:
    """R15: at the trial's start, else when it was stated."""
    started_at = None if stated.trial_start is None else utc(stated.trial_start)
    return TrialStarted(**statement.about(stated.id, started_at), customer_id=id_of(stated.customer))
