"""Who may sit an event, and exams sat on site instead of online."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0013"
down_revision = "0012"


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _enum(name: str, kind: str, *values: str) -> sa.Column[str]:
    of = sa.Enum(*values, name=kind, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, of, nullable=False)


def _fk(table: str, column: str, there: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{there}.id"], name=op.f(f"fk_{table}_{column}_{there}")
    )


def upgrade() -> None:
    op.create_table(
        "admission_rules",
        _id("id"),
        _id("course_id"),
        _text("event_code", 64),
        sa.Column("requires", sa.JSON(), nullable=False),
        _enum("demand", "demand", "submitted", "passed"),
        _id("by"),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("admission_rules", "course_id", "courses"),
        _fk("admission_rules", "by", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission_rules")),
    )
    op.create_index(op.f("ix_admission_rules_course_id"), "admission_rules", ["course_id"])
    op.create_table(
        "control_results",
        _id("course_id"),
        _text("event_code", 64),
        _id("account_id"),
        _enum("outcome", "controloutcome", "submitted", "passed", "not_passed"),
        _fk("control_results", "course_id", "courses"),
        _fk("control_results", "account_id", "accounts"),
        sa.PrimaryKeyConstraint(
            "course_id", "event_code", "account_id", name=op.f("pk_control_results")
        ),
    )
    op.create_table(
        "admission_overrides",
        _id("id"),
        _id("course_id"),
        _text("event_code", 64),
        _id("account_id"),
        _text("reason", 300),
        _id("by"),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("admission_overrides", "course_id", "courses"),
        _fk("admission_overrides", "account_id", "accounts"),
        _fk("admission_overrides", "by", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission_overrides")),
        sa.UniqueConstraint(
            "course_id",
            "event_code",
            "account_id",
            name=op.f("uq_admission_overrides_course_id_event_code_account_id"),
        ),
    )
    op.create_table(
        "on_site_sittings",
        _id("id"),
        _id("course_id"),
        _text("event_code", 64),
        _id("account_id", nullable=True),
        _enum("cause", "cause", "planned", "outage", "consent_refused", "suspended"),
        _text("reason", 300),
        _text("place", 300, nullable=True),
        sa.Column("held_at", UtcDateTime(), nullable=True),
        _id("by"),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        _fk("on_site_sittings", "course_id", "courses"),
        _fk("on_site_sittings", "account_id", "accounts"),
        _fk("on_site_sittings", "by", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_site_sittings")),
    )
    op.create_index(op.f("ix_on_site_sittings_course_id"), "on_site_sittings", ["course_id"])


def downgrade() -> None:
    for table in ("on_site_sittings", "admission_overrides", "control_results", "admission_rules"):
        op.drop_table(table)
