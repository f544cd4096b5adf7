"""Looks at connections: asks Stripe how an endpoint and a key are doing, keeps what it said, tells what is wrong."""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from attrs import frozen

from adapters.http.connection_health import ConnectionHealth
from adapters.stripe.asking import StripeProblem, Trouble
from adapters.stripe.endpoints import Endpoint
from adapters.stripe.lookups import ApiAccess
from adapters.stripe.permissions import LOOK_UPS, NEEDED, lacking
from refport.at_stripe import CONNECT, StripeSide
from refport.connection_health import Checked, Known, health_of
from refport.connections import LONG_AGO, active_connections, known_in
from refport.known_keys import KnownKeys
from refport_core.errors import RefportError
from refport_core.ports import Connection, Transaction, UnitOfWork
from refport_core.scope import Scope

NEWEST: Final = 500  # events that are looked at
TRIED_FOR: Final = timedelta(days=3)  # how long Stripe tries to deliver
BETWEEN_CHECKS: Final = timedelta(hours=1)
AT_ONCE: Final = 20
REFUSALS: Final = frozenset({Trouble.KEY, Trouble.PERMISSION})

_CHECKED: Final = msgspec.json.Decoder(Checked)


@frozen(kw_only=True)
class ConnectionChecks:
    """A person asks for a check, and so does the worker each hour; whoever reads asks nobody."""

    unit_of_work: UnitOfWork
    stripe: StripeSide
    keys: KnownKeys

    def health(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        """By the last check, and by what is in the books now. Raises ``NotFound``."""
        with self.unit_of_work.read() as tx:
            return health_of(self.known(tx, known_in(scope, tx.access.connection(connection_id)), now))

    def check(self, scope: Scope, connection_id: str, *, now: datetime) -> ConnectionHealth:
        """As ``health``, after Stripe was asked. Raises ``NotFound``."""
        with self.unit_of_work.read() as tx:
            connection = known_in(scope, tx.access.connection(connection_id))
        if connection.ended_at is None:
            self.look(connection, now)
        return self.health(scope, connection_id, now=now)

    def round(self, now: datetime) -> int:
        """Checks connections that were not checked for an hour, a few at a time, those first that wait longest; how
        many."""
        with self.unit_of_work.read() as tx:
            last = {connection: checked(tx, connection) for connection in active_connections(tx)}
        checked_at = {connection: found.at if found else LONG_AGO for connection, found in last.items()}
        due = [
            connection
            for connection, at in checked_at.items()
            if now - at >= BETWEEN_CHECKS and self.access(connection) is not None
        ]
        return sum(self.look(connection, now) for connection in sorted(due, key=checked_at.__getitem__)[:AT_ONCE])

    def look(self, connection: Connection, now: datetime) -> bool:
        """Asks Stripe, and keeps what it said. Whether there was anybody to ask."""
        access = self.access(connection)
        if access is None:
            return False
        with self.stripe.within():
            found = msgspec.json.encode(self.asked(connection, access, now))
        with self.unit_of_work.begin() as tx:
            tx.access.put_check(connection.id, found)
        return True

    def access(self, connection: Connection) -> ApiAccess | None:
        try:
            return self.keys.access_of(connection)
        except RefportError:  # it was encrypted with another key: ``doctor`` tells
            return None

    def asked(self, connection: Connection, access: ApiAccess, now: datetime) -> Checked:
        try:
            lacks = [] if connection.kind == CONNECT else self.lacking(connection, access)
            if any("Events" in each for each in lacks):
                missed = []
            else:
                missed = list(self.stripe.endpoints.undelivered(access, now - TRIED_FOR))
            sees, endpoint = self.endpoint(connection, access)
        except StripeProblem as problem:
            return Checked(now, problem.words, refused=problem.trouble in REFUSALS)
        return Checked(now, lacking=lacks, sees_endpoints=sees, endpoint=endpoint, undelivered=missed)

    def lacking(self, connection: Connection, access: ApiAccess) -> list[str]:
        """Only who has the host register endpoints has to allow it."""
        needed = NEEDED if connection.endpoints else LOOK_UPS
        return [str(each) for each in lacking(self.stripe.asking, access, needed)]

    def endpoint(self, connection: Connection, access: ApiAccess) -> tuple[bool, Endpoint | None]:
        """The newest one that delivers to this connection, if it can be seen. A platform's is the platform's own."""
        place = CONNECT if connection.kind == "connect" else connection.id
        try:
            there = self.stripe.at(ApiAccess(api_key=access.api_key), place)
        except StripeProblem as problem:
            if problem.trouble is Trouble.PERMISSION:
                return False, None
            raise
        return True, there[0] if there else None

    def known(self, tx: Transaction, connection: Connection, now: datetime) -> Known:
        last = checked(tx, connection)
        arrivals = tx.statements.arrived(connection, NEWEST)
        undelivered = last.undelivered if last else []
        return Known(
            connection=connection,
            url=self.stripe.url_of(CONNECT if connection.kind == "connect" else connection.id),
            key=self.kind_of_key(connection),
            can_ask=connection.api_key is not None
            or (connection.kind == "connect" and self.keys.platforms[connection.scope.mode].secret_key is not None),
            arrivals=arrivals,
            checked=last,
            missed=[each for each in undelivered if tx.reading.event(connection.scope, each.id) is None],
            now=now,
        )

    def kind_of_key(self, connection: Connection) -> Literal["none", "restricted", "full"]:
        if connection.api_key is None:
            return "none"
        try:
            return "full" if self.keys.vault.decrypt(connection.api_key).startswith("sk_") else "restricted"
        except RefportError:
            return "restricted"


def checked(tx: Transaction, connection: Connection) -> Checked | None:
    """What Stripe said when it was asked last. What another release kept in another shape is as good as nothing."""
    kept = tx.access.check(connection.id)
    try:
        return None if kept is None else _CHECKED.decode(kept)
    except msgspec.DecodeError:
        return None
