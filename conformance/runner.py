"""Plays stories in their natural order, reversed and in random permutations with duplicates, in every era."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from conformance.books import differences
from conformance.core_door import core_door
from conformance.doors import Door, Refused
from conformance.host import Host, UnusableHost
from conformance.story import Story, moment, stories

PERMUTATIONS = 4
Doors = Callable[[], AbstractContextManager[Door]]


def same(story: Story) -> Story:
    """As it is."""
    return story


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


@dataclass(frozen=True)
class Play:
    """A chapter of a story, to be told in this era and order."""

    chapter: Story
    era: str
    name: str
    order: Sequence[int]


def every_play(story: Story, permutations: int) -> Iterator[Play]:
    """Every chapter in every era and order."""
    eras = (*story.eras, "mixed") if len(story.eras) > 1 else story.eras
    for chapter in story.chapters():
        for era in eras:
            for name, order in orders(len(chapter.told), permutations, f"{story.name} {era}"):
                yield Play(chapter, era, name, order)


def few_plays(story: Story) -> Iterator[Play]:
    """Both eras at once: what comes before the end in its natural order, all of it in three orders (or that alone,
    where something is paid out)."""
    era = "mixed" if len(story.eras) > 1 else story.eras[0]
    *earlier, whole = story.chapters()
    for chapter in earlier:
        yield Play(chapter, era, "natural", range(len(chapter.told)))
    for name, order in orders(len(whole.told), 1, f"{story.name} {era}"):
        if name == "natural" or not story.pays:
            yield Play(whole, era, name, order)


def play(story: Story, doors: Doors, permutations: int = PERMUTATIONS) -> Result:
    """Every play of a story; the first problems of each."""
    return play_all(story, every_play(story, permutations), doors)


def play_all(story: Story, plays: Iterable[Play], doors: Doors, own: Callable[[Story], Story] = same) -> Result:
    """These plays of a story, each through a door of its own. ``own`` gives a chapter ids of its own, where many are
    told in one workspace."""
    result = Result(story)
    for one in plays:
        chapter = own(one.chapter)
        try:
            with doors() as door:
                found = play_once(chapter, door, one.era, one.order, one.name)
        except Refused as refused:
            found = [str(refused)]
        count = len(chapter.told)
        until = "" if count == len(story.told) else f"{count} told, "
        result.plays += 1
        result.problems += [f"{until}{one.era}, {one.name}: {problem}" for problem in found[:5]]
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


def main(names: Sequence[str], permutations: int = PERMUTATIONS, host: Host | None = None) -> int:
    """Plays the named stories (all, if none is named) against the core, or the host, and prints a table; 1 if anything
    differs, 2 if nothing can be played."""
    console = Console()
    known = {story.name: story for story in stories()}
    unknown = [name for name in names if name not in known]
    if unknown:
        console.print(f"There is no story {', '.join(unknown)}.", style="red", highlight=False)
        return 2
    chosen = [known[name] for name in names] or list(known.values())
    try:
        if host is None:
            results = play_to_core(chosen, permutations)
        else:
            results = play_to_host([story for story in chosen if host.lacks(story) is None], host)
    except (UnusableHost, Refused) as error:
        console.print(str(error), style="red", highlight=False, markup=False)
        return 2
    show(console, results)
    good = sum(not result.problems for result in results)
    plays = sum(result.plays for result in results)
    where = "the core" if host is None else host.url
    console.print(
        f"\n{good} of {len(results)} stories as they must be, in {plays} plays against {where}; "
        + left_out(chosen, host),
        highlight=False,
    )
    return 0 if good == len(results) else 1


def play_to_core(chosen: Iterable[Story], permutations: int) -> list[Result]:
    return [play(story, core_door, permutations) for story in chosen]


def play_to_host(chosen: Iterable[Story], host: Host) -> list[Result]:
    """Raises ``UnusableHost``, and ``Refused`` where its endpoint cannot be taken away."""
    try:
        host.check()
        return [play_all(story, few_plays(story), host.door, host.own) for story in chosen]
    finally:
        host.close()


def show(console: Console, results: Iterable[Result]) -> None:
    """A line for each story; below, what is not as it must be."""
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("", width=1)
    table.add_column("Story", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("Shows", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("Rules", no_wrap=True, width=15)
    table.add_column("Plays", justify="right", width=5)
    for result in results:
        story = result.story
        mark = "[red]✗[/red]" if result.problems else "[green]✓[/green]"
        table.add_row(mark, story.name, story.title, " ".join(story.rules), str(result.plays))
    console.print(table)
    for result in results:
        if result.problems:
            console.print(f"\n{result.story.name}", style="bold red", highlight=False)
        for problem in result.problems[:8]:
            console.print(f"  {problem}", highlight=False, markup=False)


def left_out(chosen: Sequence[Story], host: Host | None) -> str:
    """What was not told, and why not; or what could be told to a host."""
    if host is None:
        alone = sum(story.core_only for story in chosen)
        return f"{len(chosen) - alone} of them can be told to a host as well, {alone} to the core alone."
    reasons = Counter(reason for story in chosen if (reason := host.lacks(story)) is not None)
    left = ", ".join(f"{count}: {reason}" for reason, count in sorted(reasons.items()))
    return f"left out: {left or 'none'}."
