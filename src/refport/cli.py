"""The command line. Each command imports what it needs, so that ``--help`` answers at once."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from refport.settings import InvalidSettings, load_settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from refport.container import Container
    from refport_core.scope import Scope

MOST_PORTS: Final = 65535
WIDE: Final = 120
EVERY_OUTCOME: Final = ("applied", "waiting", "ignored", "quarantined")
EVENT_FILE: Final = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
PORT: Final = click.IntRange(1, MOST_PORTS)


class Failed(click.ClickException):
    """Ends the command with a sentence, and exit status 1."""


@contextmanager
def sentences() -> Iterator[None]:
    """What went wrong, as a sentence instead of a trace."""
    from refport_core.errors import RefportError

    try:
        yield
    except InvalidSettings as error:
        raise Failed("\n".join(error.problems)) from error
    except RefportError as error:
        raise Failed(str(error) or type(error).__doc__ or type(error).__name__) from error


@contextmanager
def installation(*, current: bool = True) -> Iterator["Container"]:
    """The objects of these settings, on a database that is there and current (or with ``current`` off: as it is)."""
    from refport.asgi import close
    from refport.container import container_of
    from refport.database import assert_current

    with sentences():
        container = container_of(load_settings(config_file()))
        try:
            if current:
                assert_current(container)
            yield container
        finally:
            if container.settings().persistence == "sql":
                close(container)


@contextmanager
def few_collections() -> Iterator[None]:
    """Large work makes many objects and hardly a cycle: looking for garbage all the time costs it a fifth."""
    import gc

    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def log_for_people() -> None:
    """What goes wrong in a process that runs on is told on standard error, with its time."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def config_file() -> Path | None:
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_root().params.get("config")


def console() -> "Console":
    """As wide as the terminal; wide enough for a table where there is none."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=WIDE)


def scopes(container: "Container") -> list[tuple[str, "Scope"]]:
    """Every workspace and mode, with the words for it."""
    from refport_core.scope import Mode, Scope

    with container.unit_of_work().read() as tx:
        workspaces = tx.access.workspaces()
    return [(f"{workspace.slug} ({mode})", Scope(workspace.id, mode)) for workspace in workspaces for mode in Mode]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with settings; the environment wins.")
@click.version_option(package_name="refport")
def main(config: Path | None) -> None:
    """Referral attribution for Stripe: signed events in; sales, leads and explained commissions out."""


@main.command()
@click.option("--once", is_flag=True, help="Exit after the tables.")
@click.option("--port", type=PORT, help="Where the host serves meanwhile; any free port, if not given.")
def demo(*, once: bool, port: int | None) -> None:
    """Play half a year of a small business through the real webhook, and show who earned what, and why."""
    from refport.demo.host import HostFailed, Refused, free_port
    from refport.demo.play import run_demo

    with sentences():
        try:
            status = run_demo(console(), port or free_port(), once=once)
        except (HostFailed, Refused) as error:
            raise Failed(str(error)) from error
    sys.exit(status)


metrics_port_option = click.option(
    "--metrics-port",
    type=PORT,
    help="Where each process answers GET /metrics with its own numbers; several take the ports behind this one.",
)
metrics_host_option = click.option(
    "--metrics-host", default="127.0.0.1", show_default=True, help="The address for --metrics-port."
)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; more than one on PostgreSQL."
)
@click.option("--no-worker", is_flag=True, help="Leave the worker's duties to `refport worker`.")
@click.option("--no-migrate", is_flag=True, help="Refuse a database that is not current.")
@metrics_port_option
@metrics_host_option
def serve(
    *,
    host: str,
    port: int,
    workers: int,
    no_worker: bool,
    no_migrate: bool,
    metrics_port: int | None,
    metrics_host: str,
) -> None:
    """Serve the API and the webhooks over HTTP."""
    from refport.asgi import close, closing, create_app
    from refport.container import container_of
    from refport.database import assert_current, make_current, one_host
    from refport.metrics_server import telling_numbers
    from refport.processes import serve_many
    from refport.server import HostFailed
    from refport.server import serve as serve_app

    log_for_people()
    place = None if metrics_port is None else (metrics_host, metrics_port)
    with sentences():
        settings = load_settings(config_file())
        if workers > 1 and (settings.persistence == "memory" or settings.database_file is not None):
            raise Failed(
                "More than one process cannot serve an SQLite database (or books in memory): leave out --workers. One "
                "process answers many requests at once, and writes them down together."
            )
        container = container_of(settings)
        with one_host(settings), closing(container):
            assert_current(container) if no_migrate else make_current(container)
            url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            reached_at = settings.public_url or url
            click.echo(f"Refport serves {reached_at}")
            if (token := container.accounts().first_run(container.clock().now())) is not None:
                click.echo(f"Nobody can sign in yet. This link begins, once: {reached_at}/welcome/{token}")
            try:
                if workers > 1:
                    close(container)  # what the processes hold open is theirs
                    serve_many(workers, config_file(), host, port, url, worker=not no_worker, metrics=place)
                else:
                    app = create_app(container, worker=not no_worker, url=url)
                    with telling_numbers(place, container.metrics(), settings.metrics_token):
                        serve_app(app, host, port, ending=container.feeds().end)
            except HostFailed as error:
                raise Failed("The host did not start; the lines above say why.") from error


@main.group()
def users() -> None:
    """Who signs in to the dashboard."""


@users.command("invite")
@click.argument("email")
@click.option("--workspace", default="main", show_default=True, help="The name of the workspace.")
@click.option("--role", type=click.Choice(["owner", "member", "viewer"]), default="member", show_default=True)
def invite_user(*, email: str, workspace: str, role: str) -> None:
    """Print a link by which somebody joins a workspace, once."""
    from refport_core.users import Role

    with installation() as container, sentences():
        token = container.accounts().invite(email, workspace, Role(role), container.clock().now())
        click.echo(welcome_link(container, token))


@users.command("new-password")
@click.argument("email")
def new_password(*, email: str) -> None:
    """Print a link by which a user sets another password, once; it ends their sessions."""
    with installation() as container, sentences():
        accounts, now = container.accounts(), container.clock().now()
        click.echo(welcome_link(container, accounts.sign_in_link(email, now, purpose="new_password")))


def welcome_link(container: "Container", token: str) -> str:
    """Where the token opens the door; without a public address at the place where a host is reached by default."""
    from refport.container import DEFAULT_URL

    return f"{container.settings().public_url or DEFAULT_URL}/welcome/{token}"


@main.command()
@metrics_port_option
@metrics_host_option
def worker(*, metrics_port: int | None, metrics_host: str) -> None:
    """Do the worker's duties alone: ask Stripe what only Stripe knows."""
    import signal
    from threading import Event

    from refport.metrics_server import telling_numbers

    log_for_people()
    place = None if metrics_port is None else (metrics_host, metrics_port)
    with installation() as container:
        metrics = container.metrics()
        metrics.about_holes(container.unit_of_work(), container.pace())
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        click.echo("The worker works; Ctrl-C ends it.")
        with telling_numbers(place, metrics, container.settings().metrics_token):
            container.worker().run(stop)


