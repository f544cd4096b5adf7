"""Pages of the books: what each shows, to whom, and what it keeps from everybody else."""

import csv
import io
import re
from datetime import timedelta

import pytest
from markupsafe import escape

from refport_core.facts import Effect
from refport_core.outcomes import Outcome, OutcomeKind
from refport_core.scope import Mode, Scope
from refport_core.users import Role
from tests.builders import a_checkout
from tests.contract.http.dashboard.people import People, Person, Shape, books, people, words
from tests.contract.http.dashboard.shops import FORMS, LISTS, LONG_AGO, Shop, a_shop, told
from tests.contract.http.host import NOW, OTHER, SHOP, SHOP_TEST, deliver

Elements = list[tuple[str, tuple[str, ...]]]


@pytest.fixture
def shop(crowd: People) -> Shop:
    return told(a_shop(crowd))


@pytest.fixture
def viewer(crowd: People) -> Person:
    return crowd.person(Role.VIEWER)


def page(person: Person, path: str, mode: Mode = Mode.LIVE) -> str:
    answer = person.get(books(path, mode=mode))
    assert 200 == answer.status_code, (path, words(answer.text))
    return answer.text


def table(person: Person, path: str) -> list[dict[str, str]]:
    """A list as a file."""
    answer = person.get(books(path))
    assert (200, "text/csv; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


# -- every page -----------------------------------------------------------------------------------------


def test_every_page_is_shown_and_offers_viewers_nothing_that_they_may_not_do(
    crowd: People, shop: Shop, viewer: Person
) -> None:
    owner = crowd.person()
    for path in (*LISTS, *shop.pages()):
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page(viewer, path))
        assert ["/logout"] == forms, path
        assert page(owner, path).count("<h1") == 1, path
    for path in FORMS:
        assert 1 < page(owner, path).count('method="post"'), path


def test_every_list_says_what_to_do_while_it_is_empty(crowd: People) -> None:
    crowd.workspace(SHOP.workspace_id)
    owner = crowd.person()
    for path in LISTS:
        shown = page(owner, path)
        assert 'class="empty"' in shown, path
        assert [] == table(owner, f"{path}.csv"), path


def test_every_list_says_so_where_nothing_fits_its_filters(shop: Shop, viewer: Person) -> None:
    for path, query in (
        ("leads", "customer=nobody"), ("customers", "email=nobody@x.example"), ("partners", "name=nobody"),
        ("links", "key=nothing"), ("programs", "name=nothing"), ("commissions", "currency=xxx"),
        ("balances", "currency=xxx"), ("payouts", "currency=xxx"), ("events", "type=nothing"),
    ):  # fmt: skip
        assert "fits these filters" in words(page(viewer, f"{path}?{query}")), path
        assert [] == table(viewer, f"{path}.csv?{query}"), path


def test_pages_of_one_thing_say_when_there_is_no_such_thing(shop: Shop, viewer: Person) -> None:
    for noun in ("conversions", "leads", "customers", "partners", "links", "programs", "commissions", "payouts",
                 "events"):  # fmt: skip
        answer = viewer.get(books(f"{noun}/none_1"))
        assert (404, True) == (answer.status_code, "There is nothing here" in answer.text), noun
    for path in ("links/none_1/qr.svg", "links/none_1/qr.png", "payouts/none_1.csv"):
        assert 404 == viewer.get(books(path)).status_code, path


# -- whose books ----------------------------------------------------------------------------------------


