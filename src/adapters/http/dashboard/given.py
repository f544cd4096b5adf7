"""The finished objects that the dashboard's pages are given, under the names of their parameters."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.dashboard.accounts import Accounts
from adapters.http.dashboard.rendering import Rendering
from adapters.http.keys import KeyRing

GivenAccounts: TypeAlias = NamedDependency[SkipValidation[Accounts]]
GivenRendering: TypeAlias = NamedDependency[SkipValidation[Rendering]]
GivenKeys: TypeAlias = NamedDependency[SkipValidation[KeyRing]]
