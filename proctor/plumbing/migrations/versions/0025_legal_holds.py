"""Holds that keep a person's data from being erased."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0025"
down_revision = "0024"

_PEOPLE = ("account_id", "asked_by", "set_by", "lift_asked_by", "lifted_by")


def upgrade() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=32), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.String(length=32), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=True),
        sa.Column("lift_asked_by", sa.String(length=32), nullable=True),
        sa.Column("lifted_by", sa.String(length=32), nullable=True),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        *[
            sa.ForeignKeyConstraint(
                [column], ["accounts.id"], name=op.f(f"fk_legal_holds_{column}_accounts")
            )
            for column in _PEOPLE
        ],
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_account_id"), "legal_holds", ["account_id"])


def downgrade() -> None:
    op.drop_table("legal_holds")
