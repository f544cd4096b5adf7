"""A story as data: who takes part, what is told in which words, and the books as they must be.

``README.md`` beside this file tells the format.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from conformance.stripe_words import Era, tell_all

DAY_ZERO = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_BEFORE = timedelta(days=400)
SPAN = re.compile(r"([+-]?\d+)(d|h|m|s)")
UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
CLICKS = ("click", "reference", "subscription_click")
MOMENTS = ("at", "created", "paid_at", "trial_start", "trial_end", "start", "received")
ERAS = {"old": Era.OLD, "new": Era.NEW, "embedded": Era.EMBEDDED, "basil": Era.BASIL}
USUAL_PROGRAM = {"rewards": [{"event": "sale", "percent": "20"}]}


class UnusableStory(Exception):
    """The data of a story cannot be played; the message says which and why."""


def moment(said: str | datetime) -> datetime:
    """``"0d"`` is noon of the first day; ``"-1d"``, ``"5d 3h"``, ``"2d -1s"`` count from it. Also a TOML time."""
    if isinstance(said, datetime):
        return said
    spans = SPAN.findall(said)
    if not spans or SPAN.sub("", said).strip():
        raise UnusableStory(f"{said!r} is no moment; write it like 5d 3h")
    return DAY_ZERO + sum((int(number) * UNITS[unit] for number, unit in spans), timedelta())


@dataclass(frozen=True)
class Story:
    """One story. ``told`` is in its natural order."""

    name: str
    title: str
    rules: tuple[str, ...]
    told: tuple[Mapping[str, Any], ...]
    expected: Mapping[str, Any]
    now: datetime
    program: Mapping[str, Any] = field(default_factory=dict)
    partners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    clicks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    changes: tuple[Mapping[str, Any], ...] = ()
    eras: tuple[str, ...] = ("old", "new")
    mode: str = "live"
    meanwhile: tuple[Mapping[str, Any], ...] = ()
    made: datetime = DAY_ZERO - LONG_BEFORE
    tag: str = ""  # stands in its ids, where it is told beside others

    def chapters(self) -> Iterator["Story"]:
        """The story as far as each ``meanwhile`` is about, with the books of then; last, all of it."""
        for then in self.meanwhile:
            expected = {key: value for key, value in then.items() if key not in ("told", "now")}
            now = moment(then["now"]) if "now" in then else self.now
            yield replace(self, told=self.told[: then["told"]], expected=expected, now=now, meanwhile=())
        yield replace(self, meanwhile=())

    @property
    def asks_why(self) -> bool:
        """Whether reason codes of the decision records are expected."""
        return any("why" in line for what in ("sales", "leads") for line in self.expected.get(what, ()))

    @property
    def core_only(self) -> bool:
        """Whether it tells something for which a host has no route: answers of look-ups, decisions about commissions
        that are not there yet."""
        return any(not told.keys() & {"tell", "call", "connect", "pay"} for told in self.told)

    @property
    def pays(self) -> bool:
        """Whether something is paid out. A host pays what is payable by then: it is told such a story in its natural
        order alone."""
        return any("pay" in told for told in self.told)

    @property
    def connects(self) -> bool:
        """Whether accounts are connected to a platform, whose endpoint hears of them."""
        return any("connect" in told for told in self.told)

    @property
    def has_stranger(self) -> bool:
        """Whether another workspace takes part: by a link that somebody clicks, or by an account of its."""
        return any(said.get("of") == "stranger" for said in (*self.clicks.values(), *self.told))

    @property
    def calls(self) -> bool:
        """Whether the merchant's own calls are told."""
        return any("call" in told for told in self.told)

    def fingerprint(self) -> str:
        """What is told, for telling stories apart: everything but the name, the title and the expected books."""
        said = [self.told, self.program, self.partners, self.clicks, self.changes, self.mode, self.made]
        return json.dumps(said, sort_keys=True, default=str)


def load(text: str, name: str) -> Story:
    """Raises ``UnusableStory``."""
    data = tomllib.loads(text)
    unknown = data.keys() - {
        "title", "rules", "now", "program", "partners", "clicks", "changes", "told", "expect", "eras", "mode",
        "meanwhile", "made",
    }  # fmt: skip
    if unknown:
        raise UnusableStory(f"{name}: nobody knows {', '.join(sorted(unknown))}")
    try:
        story = Story(
            name=name,
            title=data["title"],
            rules=tuple(data["rules"]),
            told=tuple(data["told"]),
            expected=data["expect"],
            now=moment(data.get("now", "400d")),
            program={**USUAL_PROGRAM, **data.get("program", {})},
            partners=data.get("partners", {"A": {}, "B": {}}),
            clicks=data.get("clicks", {}),
            changes=tuple(data.get("changes", ())),
            eras=tuple(data.get("eras", ("old", "new"))),
            mode=data.get("mode", "live"),
            meanwhile=tuple(data.get("meanwhile", ())),
            made=moment(data.get("made", "-400d")),
        )
    except KeyError as missing:
        raise UnusableStory(f"{name}: {missing} is missing") from missing
    for then in story.meanwhile:
        if not 0 < then.get("told", 0) < len(story.told):
            raise UnusableStory(f"{name}: a meanwhile says after how many of the told entries it is")
    return story


def stories() -> list[Story]:
    """Every story of this distribution, by name."""
    folder = files("conformance") / "stories"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return [
        load(entry.read_text(encoding="utf-8"), entry.name.removesuffix(".toml"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def era_of(story: Story, told: Mapping[str, Any], era: str, place: int) -> Era | None:
    """The era in which an entry is told; ``None``: not at all. In ``mixed`` they take turns."""
    only = told.get("only")
    if era == "mixed":
        era = only or story.eras[place % len(story.eras)]
    return ERAS[era] if only in (None, era) else None


def events(story: Story, told: Mapping[str, Any], era: str, place: int, clicks: Mapping[str, str]) -> Iterator[Any]:
    """An entry that tells something in Stripe's words, as events of this era. ``place`` is its place in the story."""
    version = era_of(story, told, era, place)
    if version is None:
        return
    said = {key: value for key, value in told.items() if key not in ("tell", "only", "id", "copies", "api_version")}
    said = with_moments(said)
    if "refunds" in said:
        said["refunds"] = [with_moments(each) for each in said["refunds"]]
    for key in CLICKS:
        if key in said:
            said[key] = click_id(said[key], clicks)
    said.setdefault("live", story.mode == "live")
    yield from tell_all(told["tell"], era=version, event_id=told.get("id", f"evt_{place + 1}"), **said)


def with_moments(said: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with times where moments are said."""
    return {key: moment(value) if key in MOMENTS else value for key, value in said.items()}


def click_id(name: str, clicks: Mapping[str, str]) -> str:
    """A click of the story by its name; what begins with ``!`` is meant literally."""
    if name.startswith("!"):
        return name[1:]
    if name not in clicks:
        raise UnusableStory(f"there is no click {name!r}")
    return clicks[name]


def ordered(items: Sequence[Any], order: Sequence[int]) -> list[Any]:
    """The items in this order of places; a place may come more than once."""
    return [items[place] for place in order]