@main.command()
def migrate() -> None:
    """Bring the database up to date."""
    from refport.database import make_current

    with installation(current=False) as container:
        make_current(container)
        click.echo(f"The schema of {container.settings().place} is current.")


@main.command()
@click.option("--workspace", default="main", show_default=True, help="The name of the workspace.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bootstrap(*, workspace: str, as_json: bool) -> None:
    """Make a workspace with its API keys, unless it is there. Keys are shown the first time only."""
    from refport.bootstrap import bootstrap as make
    from refport.database import make_current

    with installation(current=False) as container:
        make_current(container)
        made = make(workspace, container.unit_of_work(), container.ids(), container.clock(), container.keys().new)
    if as_json:
        click.echo(json.dumps({"workspaceId": made.workspace_id, "apiKeys": made.api_keys}))
        return
    click.echo(f"Workspace {workspace}: {made.workspace_id}")
    for mode, key in made.api_keys.items():
        click.echo(f"{mode} key: {key or 'shown when it was made, and never again'}")


@main.group()
def workspace() -> None:
    """Workspaces, each with its books."""


@workspace.command("move")
@click.argument("slug")
@click.option("--to", "database_url", required=True, help="The address of the other database.")
def move_workspace(slug: str, database_url: str) -> None:
    """Move a workspace's books to another database, verify them there, and close it here.

    Stop the hosts of this database first. Cut off, the same command goes on.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from refport.moving import move

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with installation() as container, Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("rows", total=None)
        moved = move(
            container, slug, database_url, lambda table, rows: bar.update(task, advance=rows, description=table)
        )
    for difference in moved.differences:
        click.echo(difference)
    if moved.differences:
        raise Failed(f"The books in {moved.place} differ from their statements, so {slug} stays open here.")
    click.echo(f"{slug} is in {moved.place}, and closed here. Its hosts there want the same REFPORT_SECRET_KEY.")


@main.group()
def events() -> None:
    """Events from files, and stored events again."""


@events.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=EVENT_FILE)
@click.option("--connection", help="The id of the connection that they come in by, if there are several.")
@click.option("--workspace", help="The name of its workspace.")
@click.option("--mode", type=click.Choice(["live", "test"]), help="Its mode; events of the other one are refused.")
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Events in one transaction. A host that serves beside waits as long as one takes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_events(
    files: tuple[Path, ...],
    *,
    connection: str | None,
    workspace: str | None,
    mode: str | None,
    batch: int,
    as_json: bool,
) -> None:
    """Bring in Stripe's events from files (- is standard input): one a line as JSON, or lists as `stripe events list`
    prints them. Stopped at any moment and begun again, it loses nothing and repeats nothing. Exit status 1 where a line
    is no event of this connection; the others are brought in all the same."""
    from rich.console import Console

    from refport.event_import import EventImport, Summary
    from refport.importing import Importing, connection_meant, table_of

    total = Summary()
    with installation() as container, few_collections():
        unit_of_work = container.unit_of_work()
        importing = Importing(
            EventImport(
                application=container.application(), unit_of_work=unit_of_work, clock=container.clock(), batch=batch
            ),
            connection_meant(unit_of_work, connection, workspace, mode),
            Console(stderr=True),
            quiet=as_json,
        )
        for summary in importing.files(files):
            total.add(summary)
    if as_json:
        click.echo(json.dumps(total.told()))
    else:
        console().print(table_of(total))
    sys.exit(1 if total.wrong else 0)


@events.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def retry(*, as_json: bool) -> None:
    """Translate and derive waiting and quarantined events again."""
    again("retry", ("waiting", "quarantined"), as_json=as_json)


@events.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(*, as_json: bool) -> None:
    """Translate and derive everything again (a rebuild). Interrupted, it can simply be started again."""
    again("rebuild", EVERY_OUTCOME, as_json=as_json)


def again(what: str, outcomes: Sequence[str], *, as_json: bool) -> None:
    """Runs a use case of the application on the events of these outcomes, of every workspace and mode."""
    counts: dict[str, int] = {}
    with installation() as container, bars(shown=not as_json) as bar, few_collections():
        use_case = getattr(container.application(), what)
        for words, scope in scopes(container):
            counts[words] = use_case(scope, counted(bar, words, stored(container, scope, outcomes)))
    if as_json:
        click.echo(json.dumps({"events": sum(counts.values()), "scopes": counts}))
    else:
        click.echo(f"{sum(counts.values())} events were derived again.")


def bars(*, shown: bool) -> "Progress":
    """Where progress is shown to people."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not shown)


def counted(bar: "Progress", words: str, events: int) -> Callable[[str, int], None]:
    """A line for each thing that is done to a scope; only how many events there are is known before."""
    lines: dict[str, TaskID] = {}

    def count(what: str, more: int) -> None:
        if what not in lines:
            total = events if what == "stated again" else None
            lines[what] = bar.add_task(f"{words}: {what}", total=total)
        bar.advance(lines[what], more)

    return count


def stored(container: "Container", scope: "Scope", outcomes: Sequence[str]) -> int:
    """How many events of these outcomes there are."""
    with container.unit_of_work().read() as tx:
        events = tx.reading.status(scope).events
    return sum(events.get(outcome, 0) for outcome in outcomes)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, as_json: bool) -> None:
    """Derive every position again from the stored statements, and compare. Exit status 1 where anything differs."""
    found: dict[str, list[str]] = {}
    with installation() as container, bars(shown=not as_json) as bar, few_collections():
        for words, scope in scopes(container):
            events = stored(container, scope, EVERY_OUTCOME)
            found[words] = container.application().verify(scope, counted(bar, words, events))
    differences = [f"{words}: {difference}" for words, lines in found.items() for difference in lines]
    if as_json:
        click.echo(json.dumps({"differences": differences, "scopes": list(found)}))
    else:
        for difference in differences:
            click.echo(difference)
        if not differences:
            click.echo(f"No differences in {len(found)} books.")
    sys.exit(1 if differences else 0)


