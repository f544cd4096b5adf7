"""From what somebody has in hand to its page."""

from urllib.parse import quote

import pytest
from markupsafe import escape

from refport_core.ports import Query
from refport_core.scope import Mode
from refport_core.users import Role
from tests.contract.http.dashboard.people import People, Person, Shape, books, words
from tests.contract.http.dashboard.shops import Shop, a_shop, told
from tests.contract.http.host import SHOP_TEST


@pytest.fixture
def shop(crowd: People) -> Shop:
    return told(a_shop(crowd))


@pytest.fixture
def viewer(crowd: People) -> Person:
    return crowd.person(Role.VIEWER)


def found(person: Person, asked: str, mode: Mode = Mode.LIVE) -> str:
    """Where the search leads, or what it says."""
    answer = person.get(books(f"search?q={quote(asked)}", mode=mode))
    return answer.headers.get("location") or words(answer.text)


def test_an_id_of_anything_leads_to_its_page(shop: Shop, viewer: Person) -> None:
    assert len(shop.pages()) > 20
    for path in shop.pages():
        assert books(path) == found(viewer, path.partition("/")[2])


@pytest.mark.parametrize("name", ["in_1", "pi_1", "ch_1", "cs_1", " in_1 "])
def test_any_name_of_a_payment_leads_to_its_sale(shop: Shop, viewer: Person, name: str) -> None:
    assert books(f"conversions/{shop.sales()['in_1']}") == found(viewer, name)


def test_names_addresses_and_ids_of_others_are_understood(shop: Shop, viewer: Person) -> None:
    with shop.host.unit_of_work.read() as tx:
        (ada,) = tx.reading.customers(shop.scope, Query(filters={"externalId": "Ada"})).data
        link = tx.catalogue.link(shop.scope.workspace_id, shop.links["first"])
    assert link is not None
    assert books(f"customers/{ada.id}") == found(viewer, "ADA@x.example")
    assert books(f"customers/{ada.id}") == found(viewer, "cus_1")
    assert books(f"conversions/{shop.sales()['in_1']}") == found(viewer, "sub_1")
    assert books(f"partners/{shop.partners['second']}") == found(viewer, "a SECOND")
    assert books(f"partners/{shop.partners['first']}") == found(viewer, "first@p")
    for address in (link.key, f"https://go.example/r/{link.key}"):
        assert books(f"links/{link.id}") == found(viewer, address)


def test_what_fits_several_things_is_listed(shop: Shop, viewer: Person) -> None:
    said = found(viewer, "Ada")
    for each in ("Partner Ada first first@p.example", "Program Ada", "Customer Ada ada@x.example", "Conversion $40.00"):
        assert each in said, each


def test_what_fits_nothing_says_so_and_nothing_asked_says_what_to_ask(shop: Shop, viewer: Person) -> None:
    assert "Nothing fits." in found(viewer, "nobody@x.example")
    assert "What do you have in hand?" in found(viewer, "  ")
    assert "Nothing fits." in found(viewer, "x" * 600)


def test_nothing_of_another_workspace_or_mode_is_found(crowd: People, shop: Shop, viewer: Person) -> None:
    """R1. Partners, links and programs serve both modes."""
    stranger = crowd.person(Role.OWNER, "ws_other")
    a_shop(crowd, SHOP_TEST, text="Testbourne")
    for path in shop.pages():
        asked = path.partition("/")[2]
        answer = stranger.get(books(f"search?q={asked}", workspace="other"))
        assert "Nothing fits." in words(answer.text), path
        if not path.startswith(("partners", "links", "programs")):
            assert "Nothing fits." in found(viewer, asked, Mode.TEST), path


def test_what_is_asked_makes_no_element(shop: Shop, viewer: Person) -> None:
    text = '"><script>alert(1)</script>'
    harmless = viewer.get(books("search?q=nobody")).text
    hostile = viewer.get(books(f"search?q={quote(text)}")).text
    assert str(escape(text)) in hostile
    assert Shape(harmless).elements == Shape(hostile).elements
