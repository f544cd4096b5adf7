"""The ASGI application, wired for these settings; any ASGI server can run ``refport.asgi:create_app``."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from adapters.http import app as http
from refport.connections import PROVIDER
from refport.container import DEFAULT_URL, Container, container_of
from refport.rate_limit import RateLimited
from refport.settings import load_settings
from refport.worker import Worker, WorkerThread

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import ASGIApp

DEAUTHORIZED: Final = "account.application.deauthorized"


def create_app(container: Container | None = None, *, worker: bool = True, url: str = DEFAULT_URL) -> "ASGIApp":
    """The host of these settings, else of this process's. ``worker``: its duties are done beside the requests.

    ``url`` is where the host is reached unless ``REFPORT_PUBLIC_URL`` says it. Raises ``InvalidSettings``.
    """
    container = container or container_of(load_settings())
    settings = container.settings()
    container.config.public_url.from_value(settings.public_url or url)
    lifespan = [disposing(container)]
    if worker:
        lifespan.append(working(container.worker()))
    metrics = container.metrics()
    metrics.about_holes(container.unit_of_work(), container.pace())
    app = http.create_app(
        application=container.application(),
        unit_of_work=container.unit_of_work(),
        webhooks={PROVIDER: container.webhook()},
        inbox=container.inbox(),
        known_links=container.known_links(),
        click_buffer=container.click_buffer(),
        click_ids=container.click_ids(),
        keys=container.keys(),
        tokens=container.embed_tokens(),
        connections=container.connections(),
        checks=container.checks(),
        clock=container.clock(),
        ids=container.ids(),
        public_url=settings.public_url or url,
        link_domains=settings.link_domains,
        max_body=settings.max_body,
        clock_header=settings.clock is not None,
        afterwards={DEAUTHORIZED: container.connections().deauthorized},
        can_look_up=container.known_keys().can_ask,
        dashboard=container.dashboard(),
        metrics=metrics,
        metrics_token=settings.metrics_token,
        lifespan=lifespan,
    )
    if settings.rate_limit is None:
        return app
    return RateLimited(app, settings.rate_limit, frozenset(settings.link_domains), refused=metrics.requests.count)


Lifespan = Callable[["Litestar"], AbstractAsyncContextManager[None]]


def working(worker: Worker) -> Lifespan:
    @asynccontextmanager
    async def works(_: "Litestar") -> AsyncIterator[None]:
        thread = WorkerThread(worker)
        thread.start()
        try:
            yield
        finally:
            await to_thread(thread.end)

    return works


def disposing(container: Container) -> Lifespan:
    @asynccontextmanager
    async def disposes(_: "Litestar") -> AsyncIterator[None]:
        try:
            yield
        finally:
            close(container)

    return disposes


def close(container: Container) -> None:
    """Gives back the database's files, if there is a database."""
    if container.settings().persistence == "sql":
        container.unit_of_work().close()


@contextmanager
def closing(container: Container) -> Iterator[None]:
    """Closes it when the block ends, however that ends."""
    try:
        yield
    finally:
        close(container)
