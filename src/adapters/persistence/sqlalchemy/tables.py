"""The tables. Times are microseconds since 1970, documents are JSON as bytes.

SQLite keeps types by STRICT tables. What grows for ever is kept under its workspace, and known elsewhere by that alone:
a workspace can be moved to another database. (Numbers of statements and facts are their database's own.)
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Text sorts by its bytes everywhere, so that pages and ties are the same in every database.
Plain = Text().with_variant(Text(collation="C"), "postgresql")
Big = BigInteger().with_variant(Integer, "sqlite")
Small = SmallInteger().with_variant(Integer, "sqlite")

FOR_EVER = 2**63 - 1  # later than every time
NEVER = -(2**63)  # earlier than every time


def _table(name: str, *columns: Any, rowid: bool = True) -> Table:
    """``rowid=False``: the key is the row, as in an index."""
    return Table(name, metadata, *columns, sqlite_strict=True, sqlite_with_rowid=rowid)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Plain, nullable=False, **options)


def _maybe(name: str) -> Column[str | None]:
    return Column(name, Plain, nullable=True)


def _number(name: str, **options: Any) -> Column[int]:
    return Column(name, Big, nullable=False, **options)


def _maybe_number(name: str) -> Column[int | None]:
    return Column(name, Big, nullable=True)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _maybe_bytes(name: str) -> Column[bytes | None]:
    return Column(name, LargeBinary, nullable=True)


def _key(name: str) -> Column[str]:
    return _text(name, primary_key=True)


def _secret(name: str) -> Column[bytes]:
    """A digest as the key."""
    return Column(name, LargeBinary, primary_key=True, nullable=False)


def _scope_key() -> tuple[Column[str], Column[str], CheckConstraint]:
    return _key("workspace_id"), _key("mode"), _modes()


def _modes() -> CheckConstraint:
    return CheckConstraint("mode IN ('live', 'test')", name="mode")


def _fact_id() -> Column[int]:
    reference = ForeignKey("facts.id", ondelete="CASCADE")
    return Column("fact_id", Big, reference, primary_key=True, nullable=False, autoincrement=False, index=True)


# ---------------------------------------------------------------------------------------------------
# Who may come in

workspaces = _table("workspaces", _key("id"), _text("slug", unique=True), _number("created_at"))

api_keys = _table(
    "api_keys",
    _key("id"),
    _text("workspace_id", index=True),
    _text("mode"),
    _text("prefix"),
    _bytes("digest"),
    _number("created_at"),
    _maybe_number("revoked_at"),
    _text("name"),
    _text("permissions"),  # between blanks
    _modes(),
)

connections = _table(
    "connections",
    _key("id"),
    _text("workspace_id"),
    _text("mode"),
    _text("provider"),
    _text("kind"),
    _text("account"),  # empty: unknown
    _bytes("secrets"),
    _maybe_bytes("api_key"),
    _bytes("endpoints"),
    _number("created_at"),
    _maybe_number("ended_at"),
    _maybe("ended_because"),
    _modes(),
    CheckConstraint("kind IN ('own', 'connect')", name="kind"),
)
Index("ix_connections_scope", connections.c.workspace_id, connections.c.mode)
_own = text("kind = 'own' AND ended_at IS NULL")
_connect = text("kind = 'connect' AND ended_at IS NULL")
Index(
    "uq_connections_own",
    connections.c.workspace_id,
    connections.c.provider,
    connections.c.account,
    connections.c.mode,
    unique=True,
    sqlite_where=_own,
    postgresql_where=_own,
)
Index(
    "uq_connections_connect",
    connections.c.provider,
    connections.c.account,
    connections.c.mode,
    unique=True,
    sqlite_where=_connect,
    postgresql_where=_connect,
)

connection_checks = _table("connection_checks", _key("connection_id"), _bytes("document"))
platform_endpoints = _table(
    "platform_endpoints",
    _key("id"),
    _text("provider"),
    _text("mode"),
    _bytes("secret"),
    _number("created_at"),
    _modes(),
)
authorization_requests = _table(
    "authorization_requests",
    Column("state", LargeBinary, primary_key=True, nullable=False),
    _text("provider"),
    _text("workspace_id"),
    _text("mode"),
    _bytes("session"),
    _number("expires_at"),
    _modes(),
)

users = _table("users", _key("id"), _text("email", unique=True), _text("password"), _number("created_at"))
memberships = _table(
    "memberships",
    _key("workspace_id"),
    _key("user_id"),
    _text("role"),
    _number("since"),
    CheckConstraint("role IN ('owner', 'member', 'viewer')", name="role"),
)
Index("ix_memberships_user", memberships.c.user_id)
sessions = _table(
    "sessions",
    _secret("digest"),
    _text("user_id", index=True),
    _number("created_at"),
    _number("expires_at", index=True),
)
one_time_tokens = _table(
    "one_time_tokens",
    _secret("digest"),
    _text("purpose"),
    _number("expires_at"),
    _maybe("email"),
    _maybe("workspace_id"),
    _maybe("role"),
    _maybe("user_id"),
    CheckConstraint("purpose IN ('set_up', 'invitation', 'new_password', 'sign_in')", name="purpose"),
)
failed_sign_ins = _table("failed_sign_ins", _secret("key"), _number("number"), _number("since"))
audit_log = _table(
    "audit_log",
    _key("id"),
    _text("workspace_id"),
    _maybe("mode"),
    _maybe("user_id"),
    _text("actor"),
    _text("action"),
    _maybe("subject"),
    _bytes("detail"),
    _number("at"),
    _modes(),
)
Index("ix_audit_log_time", audit_log.c.workspace_id, audit_log.c.at, audit_log.c.id)

# ---------------------------------------------------------------------------------------------------
# The catalogue, one document for each thing with its history

programs = _table("programs", _key("id"), _text("workspace_id", index=True), _bytes("document"))
partners = _table("partners", _key("id"), _text("workspace_id", index=True), _bytes("document"))
enrollments = _table(
    "enrollments",
    _key("id"),
    _text("workspace_id", index=True),
    _text("program_id"),
    _text("partner_id"),
    _bytes("document"),
    UniqueConstraint("partner_id", "program_id"),
)
links = _table(
    "links",
    _key("id"),
    _text("workspace_id", index=True),
    _text("domain"),  # empty: the installation's own
    _text("key"),
    _maybe("partner_id"),
    _bytes("document"),
    UniqueConstraint("domain", "key"),
)
clicks = _table("clicks", _key("workspace_id"), _key("id"), _text("link_id"), _number("occurred_at"))
Index("ix_clicks_link", clicks.c.workspace_id, clicks.c.link_id)
Index("ix_clicks_time", clicks.c.workspace_id, clicks.c.occurred_at, clicks.c.id)

# ---------------------------------------------------------------------------------------------------
# What was said. ``owner`` is a workspace id, or the account that is not connected yet

statements = _table(
    "statements",
    Column("id", Big, primary_key=True, autoincrement=True),
    _text("owner"),
    _text("mode"),
    _text("provider"),
    _text("event_id"),
    _bytes("content"),
    _text("type"),
    _number("stated_at"),
    _number("received_at"),
    _maybe("account"),
    _maybe("connection_id"),
    _maybe("api_version"),
    _maybe_bytes("verdict"),
    Column("looked_up", Small, nullable=False),
    _bytes("body"),  # compressed (bodies.py)
    _modes(),
    CheckConstraint("looked_up IN (0, 1)", name="looked_up"),
    UniqueConstraint("owner", "mode", "event_id", "provider", "content", name="uq_statements_identity"),  # R3
)
Index("ix_statements_order", statements.c.owner, statements.c.mode, statements.c.id)
_came_in = text("connection_id IS NOT NULL")
Index(
    "ix_statements_connection",
    statements.c.connection_id,
    statements.c.id,
    sqlite_where=_came_in,
    postgresql_where=_came_in,
)

events = _table(
    "events",
    _key("owner"),
    _key("mode"),
    _key("event_id"),
    _key("provider"),
    _text("type"),
    _maybe("account"),
    _maybe("api_version"),
    _number("stated_at"),
    _number("received_at"),
    _bytes("winner"),  # the content of the winning rendering
    _number("duplicates"),
    _text("outcome"),
    _maybe("reason"),
    _maybe("error"),
    _modes(),
    CheckConstraint("duplicates >= 0", name="duplicates"),
)
Index("ix_events_time", events.c.owner, events.c.mode, events.c.stated_at, events.c.event_id, events.c.provider)
Index("ix_events_outcome", events.c.owner, events.c.mode, events.c.outcome)

facts = _table(
    "facts",
    Column("id", Big, primary_key=True, autoincrement=True),
    _text("workspace_id"),
    _text("mode"),
    _text("provider"),
    _text("event_id"),
    _text("kind"),
    _text("object_id"),
    _number("occurred_at"),
    _bytes("document"),
    Column("quiet", Small, nullable=False, server_default=text("0")),
    _modes(),
    UniqueConstraint("workspace_id", "mode", "event_id", "provider", "kind", "object_id", name="uq_facts_identity"),
)
Index("ix_facts_time", facts.c.workspace_id, facts.c.mode, facts.c.occurred_at)
fact_keys = _table("fact_keys", *_scope_key(), _key("key"), _fact_id(), rowid=False)
fact_emails = _table(
    "fact_emails",
    *_scope_key(),
    _key("address"),
    _number("said_at", primary_key=True, autoincrement=False),
    _key("statement"),  # settles ties the same way in every database
    _fact_id(),
    rowid=False,
)

# ---------------------------------------------------------------------------------------------------
# What follows

identities = _table("identities", *_scope_key(), _key("key"), _text("id"), rowid=False)
current_ids = _table("current_ids", *_scope_key(), _key("id"), _text("current"), rowid=False)

sales = _table(
    "sales",
    *_scope_key(),
    _key("id"),
    _number("occurred_at"),
    _text("customer_id"),
    _maybe("account"),
    _maybe("click_id"),
    _text("currency"),
    _text("event_name"),
    _maybe("invoice_id"),
    _text("kind"),
    _maybe("link_id"),
    _maybe("partner_id"),
    _text("processor"),
    _maybe("program_id"),
    _maybe("subscription_id"),
    _number("amount"),
    _bytes("digest"),
    _bytes("document"),
)
Index("ix_sales_time", sales.c.workspace_id, sales.c.mode, sales.c.occurred_at, sales.c.id)
Index("ix_sales_customer", sales.c.workspace_id, sales.c.mode, sales.c.customer_id)
Index("ix_sales_partner", sales.c.workspace_id, sales.c.mode, sales.c.partner_id, sales.c.occurred_at)

# A payment's name belongs to one sale (R11).
sale_names = _table(
    "sale_names", *_scope_key(), _key("name"), _text("sale_id"), _text("rank"), _text("value"), rowid=False
)
Index("ix_sale_names_sale", sale_names.c.workspace_id, sale_names.c.mode, sale_names.c.sale_id)
Index("ix_sale_names_value", sale_names.c.workspace_id, sale_names.c.mode, sale_names.c.value)

leads = _table(
    "leads",
    *_scope_key(),
    _key("id"),
    _number("occurred_at"),
    _text("customer_id"),
    _maybe("click_id"),
    _text("event_name"),
    _maybe("link_id"),
    _maybe("partner_id"),
    _maybe("program_id"),
    _maybe("subscription_id"),
    _bytes("digest"),
    _bytes("document"),
)
Index("ix_leads_time", leads.c.workspace_id, leads.c.mode, leads.c.occurred_at, leads.c.id)
Index("ix_leads_customer", leads.c.workspace_id, leads.c.mode, leads.c.customer_id)
Index("ix_leads_partner", leads.c.workspace_id, leads.c.mode, leads.c.partner_id)

customers = _table(
    "customers",
    *_scope_key(),
    _key("id"),
    _number("occurred_at"),
    _maybe("external_id"),
    _bytes("digest"),
    _bytes("document"),
)
Index("ix_customers_time", customers.c.workspace_id, customers.c.mode, customers.c.occurred_at, customers.c.id)
Index("ix_customers_external", customers.c.workspace_id, customers.c.mode, customers.c.external_id)

customer_names = _table("customer_names", *_scope_key(), _key("kind"), _key("value"), _key("customer_id"), rowid=False)
Index("ix_customer_names_customer", customer_names.c.workspace_id, customer_names.c.mode, customer_names.c.customer_id)

# What the clock decides is kept as two moments: ``held_until`` and ``pending_until``; ``line`` is what payouts decide.
commissions = _table(
    "commissions",
    *_scope_key(),
    _key("id"),
    _text("subject_id"),
    _text("event"),
    _text("partner_id"),
    _text("program_id"),
    _text("currency"),
    _number("occurred_at"),
    _number("earned"),
    _number("target"),
    _number("paid"),
    _number("in_payout"),
    _text("line"),
    _number("held_until"),
    _number("pending_until"),
    _bytes("digest"),
    _bytes("document"),
    _maybe_bytes("rule"),
    UniqueConstraint(
        "workspace_id", "mode", "subject_id", "partner_id", "program_id", "currency", name="uq_commissions_place"
    ),  # R17
    CheckConstraint("line IN ('paid', 'in_payout', '')", name="line"),
)
Index(
    "ix_commissions_time", commissions.c.workspace_id, commissions.c.mode, commissions.c.occurred_at, commissions.c.id
)
Index("ix_commissions_partner", commissions.c.workspace_id, commissions.c.mode, commissions.c.partner_id)

payouts = _table(
    "payouts",
    *_scope_key(),
    _key("id"),
    _text("partner_id"),
    _text("currency"),
    _number("number"),
    _text("state"),
    _number("queued_at"),
    _bytes("digest"),
    _bytes("document"),
)
Index("ix_payouts_time", payouts.c.workspace_id, payouts.c.mode, payouts.c.queued_at, payouts.c.id)
Index(
    "ix_payouts_partner",
    payouts.c.workspace_id,
    payouts.c.mode,
    payouts.c.partner_id,
    payouts.c.currency,
    payouts.c.number,
)

lookups = _table(
    "lookups",
    *_scope_key(),
    _key("question"),
    _key("provider"),
    _key("account"),  # empty: none
    _key("subject"),
    _key("key"),
    _maybe_number("since"),
    _number("attempts"),
    _maybe("error"),
    _maybe_number("again_at"),
    rowid=False,
)
Index("ix_lookups_key", lookups.c.workspace_id, lookups.c.mode, lookups.c.key)
Index("ix_lookups_due", lookups.c.again_at, lookups.c.since)

# What one node does for all of them; nobody else's before ``until``.
duties = _table("duties", _key("name"), _number("until"), rowid=False)

ledger_entries = _table(
    "ledger_entries",
    *_scope_key(),
    _key("id"),
    _text("subject_id"),
    _text("commission_id"),
    _text("partner_id"),
    _text("currency"),
    _number("amount"),
    _text("cause_fact"),
    _text("cause_event"),
    _number("recorded_at"),
)
Index("ix_ledger_entries_subject", ledger_entries.c.workspace_id, ledger_entries.c.mode, ledger_entries.c.subject_id)
Index(
    "ix_ledger_entries_commission", ledger_entries.c.workspace_id, ledger_entries.c.mode, ledger_entries.c.commission_id
)
Index(
    "ix_ledger_entries_time",
    ledger_entries.c.workspace_id,
    ledger_entries.c.mode,
    ledger_entries.c.recorded_at,
    ledger_entries.c.id,
)

NEVER_CHANGED = (statements, ledger_entries, audit_log)  # by trigger
