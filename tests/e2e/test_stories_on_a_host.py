"""``refport conformance --url``: stories told to a running host, one after the other in one workspace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner

from conformance.story import DAY_ZERO
from refport.cli import main
from refport.demo.host import HostProcess, free_port, instant
from refport.door import open_door
from refport.settings import Stated, settings_from
from refport_core.scope import Mode

STORIES = (
    "case-01-cumulative-refunds",  # books on the way
    "case-06-an-ambiguous-address",  # addresses, which plays must not share
    "case-07b-test-mode-has-books-of-its-own",
    "case-08-a-foreign-click",
    "case-10-refunded-after-it-was-paid-out",  # in its natural order alone
    "case-12-webhook-and-call-are-one-sale",
)


@frozen
class Running:
    url: str
    options: tuple[str, ...]
    key: str

    def told(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output, whatever the width of the terminal."""
        result = CliRunner().invoke(main, ["conformance", "--url", self.url, *arguments])
        return result.exit_code, " ".join(result.output.split())


def running(folder: Path, **stated: Any) -> Iterator[Running]:
    settings = {"database_url": f"sqlite:///{folder}/books.db", **stated}
    with open_door(settings_from(Stated(**settings))) as door:
        ours, stranger = door.bootstrap("shop").api_keys, door.bootstrap("stranger").api_keys
    keys = ("--key", ours[Mode.LIVE], "--test-key", ours[Mode.TEST], "--stranger-key", stranger[Mode.LIVE])
    with HostProcess(settings, free_port(), folder / "host.log") as host:
        yield Running(host.url, tuple(map(str, keys)), str(ours[Mode.LIVE]))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    yield from running(tmp_path_factory.mktemp("told"), clock=instant(DAY_ZERO))


def test_stories_are_told_in_one_workspace_and_again(host: Running) -> None:
    for _ in range(2):
        status, said = host.told(*host.options, *STORIES)
        assert 0 == status, said
        assert f"6 of 6 stories as they must be, in 19 plays against {host.url}; left out: none." in said


def test_what_cannot_be_told_is_left_out_and_counted(host: Running) -> None:
    left_out = ("case-21-people-decide", "failure-10-connected-later")
    status, said = host.told("--key", host.key, *STORIES, *left_out)
    assert 0 == status, said
    assert "4 of 4 stories" in said
    assert (
        "left out: 1: no key of a stranger, 1: no key of test mode, 1: no signing secret of its platform, "
        "1: told to the core alone." in said
    )


def test_a_key_that_is_no_good_is_said(host: Running) -> None:
    status, said = host.told("--key", "rk_live_nobodys", *STORIES)
    assert 2 == status
    assert "does not take the key rk_live_nobo…" in said


def test_a_host_on_its_own_time_is_told_nothing(tmp_path: Path) -> None:
    for host in running(tmp_path):
        status, said = host.told("--key", host.key, *STORIES)
        assert 2 == status
        assert "start it with REFPORT_CLOCK" in said


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--key", "rk_live_x"], "say which with --url"),
        (["--url", "http://127.0.0.1:1"], "A host wants a key"),
        (["--url", "nowhere", "--key", "rk_live_x"], "no address of a host"),
        (["--url", "http://127.0.0.1:1", "--key", "rk_live_x"], "does not answer as a host does"),
    ],
    ids=["no host", "no key", "no address", "nobody there"],
)
def test_what_is_lacking_is_said(arguments: list[str], wanted: str) -> None:
    result = CliRunner().invoke(main, ["conformance", *arguments], terminal_width=200)
    assert result.exit_code in (1, 2)
    assert wanted in " ".join(result.output.replace("│", " ").split())
