"""The first schema.

What is never changed is kept so by triggers: a statement is what was said, a ledger entry what was booked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SMALL = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:  # noqa: PLR0915 - a schema is a long list
    op.create_table(
        "api_keys",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("revoked_at", BIG, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("permissions", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_api_keys_mode")),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sqlite_strict=True,
    )
    op.create_index("ix_api_keys_workspace_id", "api_keys", ["workspace_id"], unique=False)
    op.create_table(
        "authorization_requests",
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_authorization_requests_mode")),
        sa.PrimaryKeyConstraint("state", name="pk_authorization_requests"),
        sqlite_strict=True,
    )
    op.create_table(
        "clicks",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("link_id", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_clicks"),
        sqlite_strict=True,
    )
    op.create_index("ix_clicks_link", "clicks", ["workspace_id", "link_id"], unique=False)
    op.create_index("ix_clicks_time", "clicks", ["workspace_id", "occurred_at", "id"], unique=False)
    op.create_table(
        "commissions",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("partner_id", TEXT, nullable=False),
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("earned", BIG, nullable=False),
        sa.Column("target", BIG, nullable=False),
        sa.Column("paid", BIG, nullable=False),
        sa.Column("in_payout", BIG, nullable=False),
        sa.Column("line", TEXT, nullable=False),
        sa.Column("held_until", BIG, nullable=False),
        sa.Column("pending_until", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("rule", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("line IN ('paid', 'in_payout', '')", name=op.f("ck_commissions_line")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_commissions_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_commissions"),
        sa.UniqueConstraint(
            "workspace_id", "mode", "subject_id", "partner_id", "program_id", "currency", name="uq_commissions_place"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_commissions_partner", "commissions", ["workspace_id", "mode", "partner_id"], unique=False)
    op.create_index("ix_commissions_time", "commissions", ["workspace_id", "mode", "occurred_at", "id"], unique=False)
    op.create_table(
        "connection_checks",
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_connection_checks"),
        sqlite_strict=True,
    )
    op.create_table(
        "connections",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("api_key", sa.LargeBinary(), nullable=True),
        sa.Column("endpoints", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("ended_because", TEXT, nullable=True),
        sa.CheckConstraint("kind IN ('own', 'connect')", name=op.f("ck_connections_kind")),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_connections_mode")),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sqlite_strict=True,
    )
    op.create_index("ix_connections_scope", "connections", ["workspace_id", "mode"], unique=False)
    op.create_index(
        "uq_connections_connect",
        "connections",
        ["provider", "account", "mode"],
        unique=True,
        sqlite_where=sa.text("kind = 'connect' AND ended_at IS NULL"),
        postgresql_where=sa.text("kind = 'connect' AND ended_at IS NULL"),
    )
    op.create_index(
        "uq_connections_own",
        "connections",
        ["workspace_id", "provider", "account", "mode"],
        unique=True,
        sqlite_where=sa.text("kind = 'own' AND ended_at IS NULL"),
        postgresql_where=sa.text("kind = 'own' AND ended_at IS NULL"),
    )
    op.create_table(
        "current_ids",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("current", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_current_ids_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_current_ids"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_names",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_customer_names_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "kind", "value", "customer_id", name="pk_customer_names"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_customer_names_customer", "customer_names", ["workspace_id", "mode", "customer_id"], unique=False
    )
    op.create_table(
        "customers",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_customers_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_customers"),
        sqlite_strict=True,
    )
    op.create_index("ix_customers_external", "customers", ["workspace_id", "mode", "external_id"], unique=False)
    op.create_index("ix_customers_time", "customers", ["workspace_id", "mode", "occurred_at", "id"], unique=False)
    op.create_table(
        "duties",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "enrollments",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("program_id", TEXT, nullable=False),
        sa.Column("partner_id", TEXT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments"),
        sa.UniqueConstraint("partner_id", "program_id", name="uq_enrollments_partner_id_program_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_enrollments_workspace_id", "enrollments", ["workspace_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=True),
        sa.Column("api_version", TEXT, nullable=True),
        sa.Column("stated_at", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("winner", sa.LargeBinary(), nullable=False),
        sa.Column("duplicates", BIG, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_events_mode")),
        sa.CheckConstraint("duplicates >= 0", name=op.f("ck_events_duplicates")),
        sa.PrimaryKeyConstraint("owner", "mode", "event_id", "provider", name="pk_events"),
        sqlite_strict=True,
    )
    op.create_index("ix_events_outcome", "events", ["owner", "mode", "outcome"], unique=False)
    op.create_index("ix_events_time", "events", ["owner", "mode", "stated_at", "event_id", "provider"], unique=False)
    op.create_table(
        "facts",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("object_id", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("quiet", SMALL, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_facts_mode")),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
        sa.UniqueConstraint(
            "workspace_id", "mode", "event_id", "provider", "kind", "object_id", name="uq_facts_identity"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_facts_time", "facts", ["workspace_id", "mode", "occurred_at"], unique=False)
    op.create_table(
        "identities",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_identities_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "key", name="pk_identities"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leads",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("click_id", TEXT, nullable=True),
        sa.Column("event_name", TEXT, nullable=False),
        sa.Column("link_id", TEXT, nullable=True),
        sa.Column("partner_id", TEXT, nullable=True),
        sa.Column("program_id", TEXT, nullable=True),
        sa.Column("subscription_id", TEXT, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_leads_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_leads"),
        sqlite_strict=True,
    )
    op.create_index("ix_leads_customer", "leads", ["workspace_id", "mode", "customer_id"], unique=False)
    op.create_index("ix_leads_partner", "leads", ["workspace_id", "mode", "partner_id"], unique=False)
    op.create_index("ix_leads_time", "leads", ["workspace_id", "mode", "occurred_at", "id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("commission_id", TEXT, nullable=False),
        sa.Column("partner_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("cause_fact", TEXT, nullable=False),
        sa.Column("cause_event", TEXT, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_ledger_entries_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_ledger_entries"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_ledger_entries_commission", "ledger_entries", ["workspace_id", "mode", "commission_id"], unique=False
    )
    op.create_index("ix_ledger_entries_subject", "ledger_entries", ["workspace_id", "mode", "subject_id"], unique=False)
    op.create_index(
        "ix_ledger_entries_time", "ledger_entries", ["workspace_id", "mode", "recorded_at", "id"], unique=False
    )
    op.create_table(
        "links",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("domain", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("partner_id", TEXT, nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("domain", "key", name="uq_links_domain_key"),
        sqlite_strict=True,
    )
    op.create_index("ix_links_workspace_id", "links", ["workspace_id"], unique=False)
    op.create_table(
        "lookups",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("question", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("since", BIG, nullable=True),
        sa.Column("attempts", BIG, nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("again_at", BIG, nullable=True),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_lookups_mode")),
        sa.PrimaryKeyConstraint(
            "workspace_id", "mode", "question", "provider", "account", "subject", "key", name="pk_lookups"
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_lookups_due", "lookups", ["again_at", "since"], unique=False)
    op.create_index("ix_lookups_key", "lookups", ["workspace_id", "mode", "key"], unique=False)
    op.create_table(
        "partners",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partners"),
        sqlite_strict=True,
    )
    op.create_index("ix_partners_workspace_id", "partners", ["workspace_id"], unique=False)
    op.create_table(
        "platform_endpoints",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_platform_endpoints_mode")),
        sa.PrimaryKeyConstraint("id", name="pk_platform_endpoints"),
        sqlite_strict=True,
    )
    op.create_table(
        "payouts",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("partner_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("queued_at", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_payouts_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_payouts"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_payouts_partner",
        "payouts",
        ["workspace_id", "mode", "partner_id", "currency", "number"],
        unique=False,
    )
    op.create_index("ix_payouts_time", "payouts", ["workspace_id", "mode", "queued_at", "id"], unique=False)
    op.create_table(
        "programs",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_programs"),
        sqlite_strict=True,
    )
    op.create_index("ix_programs_workspace_id", "programs", ["workspace_id"], unique=False)
    op.create_table(
        "sale_names",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("sale_id", TEXT, nullable=False),
        sa.Column("rank", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_sale_names_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "name", name="pk_sale_names"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sale_names_sale", "sale_names", ["workspace_id", "mode", "sale_id"], unique=False)
    op.create_index("ix_sale_names_value", "sale_names", ["workspace_id", "mode", "value"], unique=False)
    op.create_table(
        "sales",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=True),
        sa.Column("click_id", TEXT, nullable=True),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("event_name", TEXT, nullable=False),
        sa.Column("invoice_id", TEXT, nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("link_id", TEXT, nullable=True),
        sa.Column("partner_id", TEXT, nullable=True),
        sa.Column("processor", TEXT, nullable=False),
        sa.Column("program_id", TEXT, nullable=True),
        sa.Column("subscription_id", TEXT, nullable=True),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_sales_mode")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "id", name="pk_sales"),
        sqlite_strict=True,
    )
    op.create_index("ix_sales_customer", "sales", ["workspace_id", "mode", "customer_id"], unique=False)
    op.create_index("ix_sales_partner", "sales", ["workspace_id", "mode", "partner_id", "occurred_at"], unique=False)
    op.create_index("ix_sales_time", "sales", ["workspace_id", "mode", "occurred_at", "id"], unique=False)
    op.create_table(
        "statements",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("stated_at", BIG, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("account", TEXT, nullable=True),
        sa.Column("connection_id", TEXT, nullable=True),
        sa.Column("api_version", TEXT, nullable=True),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.Column("looked_up", SMALL, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_statements_mode")),
        sa.CheckConstraint("looked_up IN (0, 1)", name=op.f("ck_statements_looked_up")),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
        sa.UniqueConstraint("owner", "mode", "event_id", "provider", "content", name="uq_statements_identity"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_statements_connection",
        "statements",
        ["connection_id", "id"],
        unique=False,
        sqlite_where=sa.text("connection_id IS NOT NULL"),
        postgresql_where=sa.text("connection_id IS NOT NULL"),
    )
    op.create_index("ix_statements_order", "statements", ["owner", "mode", "id"], unique=False)
    op.create_table(
        "workspaces",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
        sa.UniqueConstraint("slug", name="uq_workspaces_slug"),
        sqlite_strict=True,
    )
    op.create_table(
        "fact_emails",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("said_at", BIG, autoincrement=False, nullable=False),
        sa.Column("statement", TEXT, nullable=False),
        sa.Column("fact_id", BIG, autoincrement=False, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_fact_emails_mode")),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"], name="fk_fact_emails_fact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
            "workspace_id", "mode", "address", "said_at", "statement", "fact_id", name="pk_fact_emails"
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fact_emails_fact_id", "fact_emails", ["fact_id"], unique=False)
    op.create_table(
        "fact_keys",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fact_id", BIG, autoincrement=False, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_fact_keys_mode")),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"], name="fk_fact_keys_fact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "key", "fact_id", name="pk_fact_keys"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fact_keys_fact_id", "fact_keys", ["fact_id"], unique=False)

    op.create_table(
        "audit_log",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=True),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.CheckConstraint("mode IN ('live', 'test')", name=op.f("ck_audit_log_mode")),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_strict=True,
    )
    op.create_index("ix_audit_log_time", "audit_log", ["workspace_id", "at", "id"], unique=False)
    op.create_table(
        "failed_sign_ins",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_failed_sign_ins"),
        sqlite_strict=True,
    )
    op.create_table(
        "memberships",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.CheckConstraint("role IN ('owner', 'member', 'viewer')", name=op.f("ck_memberships_role")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name="pk_memberships"),
        sqlite_strict=True,
    )
    op.create_index("ix_memberships_user", "memberships", ["user_id"], unique=False)
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("workspace_id", TEXT, nullable=True),
        sa.Column("role", TEXT, nullable=True),
        sa.Column("user_id", TEXT, nullable=True),
        sa.CheckConstraint(
            "purpose IN ('set_up', 'invitation', 'new_password', 'sign_in')", name=op.f("ck_one_time_tokens_purpose")
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_one_time_tokens"),
        sqlite_strict=True,
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sqlite_strict=True,
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("password", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sqlite_strict=True,
    )

    for table in ("statements", "ledger_entries", "audit_log"):
        for statement in REFUSING[op.get_bind().dialect.name](table):
            op.execute(statement)


def _refusing_on_sqlite(table: str) -> list[str]:
    """Triggers by which ``table`` refuses every change of a row."""
    return [
        f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ]


def _refusing_on_postgresql(table: str) -> list[str]:
    refusal = f"RAISE integrity_constraint_violation USING MESSAGE = '{table} are never changed'"
    changes = f"UPDATE OR DELETE OR TRUNCATE ON {table}"
    return [
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refusal}; END $$",
        f"CREATE TRIGGER {table}_refuses BEFORE {changes} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    ]


REFUSING = {"sqlite": _refusing_on_sqlite, "postgresql": _refusing_on_postgresql}  # by dialect