@main.command()
@click.argument("stories", nargs=-1, metavar="[STORY]…")
@click.option("--url", help="A host to tell them to; it runs with REFPORT_CLOCK. Without: the core in this process.")
@click.option("--key", help="A live key of a workspace there; the stories' programs and partners stay in it.")
@click.option("--test-key", help="A test key of the same workspace, for the stories of test mode.")
@click.option("--stranger-key", help="A key of another workspace there, for clicks on a stranger's links.")
def conformance(
    stories: tuple[str, ...], *, url: str | None, key: str | None, test_key: str | None, stranger_key: str | None
) -> None:
    """Play the conformance stories against the core, or against a host, in many orders."""
    from conformance.host import Host, UnusableHost
    from conformance.runner import main as play

    if url is None:
        if key or test_key or stranger_key:
            raise click.UsageError("Keys are for a host: say which with --url.")
        sys.exit(play(list(stories)))
    keys = {mode: given for mode, given in (("live", key), ("test", test_key)) if given}
    if not keys:
        raise click.UsageError("A host wants a key: --key rk_live_… (and --test-key, --stranger-key for all stories).")
    try:
        host = Host(url, keys, stranger_key)
    except UnusableHost as error:
        raise Failed(str(error)) from error
    sys.exit(play(list(stories), host=host))


@main.command()
def doctor() -> None:
    """Say what is mis-configured, in words to act on. Exit status 1 where something is wrong."""
    import os

    from refport.doctor import Level, examine, show

    with sentences():
        findings = examine(load_settings(config_file()), os.environ)
    show(console(), findings)
    sys.exit(1 if any(finding.level is Level.WRONG for finding in findings) else 0)