def test_nothing_of_one_workspace_or_mode_shows_in_another(crowd: People) -> None:
    """R1. Partners, links and programs serve both modes of their workspace."""
    live, test = told(a_shop(crowd, SHOP, text="Liverpool")), told(a_shop(crowd, SHOP_TEST, text="Testbourne"))
    foreign = told(a_shop(crowd, OTHER, text="Otherham"))
    people = {SHOP: crowd.person(), OTHER: crowd.person(Role.OWNER, OTHER.workspace_id)}
    catalogue = ("partners", "links", "programs")
    for mine, others in ((live, (test, foreign)), (test, (live, foreign)), (foreign, (live, test))):
        person = people[Scope(mine.scope.workspace_id, Mode.LIVE)]
        here = {"workspace": mine.scope.workspace_id.removeprefix("ws_"), "mode": mine.scope.mode}
        for path in LISTS:
            shown = person.get(books(path, **here)).text + person.get(books(f"{path}.csv", **here)).text
            for other in others:
                ids = set(re.findall(r"[a-z]+_[0-9a-z]{26}", " ".join(other.pages())))
                same = other.scope.workspace_id == mine.scope.workspace_id
                ours = {each for each in ids if same and each.startswith(("prt_", "lnk_", "prog_"))}
                assert not [each for each in ids - ours if each in shown], (path, here)
        for other in others:
            same = other.scope.workspace_id == mine.scope.workspace_id
            for path in other.pages():
                if same and path.startswith(catalogue):
                    continue
                if path.startswith("events/"):
                    continue  # a sender's ids are the same everywhere; below
                assert 404 == person.get(books(path, **here)).status_code, path
    unread = books("events/evt_unread")
    assert "Liverpool" in people[SHOP].get(unread).text
    assert "Testbourne" in people[SHOP].get(books("events/evt_unread", mode=Mode.TEST)).text
    assert "Otherham" not in people[SHOP].get(unread).text


def test_a_click_on_somebody_elses_link_tells_nothing_of_them(crowd: People) -> None:
    """Worked case 8."""
    foreign, mine = a_shop(crowd, OTHER, text="Otherham"), a_shop(crowd)
    mine.tell(a_checkout(LONG_AGO + timedelta(days=3), "cs_1", click_id=foreign.clicks["first"]))
    shown = page(crowd.person(Role.VIEWER), f"conversions/{mine.sales()['cs_1']}")
    assert "Somebody else&#39;s click" in shown or "Somebody else's click" in words(shown)
    for secret in ("Otherham", foreign.links["first"], foreign.partners["first"]):
        assert secret not in shown


# -- a conversion ---------------------------------------------------------------------------------------


def test_a_conversion_tells_who_earned_it_and_why_with_the_losers(shop: Shop, viewer: Person) -> None:
    """Worked case 4: the customer is the first partner's, the checkout refers to a click of the second."""
    said = words(page(viewer, f"conversions/{shop.sales()['in_1']}"))
    for sentence in (
        "Ada first earned it: your code named a customer whom this partner had brought before.",
        "Won Click on", "A stronger step won", "Named by your lead call",
        "Net of tax, which is €19.00", "20 % of the base", "€59.50 was refunded or lost in a dispute",
        "The reward × 1 ÷ 2", "Click on Ada first’s link", "Click on Ada second’s link", "Lead: Ada",
        "Checkout paid €119.00", "Invoice paid in_1, €119.00", "Refund €59.50, re_1", "version 1",
    ):  # fmt: skip
        assert sentence in said, sentence
    order = ["Click on Ada first’s link", "Click on Ada second’s link", "Checkout paid", "Refund €59.50"]
    places = [said.index(each) for each in order]
    assert places == sorted(places)
    assert "€10.00" in said[said.index("Owed") : said.index("Owed") + 60]


def test_a_conversion_shows_its_events_as_they_came(shop: Shop, viewer: Person) -> None:
    shown = page(viewer, f"conversions/{shop.sales()['in_1']}")
    for event in ("evt_checkout_cs_1", "evt_invoice_in_1", "evt_refund_re_1"):
        assert re.search(rf"<pre[^>]*>{event}_\d+</pre>", shown.replace("\n", "")), event


