"""The in-process door: the whole house without a web server, for embedders and tests."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from attrs import frozen

from refport.asgi import close
from refport.bootstrap import Bootstrapped, bootstrap
from refport.connections import PROVIDER
from refport.container import Container, container_of
from refport.database import make_current
from refport.settings import Settings
from refport_core.application import Application
from refport_core.commands import Delivery, RecordFacts
from refport_core.outcomes import Outcome
from refport_core.ports import Transaction, Webhook


@frozen
class Door:
    """What the HTTP host offers, as plain calls. ``application`` has the use cases of set-up as well."""

    container: Container
    application: Application
    webhooks: Mapping[str, Webhook]

    def record(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Facts that are verified and translated already; durable when this returns."""
        return self.application.record_facts(RecordFacts(deliveries=tuple(deliveries)))

    def receive(self, connection_id: str, body: bytes, headers: Mapping[str, str], provider: str = PROVIDER) -> Outcome:
        """A processor's signed event, as it came; header names are lower case. Raises as ``Webhook.read`` does."""
        now = self.container.clock().now()
        return self.record([self.webhooks[provider].read(connection_id, body, headers, now)])[0]

    def read(self) -> AbstractContextManager[Transaction]:
        """The books as they are now: ``reading`` has what the reading API shows."""
        reading: AbstractContextManager[Transaction] = self.container.unit_of_work().read()
        return reading

    def bootstrap(self, slug: str) -> Bootstrapped:
        """A workspace with its API keys, unless it is there."""
        container = self.container
        return bootstrap(slug, container.unit_of_work(), container.ids(), container.clock(), container.keys().new)


@contextmanager
def open_door(settings: Settings) -> Iterator[Door]:
    """The door of these settings, on a current database; closed when the block ends."""
    container = container_of(settings)
    try:
        make_current(container)
        yield Door(container, container.application(), {PROVIDER: container.webhook()})
    finally:
        close(container)
