"""Test centres, their protocols, dispensations."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def _id(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=nullable)


def _fk(table: str, column: str, there: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{there}.id"], name=op.f(f"fk_{table}_{column}_{there}")
    )


def upgrade() -> None:
    op.create_table(
        "dispensations",
        _id("id"),
        _id("course_id"),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        _id("account_id", nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        _id("by"),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("dispensations", "course_id", "courses"),
        _fk("dispensations", "account_id", "accounts"),
        _fk("dispensations", "by", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispensations")),
        sa.UniqueConstraint(
            "course_id",
            "event_code",
            "account_id",
            name=op.f("uq_dispensations_course_id_event_code_account_id"),
        ),
    )
    op.create_table(
        "centres",
        _id("id"),
        _id("institution_id"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("region", sa.String(length=200), nullable=False),
        sa.Column("workplaces", sa.JSON(), nullable=False),
        sa.Column("invigilators", sa.JSON(), nullable=False),
        _fk("centres", "institution_id", "institutions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centres")),
        sa.UniqueConstraint("institution_id", "code", name=op.f("uq_centres_institution_id_code")),
    )
    op.create_table(
        "centre_protocols",
        _id("id"),
        _id("centre_id"),
        sa.Column("number", sa.String(length=64), nullable=False),
        _id("event_id"),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.Column("invigilator", sa.String(length=200), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        _fk("centre_protocols", "centre_id", "centres"),
        _fk("centre_protocols", "event_id", "assessment_events"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_protocols")),
        sa.UniqueConstraint(
            "centre_id", "number", name=op.f("uq_centre_protocols_centre_id_number")
        ),
    )
    op.create_table(
        "centre_protocol_entries",
        _id("protocol_id"),
        _id("account_id"),
        sa.Column("attended", sa.Boolean(), nullable=False),
        sa.Column("workplace", sa.String(length=64), nullable=True),
        sa.Column(
            "document",
            sa.Enum(
                "id_card",
                "passport",
                "student_card",
                "residence_permit",
                name="document",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("conditions", sa.Boolean(), nullable=False),
        _fk("centre_protocol_entries", "protocol_id", "centre_protocols"),
        _fk("centre_protocol_entries", "account_id", "accounts"),
        sa.PrimaryKeyConstraint(
            "protocol_id", "account_id", name=op.f("pk_centre_protocol_entries")
        ),
    )
    op.create_index(
        op.f("ix_centre_protocol_entries_account_id"), "centre_protocol_entries", ["account_id"]
    )


def downgrade() -> None:
    op.drop_table("centre_protocol_entries")
    op.drop_table("centre_protocols")
    op.drop_table("centres")
    op.drop_table("dispensations")
