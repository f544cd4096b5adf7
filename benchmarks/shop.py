"""A merchant with a program, a partner and many links, on a database in a folder."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from attrs import frozen

from refport.clock import SystemClock
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.commands import CreateLink, CreatePartner, CreateProgram
from refport_core.programs import Percentage, Reward, RewardEvent
from refport_core.scope import Mode, Scope

SECRET = "whsec_of_the_benchmark"
SECRET_KEY = "of the benchmark alone and no secret to anybody"


@frozen
class Shop:
    """``stated`` are the settings of a host for it."""

    stated: dict[str, str]
    scope: Scope
    partner_id: str
    link_ids: tuple[str, ...]
    webhook: str
    api_key: str

    @property
    def paths(self) -> list[str]:
        return [f"/r/link{number}" for number in range(len(self.link_ids))]

    def door(self) -> Any:
        return door(self.stated)

    def counted(self) -> dict[str, int]:
        """How many clicks each link has."""
        with self.door() as door, door.read() as tx:
            return dict(tx.reading.clicks_of(self.scope.workspace_id, self.link_ids))


def door(stated: dict[str, str]) -> Any:
    return open_door(settings_from(Stated(**stated)))


def a_shop(folder: Path, links: int, database_url: str | None = None) -> Shop:
    """On a SQLite file of the folder, unless another new database is given."""
    stated = {"database_url": database_url or f"sqlite:///{folder}/books.db", "secret_key": SECRET_KEY}
    now = SystemClock().now()
    with door(stated) as opened:
        application, begun = opened.application, opened.bootstrap("main")
        workspace = begun.workspace_id
        terms = {"rewards": (Reward(event=RewardEvent.SALE, terms=Percentage(percent=Fraction(20))),)}
        application.create_program(CreateProgram(workspace_id=workspace, terms=terms), now=now)
        partner = application.create_partner(
            CreatePartner(workspace_id=workspace, name="Ada", email="ada@partners.example.com"), now=now
        )
        made = [
            application.create_link(
                CreateLink(
                    workspace_id=workspace,
                    url=f"https://shop.example.com/?utm_campaign={number}#plans",
                    partner_id=partner.id,
                    key=f"link{number}",
                ),
                now=now,
            ).id
            for number in range(links)
        ]
        scope = Scope(workspace, Mode.LIVE)
        connection = opened.container.connections().create(
            scope, webhook_secret=SECRET, api_key=None, account_id=None, now=now
        )
    key = begun.api_keys[Mode.LIVE]
    assert key is not None  # the database is new
    return Shop(stated, scope, partner.id, tuple(made), f"/webhooks/stripe/{connection.id}", key)
