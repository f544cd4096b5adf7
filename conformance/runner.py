"""Plays stories in their natural order, reversed and in random permutations with duplicates, in every era."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from conformance.books import differences
from conformance.core_door import core_door
from conformance.doors import Door
from conformance.story import Story, moment, stories

PERMUTATIONS = 4
Doors = Callable[[], AbstractContextManager[Door]]


@dataclass
class Result:
    """What playing one story came to."""

    story: Story
    plays: int = 0
    problems: list[str] = field(default_factory=list)


def orders(length: int, permutations: int, seed: str) -> Iterable[tuple[str, list[int]]]:
    """The natural order, the reverse, and random ones in which some places come twice."""
    natural = list(range(length))
    yield "natural", natural
    yield "reversed", natural[::-1]
    for number in range(permutations):
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - it shuffles, the same way each time
        order = natural + chance.sample(natural, chance.randint(0, length))
        chance.shuffle(order)
        yield f"shuffled {number + 1}", order


def play(story: Story, doors: Doors, permutations: int = PERMUTATIONS) -> Result:
    """Every chapter, era and order; the first problems of each play."""
    result = Result(story)
    eras = (*story.eras, "mixed") if len(story.eras) > 1 else story.eras
    for chapter in story.chapters():
        count = len(chapter.told)
        until = "" if count == len(story.told) else f"{count} told, "
        for era in eras:
            for name, order in orders(count, permutations, f"{story.name} {era}"):
                with doors() as door:
                    found = play_once(chapter, door, era, order, name)
                result.plays += 1
                result.problems += [f"{until}{era}, {name}: {problem}" for problem in found[:5]]
    return result


def play_once(story: Story, door: Door, era: str, order: Sequence[int], name: str) -> list[str]:
    """One play. Changes of partners and programs come in time in the natural order, after everything in the reverse,
    before everything in the others: books do not depend on it."""
    door.set_up(story)
    changes = list(story.changes)
    outcomes: dict[str, list[str]] = {}
    if name.startswith("shuffled"):
        _change(door, changes)
    for place in order:
        told = story.told[place]
        if name == "natural":
            _change(door, changes, until=moment(told.get("received", told["at"])))
        came = door.tell(story, told, era, place)
        outcomes.setdefault(str(told.get("id", f"evt_{place + 1}")), came)
    _change(door, changes)
    problems = differences(story.expected, door.books(story))
    if name == "natural":
        for event, wanted in story.expected.get("outcomes", {}).items():
            came = outcomes.get(event, [])
            if came and came[0] != wanted:
                problems.append(f"outcome of {event}: {came[0]}, not {wanted}")
    return problems


def _change(door: Door, changes: list[Mapping[str, Any]], until: datetime | None = None) -> None:
    while changes and (until is None or moment(changes[0]["at"]) <= until):
        door.change(changes.pop(0))


def main(names: Sequence[str], permutations: int = PERMUTATIONS) -> int:
    """Plays the named stories (all, if none is named) against the core and prints a table; 1 if anything differs."""
    console = Console()
    known = {story.name: story for story in stories()}
    unknown = [name for name in names if name not in known]
    if unknown:
        console.print(f"There is no story {', '.join(unknown)}.", style="red", highlight=False)
        return 2
    chosen = [known[name] for name in names] or list(known.values())
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("", width=1)
    table.add_column("Story", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("Shows", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("Rules", no_wrap=True, width=15)
    table.add_column("Plays", justify="right", width=5)
    failed: list[Result] = []
    plays = 0
    for story in chosen:
        result = play(story, core_door, permutations)
        plays += result.plays
        if result.problems:
            failed.append(result)
        mark = "[red]✗[/red]" if result.problems else "[green]✓[/green]"
        table.add_row(mark, story.name, story.title, " ".join(story.rules), str(result.plays))
    console.print(table)
    for result in failed:
        console.print(f"\n{result.story.name}", style="bold red", highlight=False)
        for problem in result.problems[:8]:
            console.print(f"  {problem}", highlight=False, markup=False)
    hosted = sum(not story.core_only for story in chosen)
    console.print(
        f"\n{len(chosen) - len(failed)} of {len(chosen)} stories as they must be, in {plays} plays against the core; "
        f"{hosted} of them can be told to a host as well, {len(chosen) - hosted} to the core alone.",
        highlight=False,
    )
    return 1 if failed else 0