def test_an_organic_conversion_tells_which_clicks_did_not_count(shop: Shop, viewer: Person) -> None:
    said = words(page(viewer, f"conversions/{shop.sales()['cs_3']}"))
    assert "No click counts, so the sale is organic" in said
    assert "Not one of our clicks" in said
    assert "1 click was considered" in said
    assert "No partner earned this sale" in said


def test_a_sale_without_any_click_says_so(crowd: People, viewer: Person) -> None:
    shop = a_shop(crowd)
    shop.tell(a_checkout(LONG_AGO, "cs_1"))
    assert "No click id came with this payment" in words(page(viewer, f"conversions/{shop.sales()['cs_1']}"))


def test_what_people_decided_stands_in_the_timeline_with_their_name(crowd: People, shop: Shop) -> None:
    owner, sale = crowd.person(email="ada@x.example"), shop.sales()["pi_2"]
    commission = shop.commissions()[sale]
    owner.post(books(f"commissions/{commission}/decide"), {"effect": "hold", "reason": "a strange one"})
    shop.decide(commission, Effect.REJECT, "said by the API")
    said = words(page(owner, f"conversions/{sale}"))
    assert "Commission held by ada@x.example a strange one" in said
    assert "Commission rejected said by the API" in said or "Commission rejected by" in said


def test_a_lead_is_explained_like_a_sale(shop: Shop, viewer: Person) -> None:
    by_name = {words(page(viewer, f"leads/{lead}")).split(" A lead: ")[0].rsplit(" ", 1)[-1]: lead
               for lead in shop.ids("leads")}  # fmt: skip
    texts = [words(page(viewer, f"leads/{lead}")) for lead in by_name.values()]
    assert any("A flat €5.00" in text and "Trial began sub_1" not in text for text in texts)
    assert any("of a customer’s leads the first one earns" in text for text in texts)
    assert all("Ada first earned it" in text for text in texts)


def test_a_customer_shows_keys_binding_and_what_is_theirs(shop: Shop, viewer: Person) -> None:
    (row,) = table(viewer, "customers.csv?externalId=Ada")
    said = words(page(viewer, f"customers/{row['id']}"))
    assert ("cus_1", "Ada first") == (row["providerIds"], row["partner"])
    for text in ("Your id Ada", "Processor cus_1", "ada@x.example", "Ada first", "Your lead call", "First payment",
                 "€100.00", "Trial Started", "invoice"):  # fmt: skip
        assert text in said, text
    assert [row] == table(viewer, "customers.csv?email=ADA@X.example")


# -- lists ----------------------------------------------------------------------------------------------


