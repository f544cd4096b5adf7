"""Each recipe runs as it is shown: it sends Stripe the click, and what Stripe tells of it later is understood."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe
from attrs import frozen

from refport import client
from refport_core.facts import Checkout, Fact, ProviderCustomer, Subscription
from tests.contract.http.host import SHOP, Host
from tests.contract.http.test_python_client import PROGRAM, ToHost
from tests.fakes.stripe_api import FakeStripe
from tests.unit.stripe.builders import CREATED, facts_of

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
CLICK = "clk_AQGiDbMD0XO8sd9Wb7BCcV0BoT-0o9BhASlSIyYqNBjC6iQEeHiO"
VISITOR = SimpleNamespace(cookies={"refp_id": CLICK})
NOBODY = SimpleNamespace(cookies={})
USER = SimpleNamespace(id="user_1", email="carol@x.example")
NODE = shutil.which("node")

# The two packages that the recipes import, as far as they use them: what is asked of Stripe is kept.
STUBS = {
    "refport": "export const getClickIdFromRequest = (request) => request.cookies.refp_id ?? null;",
    "stripe": """export const calls = [];
const create = (path) => async (params) => { calls.push([path, params]); return { id: "id", url: "url" }; };
export default class {
  checkout = { sessions: { create: create("/v1/checkout/sessions") } };
  customers = { create: create("/v1/customers") };
}""",
}
RUN = """import { calls } from "stripe";
import * as recipe from "./recipe.mjs";
const [run] = Object.values(recipe);
const said = await run(JSON.parse(process.argv[2]), JSON.parse(process.argv[3]));
console.log(JSON.stringify({ said, calls }));"""


@frozen
class Recipe:
    """Where the click goes, and what the webhook says of it then."""

    path: str
    sent: Mapping[str, str]
    told: Callable[[dict[str, Any]], tuple[Fact, ...]]
    understood: Callable[[tuple[Any, ...]], tuple[str | None, str | None]]
    external_id: str | None = "user_1"


def completed(session: dict[str, Any]) -> tuple[Fact, ...]:
    about = {
        "payment_status": "paid",
        "status": "complete",
        "amount_total": 100,
        "currency": "eur",
        "customer": "cus_9",
    }
    return facts_of("checkout.session.completed", {**session, "created": CREATED, **about})


def subscribed(session: dict[str, Any]) -> tuple[Fact, ...]:
    """Stripe makes a subscription of the session's words about it."""
    about = {"object": "subscription", "status": "trialing", "customer": "cus_9", "created": CREATED}
    data = {key: value for key, value in session["subscription_data"].items() if key == "metadata"}
    return facts_of("customer.subscription.created", {"id": "sub_9", **about, **data})


def created(customer: dict[str, Any]) -> tuple[Fact, ...]:
    return facts_of("customer.created", {**customer, "created": CREATED})


def of(kind: type[Fact], name: str) -> Callable[[tuple[Any, ...]], tuple[str | None, str | None]]:
    def said(facts: tuple[Any, ...]) -> tuple[str | None, str | None]:
        (fact,) = [each for each in facts if isinstance(each, kind)]
        return getattr(fact, name), fact.external_id

    return said


BY_RECIPE = {
    "checkout-session-metadata": Recipe(
        "/v1/checkout/sessions",
        {"metadata[refportClickId]": CLICK, "metadata[refportExternalCustomerId]": "user_1"},
        completed,
        of(Checkout, "click_id"),
    ),
    "client-reference-id": Recipe(
        "/v1/checkout/sessions",
        {"client_reference_id": f"refp_id_{CLICK}"},
        completed,
        of(Checkout, "reference_click_id"),
        external_id=None,
    ),
    "subscription-metadata": Recipe(
        "/v1/checkout/sessions",
        {
            "subscription_data[metadata][refportClickId]": CLICK,
            "subscription_data[metadata][refportExternalCustomerId]": "user_1",
        },
        subscribed,
        of(Subscription, "click_id"),
    ),
    "customer-metadata": Recipe(
        "/v1/customers",
        {"metadata[refportClickId]": CLICK, "metadata[refportExternalCustomerId]": "user_1"},
        created,
        of(ProviderCustomer, "click_id"),
    ),
}


def block(name: str, language: str) -> str:
    text = (RECIPES / f"{name}.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert isinstance(found, str)
    return found


def python(name: str) -> list[Any]:
    """The functions of the recipe, in their order."""
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(block(name, "python"), f"docs/recipes/{name}.md", "exec"), names)
    return [value for value in names.values() if getattr(value, "__module__", None) == "recipe"]


def javascript(name: str, folder: Path, request: SimpleNamespace) -> tuple[str, list[Any]]:
    """What the recipe's function answers, and what it asked of Stripe."""
    assert NODE is not None
    (folder / "recipe.mjs").write_text(block(name, "javascript"), encoding="utf-8")
    (folder / "run.mjs").write_text(RUN, encoding="utf-8")
    for package, source in STUBS.items():
        home = folder / "node_modules" / package
        home.mkdir(parents=True)
        (home / "package.json").write_text(json.dumps({"type": "module", "exports": "./index.js"}), encoding="utf-8")
        (home / "index.js").write_text(source, encoding="utf-8")
    given = [json.dumps(vars(each)) for each in (request, USER)]
    ran = subprocess.run([NODE, folder / "run.mjs", *given], capture_output=True, text=True, check=False)
    assert 0 == ran.returncode, ran.stderr
    told = json.loads(ran.stdout)
    return told["said"], told["calls"]


