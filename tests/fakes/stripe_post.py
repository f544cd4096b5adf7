"""Delivers the events of the stand-in for Stripe to the endpoints registered with it, signed as Stripe does."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http.client import HTTPException
from queue import Queue
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from attrs import define, frozen

from conformance.stripe_words import Era, tell
from refport_core.scope import Mode


@define
class Endpoint:
    """``account`` is who registered it; with ``connect`` it hears of every account connected to that one."""

    id: str
    account: str
    mode: Mode
    url: str
    enabled_events: list[str]
    api_version: str | None
    connect: bool
    secret: str
    status: str = "enabled"

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "url": self.url,
            "enabled_events": self.enabled_events,
            "api_version": self.api_version,
            "application": None,
            "livemode": self.mode is Mode.LIVE,
            "status": self.status,
            "metadata": {},
        }

    def hears(self, kind: str) -> bool:
        return self.status == "enabled" and ("*" in self.enabled_events or kind in self.enabled_events)


@frozen
class Happening:
    """An event before it is put into the words of one API version. ``said`` are arguments of ``stripe_words``."""

    id: str
    kind: str
    account: str
    mode: Mode
    at: datetime
    said: dict[str, Any]

    def told(self, api_version: str | None, *, connect: bool = False) -> dict[str, Any]:
        era = Era(api_version) if api_version in set(Era) else Era.NEW
        account = self.account if connect else None
        live = self.mode is Mode.LIVE
        return tell(self.kind, era=era, event_id=self.id, at=self.at, live=live, account=account, **self.said)


@frozen
class Parcel:
    """One event on its way to one endpoint."""

    event: Happening
    endpoint: Endpoint


@frozen
class Attempt:
    """``status`` is ``None`` where nobody answered."""

    event_id: str
    kind: str
    url: str
    status: int | None


class Post:
    """Delivers at once, one after the other, until it is told to hold; what was held goes out in the order asked for.

    ``attempts`` are all tries so far. Nothing is tried again by itself: ``retry`` does.
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.held: list[Parcel] = []
        self.failed: list[Parcel] = []
        self.holding = False
        self._way: Queue[Parcel | None] = Queue()
        self._thread = Thread(target=self._carry, daemon=True)
        self._thread.start()

    def send(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            if self.holding:
                self.held.append(parcel)
            else:
                self._way.put(parcel)

    def hold(self) -> None:
        """From now on parcels wait."""
        self.holding = True

    def release(self, order: Callable[[list[Parcel]], Iterable[Parcel]] = list) -> None:
        """What waits goes out as ``order`` makes it: ``reversed``, ``sorted`` by something, doubled, or thinned out."""
        self.holding = False
        waiting, self.held = self.held, []
        self.send(order(waiting))
        self.settle()

    def retry(self) -> None:
        """Everything that was not taken, once more."""
        again, self.failed = self.failed, []
        self.send(again)
        self.settle()

    def settle(self) -> None:
        """Waits until everything on its way has been tried."""
        self._way.join()

    def close(self) -> None:
        self._way.put(None)
        self._thread.join()

    def _carry(self) -> None:
        while (parcel := self._way.get()) is not None:
            status = carried(parcel)
            self.attempts.append(Attempt(parcel.event.id, parcel.event.kind, parcel.endpoint.url, status))
            if status is None or not 200 <= status < 300:
                self.failed.append(parcel)
            self._way.task_done()


def carried(parcel: Parcel) -> int | None:
    """The status that the endpoint answered with."""
    told = parcel.event.told(parcel.endpoint.api_version, connect=parcel.endpoint.connect)
    body = json.dumps(told).encode()
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, parcel.endpoint.secret)}
    try:
        with urlopen(Request(parcel.endpoint.url, body, headers), timeout=10) as answer:
            status: int = answer.status
            return status
    except HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException):
        return None


def signature(body: bytes, secret: str) -> str:
    made_at = int(time.time())
    digest = hmac.new(secret.encode(), b"%d.%s" % (made_at, body), hashlib.sha256).hexdigest()
    return f"t={made_at},v1={digest}"


def moment() -> datetime:
    return datetime.now(UTC)