def test_lists_are_filtered_ordered_and_paged_by_their_address(crowd: People, viewer: Person) -> None:
    shop = a_shop(crowd)
    shop.tell(*(a_checkout(LONG_AGO + timedelta(days=2, minutes=number), f"cs_{number:02}",
                           click_id=shop.clicks["first"]) for number in range(51)))  # fmt: skip
    first = page(viewer, "commissions?order=when&currency=usd")
    ids = re.findall(r'data-row="(com_[^"]*)"', first)
    (onward,) = re.findall(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    rest = re.findall(r'data-row="(com_[^"]*)"', viewer.get(onward.replace("&amp;", "&")).text)
    assert (50, 1) == (len(ids), len(rest))
    assert {*ids, *rest} == set(shop.commissions().values())
    newest_first = re.findall(r'data-row="(com_[^"]*)"', page(viewer, "commissions"))
    assert newest_first[0] == rest[0]
    assert 'aria-sort="ascending"' in first
    assert 51 == len(table(viewer, "commissions.csv"))
    assert [] == table(viewer, f"commissions.csv?partnerId={shop.partners['second']}")
    assert 51 == len(table(viewer, f"commissions.csv?partnerId={shop.partners['first']}&status=approved"))


@pytest.mark.parametrize(
    ("path", "by", "column"),
    [("partners", "name", "name"), ("links", "partner", "partner"), ("links", "clicks", "clicks"),
     ("partners", "clicks", "clicks")],
)  # fmt: skip
def test_what_is_at_hand_whole_is_ordered_by_any_column(
    shop: Shop, viewer: Person, path: str, by: str, column: str
) -> None:
    application = shop.host.application
    click = application.click_ids.issue(shop.links["second"], NOW)
    with shop.host.unit_of_work.begin() as tx:
        tx.catalogue.put_click(shop.scope.workspace_id, click)
    values = {row["id"]: row[column] for row in table(viewer, f"{path}.csv")}
    up, down = (
        re.findall(r'href="[^"]*/(?:prt|lnk)_[^"]*"', page(viewer, f"{path}?order={order}")) for order in (by, f"-{by}")
    )
    ids = [re.search(r"(?:prt|lnk)_\w+", each).group() for each in up]  # type: ignore[union-attr]
    shown = [each for each in dict.fromkeys(ids) if each in values]
    assert [values[each] for each in shown] == sorted(values.values())
    assert up != down


def test_balances_are_summed_by_currency_and_never_over_two(shop: Shop, viewer: Person) -> None:
    shown = page(viewer, "balances")
    figures = re.findall(r'aria-labelledby="sum-\d+">.*?<h2[^>]*>(\w+)</h2>', shown, re.DOTALL)
    rows = table(viewer, "balances.csv")
    assert ["EUR", "JPY", "USD"] == figures == sorted({row["currency"].upper() for row in rows})
    for row in rows:
        parts = ("paid", "inPayout", "payable", "pending", "held")
        assert int(row["earned"]) - int(row["reversed"]) == sum(int(row[part]) for part in parts)
    assert [row for row in rows if row["currency"] == "eur"] == table(viewer, "balances.csv?currency=EUR")
    assert rows == table(viewer, f"balances.csv?partnerId={shop.partners['first']}")
    by_payable = table(viewer, "balances.csv")
    assert len(by_payable) == len(re.findall("data-row=", page(viewer, "balances?order=-payable")))


def test_events_tell_their_outcome_in_words_and_are_counted(shop: Shop, viewer: Person) -> None:
    said = words(page(viewer, "events?outcome=quarantined"))
    assert "Its form is not known to this version. Update Refport, then retry it." in said
    assert "1 Quarantined" in said
    assert ["evt_unread"] == [row["id"] for row in table(viewer, "events.csv?outcome=quarantined")]
    one = words(page(viewer, "events/evt_unread"))
    for text in ("We know no such shape of Ada.", "UNKNOWN_SHAPE", "&#34;text&#34;: &#34;Ada&#34;"):
        assert text in one or text.replace("&#34;", '"') in one, text


def test_a_long_body_is_cut_and_a_strange_one_is_shown_as_it_came(crowd: People, viewer: Person) -> None:
    a_shop(crowd)
    ignored = Outcome(OutcomeKind.IGNORED, "UNKNOWN_TYPE")
    deliver(crowd.host, event_id="evt_long", verdict=ignored, body=b"x" * 100_001)
    deliver(crowd.host, event_id="evt_odd", verdict=ignored, body=b"\xff\x00<b>")
    assert "This is its beginning." in page(viewer, "events/evt_long")
    assert "\ufffd\u2400&lt;b&gt;" in page(viewer, "events/evt_odd")
    assert "This is its beginning." not in page(viewer, "events/evt_odd")


def test_a_link_has_a_drawing_a_short_address_and_files(shop: Shop, viewer: Person) -> None:
    link = shop.links["first"]
    shown = page(viewer, f"links/{link}")
    assert re.search(r'value="https://go.example/r/\w+" readonly', shown)
    assert "<svg" in shown
    for kind, begin in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        answer = viewer.get(books(f"links/{link}/qr.{kind}"))
        assert answer.headers["content-type"].startswith("image/")
        assert answer.content.startswith(begin)
        assert "attachment" in answer.headers["content-disposition"]


def test_a_program_tells_its_versions_and_what_changed(crowd: People, shop: Shop) -> None:
    owner, path = crowd.person(), f"programs/{shop.program}"
    form = owner.get(books(f"{path}/change")).text
    filled = dict(re.findall(r'<input id="[^"]*" name="([^"]*)"[^>]*? value="([^"]*)"', form))
    choices = dict(re.findall(r'<select id="([^"]*)".*?<option value="([^"]*)" selected>', form, re.DOTALL))
    sent = {**filled, **choices, "percent": "25"}
    preview = owner.post(books(f"{path}/change"), {**sent, "do": "preview"})
    assert "25 % of what was received, net of tax." in words(preview.text)
    assert "20 % of what was received, net of tax." in words(preview.text)
    assert 1 == len(programs(shop)[0].versions)
    assert 303 == owner.post(books(f"{path}/change"), {**sent, "do": "save"}).status_code
    said = words(page(owner, path))
    assert "Version 2 In force" in said
    assert "Reward for a sale: 20 % of what was received, net of tax. 25 % of what was received" in said
    assert 2 == len(programs(shop)[0].versions)


def programs(shop: Shop) -> list:  # type: ignore[type-arg]
    with shop.host.unit_of_work.read() as tx:
        return tx.catalogue.programs(shop.scope.workspace_id)


# -- strangers' words -----------------------------------------------------------------------------------

CORPUS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>", "{{ 7 * 7 }}",
    "{% raw %}", "javascript:alert(1)", "</textarea><script>x</script>", "<!--", "]]>", "&lt;b&gt;", "\u202eabc",
    '" autofocus onfocus="x', "</title><script>", "<b>Ada</b>", "`x`", "${7*7}", "</pre><i>", "</option><option>",
)  # fmt: skip


