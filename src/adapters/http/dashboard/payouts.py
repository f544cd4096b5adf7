"""Payouts: what is payable is queued, and what became of it is kept (R24). No money moves from here."""

import re
from datetime import datetime
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from adapters.http.csv_files import csv_file
from adapters.http.dashboard.actors import Actor, GivenActor
from adapters.http.dashboard.acts import Acts, GivenActs
from adapters.http.dashboard.forms import WHOLE, Form, GivenForm
from adapters.http.dashboard.given import GivenRendering
from adapters.http.dashboard.lists import Asked, Filter, Listed, asked_of
from adapters.http.dashboard.live import mark_of
from adapters.http.dashboard.names import partner_filter, partner_names
from adapters.http.dashboard.reasons import PAYOUTS
from adapters.http.dashboard.rendering import Entry, Rendering
from adapters.http.given import GivenApplication, GivenUnitOfWork, Now
from adapters.http.idempotency import KEY_SHAPE, LONGEST_KEY
from adapters.http.payouts import LISTED, TAKEN, listed_rows, taken_rows
from refport_core.commands import MarkPayout, QueuePayouts
from refport_core.errors import NotFound
from refport_core.facts import PayoutState
from refport_core.payouts import NEXT
from refport_core.ports import UnitOfWork

ENTRY: Final = Entry("Payouts", "payouts")
ONCE: Final = "once"
"""The field by which a form that is sent twice is known: what it asked for is done once."""
STATES: Final = Filter(name="status", label="State", choices={state: saying.label for state, saying in PAYOUTS.items()})
MARKS: Final = {
    PayoutState.SENT: "Mark as sent",
    PayoutState.PAID: "Mark as paid",
    PayoutState.UNKNOWN: "Nobody knows",
    PayoutState.FAILED: "Mark as failed",
}


def asked(request: Request[Any, Any, Any], actor: Actor, unit_of_work: UnitOfWork) -> tuple[Asked, dict[str, str]]:
    """With the names of the partners."""
    with unit_of_work.read() as tx:
        names = partner_names(tx, actor.workspace.id)
    filters = (partner_filter(names), STATES, Filter(name="currency", label="Currency", hint="eur"))
    return asked_of(request, filters, orders=("when",)), names


def page(
    request: Request[Any, Any, Any],
    actor: Actor,
    rendering: Rendering,
    unit_of_work: UnitOfWork,
    acts: Acts,
    now: datetime,
    form: Form,
) -> Response[str]:
    wanted, names = asked(request, actor, unit_of_work)
    with unit_of_work.read() as tx:
        mark = mark_of(tx, actor.scope)
        found = tx.reading.payouts(actor.scope, wanted.query())
        payable = [] if actor.is_test else [each for each in tx.reading.balances(actor.scope, now) if each.payable > 0]
    listed = Listed(rows=found.data, asked=wanted, next_cursor=found.next_cursor, csv=wanted.address(suffix=".csv"))
    return rendering.page(
        "payouts.html",
        actor,
        listed=listed,
        partners=names,
        payable=sorted(payable, key=lambda each: (each.currency, -each.payable, each.partner_id)),
        currencies={"": "All currencies", **{each.currency: each.currency.upper() for each in payable}},
        states=PAYOUTS,
        form=form,
        once=acts.ids.new("form"),
        mark=mark,
        status=422 if form.errors else 200,
    )


def once_of(form: Form) -> str:
    """The key of the form; without one it is incomplete."""
    once = form.value(ONCE)
    if not re.fullmatch(KEY_SHAPE, once) or len(once) > LONGEST_KEY:
        form.errors[WHOLE] = "This form is incomplete: load the page again."
    return once


@get("/payouts", include_in_schema=False, sync_to_thread=True)
def show_payouts(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    now: Now,
) -> Response[str]:
    return page(request, actor, rendering, unit_of_work, acts, now, Form())


@get("/payouts.csv", include_in_schema=False, sync_to_thread=True)
def export_payouts(
    request: Request[Any, Any, Any], actor: GivenActor, unit_of_work: GivenUnitOfWork, now: Now
) -> Stream:
    wanted, _ = asked(request, actor, unit_of_work)
    return csv_file("payouts", LISTED, listed_rows(unit_of_work, actor.scope, wanted.query(), now))


