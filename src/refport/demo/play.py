"""The demonstration: sets up a merchant, plays the story through the real webhook, and shows the books."""

import secrets
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import field, frozen
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from refport.asgi import close
from refport.bootstrap import Bootstrapped, bootstrap
from refport.container import container_of
from refport.database import make_current
from refport.demo.books import EXPECTED, Read, books_of, differences
from refport.demo.host import Client, HostProcess, environment, instant
from refport.demo.story import BEGIN, CLICKS, END, PARTNERS, PROGRAM, TIDEWATER_LEAVES, story
from refport.demo.tables import show
from refport.settings import Stated, settings_from
from refport_core.scope import Mode

SHOP: Final = "https://lumen.example.com/"
LANTERN_LINK: Final = {"url": "https://lantern.example.com/"}
SIGNING_SECRET: Final = "whsec_demonstration_of_lumen_notes"  # noqa: S105  # of a merchant who does not exist
OWNER: Final = "owner@lumen.example.com"
MERCHANT, OTHER_MERCHANT = "lumen-notes", "paper-lantern"


@frozen
class Merchant:
    """What set-up gave: the webhook's path, the partners' names and links by the story's words for them."""

    webhook: str
    partners: Mapping[str, str]  # ids by word
    links: Mapping[str, str]


def run_demo(console: Console, port: int, *, once: bool) -> int:
    """Plays and prints; the exit status. Without ``once`` the host serves on until it is interrupted."""
    with TemporaryDirectory(prefix="refport-demo-") as folder:
        settings = {"database_url": f"sqlite:///{folder}/demo.db", "clock": instant(END)}
        keys = [workspace.api_keys[Mode.LIVE] or "" for workspace in workspaces(settings)]
        host = HostProcess(settings, port, Path(folder) / "host.log")
        console.print(f"Starting a host with a database of its own at [bold]{host.url}[/] …")
        with host, closing(Client(port, keys[0])) as client, closing(Client(port, keys[1])) as other:
            found = play(console, client, other)
            books = books_of(found)
            unusual = [event for event in client.every("/api/events") if event["outcome"] != "applied"]
            show(console, found, books, unusual)
            problems = [*verified(settings), *differences(EXPECTED, books)]
            if problems:
                console.print("\n[bold red]The books are not what they must be:[/]")
                console.print("\n".join(problems), markup=False)
                return 1
            console.print(
                "\n[green]✓[/] Every line is as the rules say, and [bold]refport verify[/], in a process of its own, "
                "derived the same from the stored events."
            )
            if not once:
                serve_on(console, host, keys[0], way_in(settings))
    return 0


def workspaces(settings: Mapping[str, str]) -> list[Bootstrapped]:
    """The merchant of the story, and another one on the same installation."""
    container = container_of(settings_from(Stated(**settings)))
    try:
        make_current(container)
        return [
            bootstrap(slug, container.unit_of_work(), container.ids(), container.clock(), container.keys().new)
            for slug in (MERCHANT, OTHER_MERCHANT)
        ]
    finally:
        close(container)


def play(console: Console, client: Client, other: Client) -> Read:
    """Sets up, plays every event through the webhook, and reads the books."""
    merchant = set_up(client)
    links = {**merchant.links, "lantern": other.call("POST", "/api/links", LANTERN_LINK, at=BEGIN)["id"]}
    clicks = {}
    for name, (word, at) in CLICKS.items():
        owner = other if word == "lantern" else client
        click = owner.call("POST", "/api/clicks", {"linkId": links[word], "occurredAt": instant(at)}, at=at)
        clicks[name] = click["id"]
    told = story(clicks)
    left = False
    with progress(console) as bar:
        task = bar.add_task("Playing signed Stripe events", total=len(told))
        for one in told:
            if one.heard_at >= TIDEWATER_LEAVES and not left:
                partner = f"/api/partners/{merchant.partners['tidewater']}"
                client.call("PATCH", partner, {"status": "disabled"}, at=TIDEWATER_LEAVES)
                left = True
            client.deliver(merchant.webhook, SIGNING_SECRET, one.event, at=one.heard_at)
            bar.advance(task)
    return read(client)


def set_up(client: Client) -> Merchant:
    """A program, four partners with a link each, and the connection with Stripe."""
    program = client.call("POST", "/api/programs", PROGRAM, at=BEGIN)
    partners, links = {}, {}
    for word, (name, email) in PARTNERS.items():
        partner = client.call("POST", "/api/partners", {"name": name, "email": email}, at=BEGIN)
        link = {"programId": program["id"], "partnerId": partner["id"], "key": word, "url": SHOP}
        partners[word] = partner["id"]
        links[word] = client.call("POST", "/api/links", link, at=BEGIN)["id"]
    connection = client.call("POST", "/api/integrations/stripe", {"webhookSecret": SIGNING_SECRET}, at=BEGIN)
    return Merchant(connection["webhookPath"], partners, links)


def progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def read(client: Client) -> Read:
    """Everything that the reading API tells of the merchant."""
    sales = list(client.every("/api/sales"))
    unattributed = [sale["id"] for sale in sales if sale["partnerId"] is None]
    return Read(
        partners={partner["id"]: partner["name"] for partner in client.every("/api/partners")},
        sales=sales,
        leads=list(client.every("/api/leads")),
        commissions=list(client.every("/api/commissions")),
        balances=list(client.every("/api/balances")),
        entries=list(client.every("/api/ledger")),
        events=client.call("GET", "/api/status")["events"],
        explanations={sale: client.call("GET", f"/api/sales/{sale}/explanation") for sale in unattributed},
    )


def verified(settings: Mapping[str, str]) -> list[str]:
    """What another process has to say about the books."""
    command = [sys.executable, "-m", "refport", "verify"]
    result = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=False)  # noqa: S603  # our own
    return [] if result.returncode == 0 else [*result.stdout.splitlines(), *result.stderr.splitlines()]


@frozen
class WayIn:
    """Of an owner of both workspaces. ``token`` signs in once."""

    password: str = field(repr=False)
    token: str = field(repr=False)


def way_in(settings: Mapping[str, str]) -> WayIn:
    """Beside the host, which the first run would otherwise greet."""
    container = container_of(settings_from(Stated(**settings)))
    try:
        accounts, password = container.accounts(), secrets.token_hex(8)
        accounts.set_password(accounts.first_run(END) or "", OWNER, password, MERCHANT, END)
        return WayIn(password, accounts.sign_in_link(OWNER, END))
    finally:
        close(container)


def serve_on(console: Console, host: HostProcess, key: str, way: WayIn) -> None:
    """Until Ctrl-C."""
    console.print(
        f"""
The dashboard shows all this at [bold]{host.url}[/]. This link signs you in, once:

  [bold]{host.url}/welcome/{way.token}[/]

After that: {OWNER}, password {way.password}. The host goes on serving, with these books. Ask it, for example:

  curl -H 'Authorization: Bearer {key}' '{host.url}/api/balances'
  curl -H 'Authorization: Bearer {key}' '{host.url}/api/sales?limit=5'

Press Ctrl-C to end it; its database goes with it.""",
        highlight=False,
        soft_wrap=True,
    )
    with suppress(KeyboardInterrupt):
        host.wait()