@pytest.fixture(scope="module")
def harmless() -> dict[str, Elements]:
    return shapes_of("Ada")


@pytest.mark.parametrize("text", ["".join(CORPUS[:6]), "".join(CORPUS[6:13]), "".join(CORPUS[13:])])
def test_what_strangers_write_makes_no_element_and_no_attribute(text: str, harmless: dict[str, Elements]) -> None:
    """Names of partners and programs, addresses, customers, metadata, reasons: the page's elements are those that it
    has with harmless words."""
    shapes = shapes_of(text)
    assert harmless.keys() == shapes.keys()
    for path, shape in harmless.items():
        assert shape == shapes[path], path


def shapes_of(text: str) -> dict[str, Elements]:
    """The elements of every page that has something of this in it."""
    with people() as crowd:
        shop = told(a_shop(crowd, text=text))
        owner = crowd.person()
        for commission in shop.commissions().values():
            shop.decide(commission, Effect.APPROVE, text)
        paths = [*LISTS, *FORMS, *shop.pages(), f"partners/{shop.partners['first']}/change",
                 f"links/{shop.links['first']}/change", f"programs/{shop.program}/change"]  # fmt: skip
        answers = {f"{place} {path.partition('/')[0]}": owner.get(books(path)) for place, path in enumerate(paths)}
        assert {200} == {answer.status_code for answer in answers.values()}
        assert len(paths) / 2 < sum(escape(text) in answer.text for answer in answers.values())
        return {path: Shape(answer.text).elements for path, answer in answers.items()}


def test_no_cell_of_a_file_is_a_formula(crowd: People) -> None:
    told(a_shop(crowd, text="=cmd|' /C calc'!A0"))
    viewer = crowd.person(Role.VIEWER)
    seen = 0
    for path in LISTS:
        for row in table(viewer, f"{path}.csv"):
            for cell in row.values():
                assert not re.match(r"[=@\t\r]|[+-](?![0-9.]+$)", cell), (path, cell)
                seen += "cmd|" in cell
    assert seen > 5