@post("/payouts", include_in_schema=False, sync_to_thread=True)
def queue_payouts(
    request: Request[Any, Any, Any],
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
) -> Response[Any]:
    """For one partner or all of them, in one currency or in each."""
    partner_id = form.text("partnerId", optional=True)
    currency = form.text("currency", most=3, optional=True).lower()
    minimum = form.amount("minimum", currency, optional=True) if currency else 0
    if not currency and form.value("minimum").strip():
        form.errors["minimum"] = "A minimum is an amount of one currency: choose which."
    once = once_of(form)
    if not form.errors:
        command = QueuePayouts(
            scope=actor.scope,
            actor=actor.user.email,
            partner_id=partner_id or None,
            currency=currency or None,
            minimum=minimum,
            idempotency_key=once,
        )
        with acts.by(actor, "payouts.queued", now, partner=partner_id or "all", currency=currency or "all"):
            form.told(lambda: application.queue_payouts(command, now=now))
    if form.errors:
        return page(request, actor, rendering, unit_of_work, acts, now, form)
    return rendering.sent_on(actor.at("payouts"))


@get("/payouts/{payout_id:str}", include_in_schema=False, sync_to_thread=True)
def show_payout(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    acts: GivenActs,
    now: Now,
    payout_id: FromPath[str],
) -> Response[Any]:
    """One payout; with ``.csv`` after its id its lines as a file."""
    wanted = payout_id.removesuffix(".csv")
    if wanted == payout_id:
        return one(actor, rendering, unit_of_work, acts, wanted, Form())
    with unit_of_work.read() as tx:
        payout = tx.reading.payout(actor.scope, wanted)
        if payout is None:
            raise NotFound
        partner = tx.catalogue.partner(actor.workspace.id, payout.partner_id)
    return csv_file(payout.id, TAKEN, taken_rows(partner, payout, now))


def one(
    actor: Actor, rendering: Rendering, unit_of_work: UnitOfWork, acts: Acts, payout_id: str, form: Form
) -> Response[str]:
    """Raises ``NotFound``."""
    with unit_of_work.read() as tx:
        payout = tx.reading.payout(actor.scope, payout_id)
        if payout is None:
            raise NotFound
        mark = mark_of(tx, actor.scope)
        commissions = {
            take.commission_id: tx.reading.commission(actor.scope, take.commission_id) for take in payout.takes
        }
        partners = partner_names(tx, actor.workspace.id)
    return rendering.page(
        "payout.html",
        actor,
        payout=payout,
        partner=partners.get(payout.partner_id, payout.partner_id),
        commissions=commissions,
        states=PAYOUTS,
        marks={state: label for state, label in MARKS.items() if state in NEXT[payout.state]},
        form=form,
        once=acts.ids.new("form"),
        mark=mark,
        status=422 if form.errors else 200,
    )


@post("/payouts/{payout_id:str}/mark", include_in_schema=False, sync_to_thread=True)
def mark_payout(
    actor: GivenActor,
    rendering: GivenRendering,
    unit_of_work: GivenUnitOfWork,
    application: GivenApplication,
    acts: GivenActs,
    form: GivenForm,
    now: Now,
    payout_id: FromPath[str],
) -> Response[Any]:
    """Say what became of it."""
    with unit_of_work.read() as tx:
        if tx.reading.payout(actor.scope, payout_id) is None:
            raise NotFound
    state, reason = form.choice("state", MARKS), form.text("reason", most=1000, optional=True)
    once = once_of(form)
    if not form.errors:
        command = MarkPayout(
            scope=actor.scope,
            payout_id=payout_id,
            state=PayoutState(state),
            actor=actor.user.email,
            reason=reason,
            idempotency_key=once,
        )
        with acts.by(actor, f"payout.{state}", now, subject=payout_id, reason=reason):
            form.told(lambda: application.mark_payout(command, now=now))
    if form.errors:
        return one(actor, rendering, unit_of_work, acts, payout_id, form)
    return rendering.sent_on(actor.at(f"payouts/{payout_id}"))


ROUTES: Final = (show_payouts, export_payouts, queue_payouts, show_payout, mark_payout)
