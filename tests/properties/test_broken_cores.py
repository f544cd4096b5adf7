"""The oracle agrees with the core about every story, and disagrees with every core that is broken on purpose."""

from datetime import datetime
from functools import cache
from typing import Any

import pytest

from adapters.stripe.translator import StripeTranslator
from conformance.core_door import CoreDoor
from conformance.story import Story, stories
from refport_core.catalogue import catalogue_of
from refport_core.commands import Delivery
from refport_core.facts import Fact
from refport_core.programs import Catalogue
from tests.broken_cores import BROKEN, broken_core
from tests.oracle import model
from tests.properties import projection

# These are broken where deliveries come in.
BESIDE_THE_DERIVATION = {
    "test and live are one",
    "all workspaces are one",
    "what waited for its account is forgotten",
}
STORIES = {story.name: story for story in stories()}
World = tuple[list[Fact], Catalogue, datetime]


@cache
def world(name: str) -> World:
    """The facts of a story in its newest era, and the catalogue that they need."""
    story: Story = STORIES[name]
    door = CoreDoor()
    door.set_up(story)
    for change in story.changes:
        door.change(change)
    for entry in story.told:
        if "connect" in entry:
            door.connect(entry)
    told: dict[tuple[str, str], list[Delivery]] = {}
    for place, entry in enumerate(story.told):
        if "connect" in entry:
            continue
        for delivery in door.deliveries(story, entry, story.eras[-1], place):
            if delivery.scope is None or delivery.scope.workspace_id != door.scope.workspace_id:
                continue  # of another workspace, or of nobody
            told.setdefault((delivery.provider, delivery.event_id), []).append(delivery)
    facts = [fact for renderings in told.values() for fact in united(renderings).facts]
    with door.unit_of_work.read() as tx:
        catalogue = catalogue_of(tx.catalogue, door.scope.workspace_id, facts, door.application.click_ids)
    return facts, catalogue, story.now


def united(renderings: list[Delivery]) -> Delivery:
    """R3: what all renderings of one event say together."""
    return renderings[0] if len(renderings) == 1 else StripeTranslator().translate(renderings)


@cache
def expected(name: str) -> dict[str, Any]:
    books: dict[str, Any] = model.books(*world(name))
    return books


@pytest.mark.parametrize("name", STORIES)
def test_oracle_and_core_agree_about_every_story(name: str) -> None:
    assert expected(name) == projection.books(*world(name))


def test_there_are_at_least_twenty_broken_cores() -> None:
    assert len(BROKEN) - len(BESIDE_THE_DERIVATION) >= 20


@pytest.mark.parametrize("how", [how for how in BROKEN if how not in BESIDE_THE_DERIVATION])
def test_the_oracle_disagrees_with_a_core_in_which(how: str) -> None:
    assert any(disagrees(how, name) for name in STORIES)


def disagrees(how: str, name: str) -> bool:
    right = expected(name)
    with broken_core(how):
        try:
            return right != projection.books(*world(name))
        except (KeyError, TypeError, ValueError, AttributeError):
            return False  # that a core stumbles shows nothing about its rules
