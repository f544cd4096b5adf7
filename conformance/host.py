"""A host at an address, to which stories are told one after the other in one workspace."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from conformance.apart import apart
from conformance.doors import Door, HostDoor, Refused, iso
from conformance.story import DAY_ZERO, Story

TIMEOUT_SECONDS = 60


class UnusableHost(Exception):
    """No story can be told to this host; the message says what to do about it."""


class Host:
    """A host and keys of its: ``keys`` by mode, and a ``stranger_key`` of another workspace for clicks of others.

    Every play has ids of its own. A workspace has one endpoint for Stripe in each mode, made for the first play and
    taken away at the end.
    """

    def __init__(self, url: str, keys: Mapping[str, str], stranger_key: str | None = None) -> None:
        self.url = url
        self.keys = keys
        self.stranger_key = stranger_key
        self.endpoints: dict[str, Mapping[str, str]] = {}
        self.run = secrets.token_hex(3)
        self.plays = 0
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise UnusableHost(f"{url} is no address of a host; it begins with http:// or https://")
        self.base = parts.path.rstrip("/")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)

    def lacks(self, story: Story) -> str | None:
        """What it would take to tell it here; ``None``: nothing."""
        if story.core_only:
            return "told to the core alone"
        if story.connects:
            return "no signing secret of its platform"
        if story.mode not in self.keys:
            return f"no key of {story.mode} mode"
        if story.has_stranger and self.stranger_key is None:
            return "no key of a stranger"
        return None

    def own(self, story: Story) -> Story:
        """The story with ids that no other play has."""
        self.plays += 1
        return apart(story, f"{self.run}p{self.plays}x")

    @contextmanager
    def door(self) -> Iterator[Door]:
        """For one play."""
        yield HostDoor(self.ask, self.keys, self.stranger_key or "", self.endpoints)

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]:
        """One request. Raises ``UnusableHost`` where nobody answers in JSON."""
        try:
            self.connection.request(method, self.base + path, body=body, headers=dict(headers))
            answer = self.connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None
        except (OSError, HTTPException, ValueError) as error:
            self.connection.close()
            raise UnusableHost(f"{self.url} does not answer as a host does: {error}") from error

    def check(self) -> None:
        """Raises ``UnusableHost`` where a key is no good, or requests cannot say what time it is."""
        for key in filter(None, (*self.keys.values(), self.stranger_key)):
            door = HostDoor(self.ask, {}, "")
            door.key = key
            try:
                link = door.ask("POST", "/api/links", {"url": "https://shop.example/"}, at=DAY_ZERO)
                click = door.ask("POST", "/api/clicks", {"linkId": link["id"]}, at=DAY_ZERO)
            except Refused as refused:
                raise UnusableHost(f"{self.url} does not take the key {key[:12]}…: {refused}") from refused
            if click["occurredAt"] != iso(DAY_ZERO):
                raise UnusableHost(f"{self.url} runs on its own time: start it with REFPORT_CLOCK to tell it stories.")

    def close(self) -> None:
        """Takes the endpoints away. What was told stays."""
        for mode, endpoint in self.endpoints.items():
            path = f"/api/integrations/stripe/{endpoint['id']}"
            status, answer = self.ask("DELETE", path, None, {"Authorization": f"Bearer {self.keys[mode]}"})
            if status >= 400:
                raise Refused(f"DELETE {path}: {status} {answer}")
        self.endpoints.clear()
        self.connection.close()
