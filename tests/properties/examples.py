"""How many worlds each property draws: all numbers in one place.

`REFPORT_EXAMPLES` multiplies them. A plain run draws the same worlds every time, a multiplied one draws new ones.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("REFPORT_EXAMPLES", "1"))

IN_MEMORY = 2000
ON_A_DATABASE = 200
ON_POSTGRESQL = 80  # another 115 stories are told to it, see tests/contract
MANY_AT_ONCE = 15
OF_THE_CHAIN = 500
OF_THE_MACHINE = 60
OF_RENEWALS = 150
STEPS_OF_THE_MACHINE = 40
OF_PAYOUTS = 100


def profile(count: int, **more: Any) -> settings:
    """The settings for a property over so many worlds."""
    return settings(
        max_examples=count * FACTOR,
        deadline=None,
        derandomize=FACTOR == 1,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        **more,
    )


def examples(count: int) -> Callable[[Any], Any]:
    """Draw so many worlds, with time for each."""

    def decorated(test: Any) -> Any:
        return pytest.mark.timeout(900 * FACTOR)(profile(count)(test))

    return decorated
