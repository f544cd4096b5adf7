import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from refport.click_ids import EPOCH, SignedClickIds, tag
from refport.ids import TimeOrderedIds
from refport_core.facts import stated_click_id
from refport_core.programs import Click

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
LINK = TimeOrderedIds().new("lnk")
OLD_KEY, KEY = b"the older key", b"the key in use"
CLICK_IDS = SignedClickIds([KEY])


def test_an_id_proves_its_link_and_its_time_to_the_millisecond() -> None:
    click = CLICK_IDS.issue(LINK, NOON)

    assert Click(id=click.id, link_id=LINK, occurred_at=NOON.replace(microsecond=123000)) == CLICK_IDS.read(click.id)
    assert click == CLICK_IDS.read(click.id)


@pytest.mark.parametrize(
    "at", [EPOCH, EPOCH - timedelta(days=3650), datetime(1, 1, 1, tzinfo=UTC), datetime(6000, 1, 1, tzinfo=UTC)]
)
def test_any_time_can_be_said(at: datetime) -> None:
    click = CLICK_IDS.read(CLICK_IDS.issue(LINK, at).id)

    assert click is not None
    assert at == click.occurred_at


def test_an_id_passes_wherever_click_ids_must_pass() -> None:
    """R6: the alphabet, and at most 182 characters."""
    for _ in range(200):
        click_id = CLICK_IDS.issue(LINK, NOON).id
        assert re.fullmatch(r"clk_[A-Za-z0-9_-]{52}", click_id)
        assert click_id == stated_click_id(click_id)


def test_ids_that_are_out_in_the_world_stay_good() -> None:
    """Whatever changes here, an id of the first version is read like this for ever."""
    click = CLICK_IDS.read("clk_AQABAgMEBQYHCAkKCwwNDg8BnBPsnnsAAQIDBAUZ7LvPPLWMGzkx")

    assert click is not None
    assert ("lnk_00041061050r3gg28a1c60t3gf", NOON.replace(microsecond=123000)) == (click.link_id, click.occurred_at)


def test_two_clicks_of_one_moment_are_two() -> None:
    assert 1000 == len({CLICK_IDS.issue(LINK, NOON).id for _ in range(1000)})


def test_no_character_can_be_changed() -> None:
    """Not to another value, and not to another spelling of the same one."""
    click_id = CLICK_IDS.issue(LINK, NOON).id
    for place in range(len(click_id)):
        for other in "A_-z9":
            forged = click_id[:place] + other + click_id[place + 1 :]
            assert forged == click_id or CLICK_IDS.read(forged) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda click_id: click_id[:-1],
        lambda click_id: click_id[:-4],
        lambda click_id: click_id[:4],
        lambda click_id: click_id + "=",
        lambda click_id: click_id + "\n",
        lambda click_id: click_id + "AAAA",
        lambda click_id: click_id.removeprefix("clk_"),
        lambda click_id: "refp_id_" + click_id,
        lambda click_id: click_id[:20] + "!" + click_id[20:],
        lambda _: "",
        lambda _: "clk_" + "é" * 52,
    ],
)
def test_what_we_did_not_issue_is_none(spoil: object) -> None:
    assert CLICK_IDS.read(spoil(CLICK_IDS.issue(LINK, NOON).id)) is None  # type: ignore[operator]


def test_another_installations_key_proves_nothing() -> None:
    assert SignedClickIds([b"a foreign key"]).read(CLICK_IDS.issue(LINK, NOON).id) is None


def test_keys_rotate_and_old_ids_stay_good() -> None:
    old = SignedClickIds([OLD_KEY]).issue(LINK, NOON)
    rotated = SignedClickIds([KEY, OLD_KEY])

    assert old == rotated.read(old.id)
    new = rotated.issue(LINK, NOON)
    assert SignedClickIds([OLD_KEY]).read(new.id) is None
    assert new == CLICK_IDS.read(new.id)


def test_a_layout_of_a_later_version_is_not_read_as_ours() -> None:
    content = urlsafe_b64decode(CLICK_IDS.issue(LINK, NOON).id.removeprefix("clk_"))
    said = b"\x02" + content[1:-10]

    assert CLICK_IDS.read("clk_" + urlsafe_b64encode(said + tag(KEY, said)).decode()) is None


@pytest.mark.parametrize(
    "link_id",
    ["", "lnk_1", "prog" + LINK[3:], LINK + "0", LINK[:-1] + "u"],
    ids=["empty", "short", "a program", "one more", "a letter that is none of ours"],
)
def test_only_ids_of_links_are_clicked(link_id: str) -> None:
    with pytest.raises(ValueError, match="no id"):
        CLICK_IDS.issue(link_id, NOON)


def test_without_a_key_nothing_is_issued() -> None:
    with pytest.raises(ValueError, match="need a key"):
        SignedClickIds([])
