"""The record of what people do: written in the transaction that does it, or not at all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Final, TypeAlias

from attrs import frozen
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.dashboard.actors import Actor
from refport_core.ports import Facts, Ids, Transaction, UnitOfWork
from refport_core.users import Act

_DUE: Final[ContextVar[list[Act] | None]] = ContextVar("due acts", default=None)


@frozen
class Audited:
    """The port ``UnitOfWork``: a transaction within ``Acts.by`` carries the act too."""

    unit_of_work: UnitOfWork

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Transaction]:
        due = _DUE.get() or []
        with self.unit_of_work.begin(alone=alone) as tx:
            yield tx
            for act in due:
                tx.audit_log.record(act)
        due.clear()

    def read(self) -> AbstractContextManager[Transaction]:
        return self.unit_of_work.read()

    def aside(self) -> AbstractContextManager[Facts]:
        return self.unit_of_work.aside()


@frozen
class Acts:
    """Says who does what."""

    ids: Ids

    @contextmanager
    def by(
        self, actor: Actor, action: str, now: datetime, *, subject: str | None = None, **detail: str
    ) -> Iterator[None]:
        """What this block writes, ``actor`` did: ``link.created``, by whom and to what. The first transaction of the
        block carries it; without one nothing was done. ``detail`` is shown to every user: no secrets."""
        act = Act(
            id=self.ids.new("act"),
            workspace_id=actor.workspace.id,
            mode=actor.mode,
            user_id=actor.user.id,
            actor=actor.user.email,
            action=action,
            subject=subject,
            detail=detail,
            at=now,
        )
        before = _DUE.set([act])
        try:
            yield
        finally:
            _DUE.reset(before)


GivenActs: TypeAlias = NamedDependency[SkipValidation[Acts]]