def flat(params: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """As Stripe's libraries send it: ``a[b][0]``."""
    if isinstance(params, dict | list):
        for key, value in params.items() if isinstance(params, dict) else enumerate(params):
            yield from flat(value, f"{place}[{key}]" if place else str(key))
    else:
        yield place, str(params)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStripe]:
    """The official library, led to a Stripe of our own."""
    with FakeStripe() as fake:
        real = stripe.StripeClient
        monkeypatch.setattr(stripe, "StripeClient", lambda key: real(key, base_addresses={"api": fake.url}))
        yield fake


def test_every_recipe_is_shown_and_every_address_leads_somewhere() -> None:
    pages = list(RECIPES.glob("*.md"))
    assert {*BY_RECIPE, "payment-link", "reporting", "README"} == {page.stem for page in pages}
    shown = (RECIPES / "README.md").read_text(encoding="utf-8")
    for page in pages:
        assert page.stem == "README" or f"({page.name})" in shown
        for address in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (RECIPES / address).exists(), (page.name, address)


@pytest.mark.parametrize("name", BY_RECIPE)
def test_the_click_reaches_stripe_and_comes_back(fake: FakeStripe, name: str) -> None:
    recipe = BY_RECIPE[name]
    (sell,) = python(name)

    sell(VISITOR, USER)

    (request,) = fake.requests
    assert recipe.path == request.path
    assert recipe.sent.items() <= request.form.items()
    (made,) = fake.made
    assert (CLICK, recipe.external_id) == recipe.understood(recipe.told(made))


@pytest.mark.parametrize("name", BY_RECIPE)
def test_who_came_by_no_link_is_nobodys(fake: FakeStripe, name: str) -> None:
    (sell,) = python(name)

    sell(NOBODY, USER)

    (request,) = fake.requests
    assert "refp_id_" not in str(request.form)
    assert "refportClickId" not in str(request.form)
    (made,) = fake.made
    recipe = BY_RECIPE[name]
    assert (None, recipe.external_id) == recipe.understood(recipe.told(made))


def test_a_payment_links_address_carries_the_click() -> None:
    (address_for,) = python("payment-link")

    asked = parse_qs(urlsplit(address_for(VISITOR, USER)).query)

    assert {"client_reference_id": [f"refp_id_{CLICK}"]} == asked
    assert "https://buy.stripe.com/test_book" == address_for(NOBODY, USER)
    session = {"id": "cs_1", "object": "checkout.session", "mode": "payment"}
    facts = completed({**session, "client_reference_id": asked["client_reference_id"][0]})
    assert (CLICK, None) == of(Checkout, "reference_click_id")(facts)


def test_a_lead_and_a_sale_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with Host() as host:
        host.post("/api/programs", PROGRAM)
        ada = host.post("/api/partners", {"name": "Ada", "email": "ada@x.example"})
        link = host.post("/api/links", {"partnerId": ada["id"], "url": "https://x.example", "key": "ada"})
        click = host.post("/api/clicks", {"linkId": link["id"]})["id"]
        real = client.Refport
        with httpx.Client(transport=ToHost(host)) as http:
            monkeypatch.setattr(client, "Refport", lambda key, base_url: real(host.token(SHOP), "http://host", http))
            sign_up, paid = python("reporting")

            assert "ada" == sign_up(SimpleNamespace(cookies={"refp_id": click}), USER)
            assert sign_up(NOBODY, USER) is None
            order = SimpleNamespace(id="order_1", amount_minor=4900, currency="eur")
            assert 980 == paid(USER, order) == paid(USER, order)
        assert 1 == len(host.get("/api/sales")["data"])


@pytest.mark.parametrize("name", [*BY_RECIPE, "payment-link"])
def test_the_script_is_in_balance(name: str) -> None:
    """All that can be said without Node; with it the next tests say more."""
    text = re.sub('".*?"|`.*?`', "", block(name, "javascript"))

    for opening, closing in ("{}", "()", "[]"):
        assert text.count(opening) == text.count(closing)
    assert re.search(r"^export (async )?function \w+\(request, user\) {$", text, re.MULTILINE)


if NODE is not None:

    @pytest.mark.parametrize("name", BY_RECIPE)
    @pytest.mark.parametrize("visitor", [VISITOR, NOBODY], ids=["visitor", "nobody"])
    def test_the_script_sends_what_the_other_one_sends(
        fake: FakeStripe, tmp_path: Path, name: str, visitor: SimpleNamespace
    ) -> None:
        (sell,) = python(name)
        sell(visitor, USER)

        _, ((path, params),) = javascript(name, tmp_path, visitor)

        (request,) = fake.requests
        assert (path, dict(flat(params))) == (request.path, request.form)

    @pytest.mark.parametrize("visitor", [VISITOR, NOBODY], ids=str)
    def test_the_scripts_address_is_the_other_ones(tmp_path: Path, visitor: SimpleNamespace) -> None:
        (address_for,) = python("payment-link")

        assert (address_for(visitor, USER), []) == javascript("payment-link", tmp_path, visitor)
