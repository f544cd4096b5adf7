"""The finished objects that handlers are given, under the names of their parameters."""

from datetime import datetime
from typing import Any, TypeAlias

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from refport_core.application import Application
from refport_core.ports import UnitOfWork
from refport_core.scope import Scope

GivenApplication: TypeAlias = NamedDependency[SkipValidation[Application]]
GivenUnitOfWork: TypeAlias = NamedDependency[SkipValidation[UnitOfWork]]
Caller: TypeAlias = NamedDependency[SkipValidation[Scope]]
CallersKey: TypeAlias = NamedDependency[str]
Now: TypeAlias = NamedDependency[datetime]


def give(finished: object) -> Provide:
    """A finished object as a dependency."""
    return Provide(lambda: finished, sync_to_thread=False)


def caller(request: Request[Any, Scope, Any]) -> Scope:
    """Whose key the request carries (R1)."""
    return request.auth
