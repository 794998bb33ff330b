"""Terms of what is kept, and what was erased when they were over."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "expiries",
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_expiries_sitting_id_sittings")
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_expiries")),
    )
    op.create_index(op.f("ix_expiries_done_at"), "expiries", ["done_at"])
    named = {"name": "kept", "native_enum": False, "create_constraint": True, "length": 32}
    op.create_table(
        "retention_terms",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("institution_id", sa.String(length=32), nullable=False),
        sa.Column("kept", sa.Enum("recordings", "references", **named), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institutions.id"],
            name=op.f("fk_retention_terms_institution_id_institutions"),
        ),
        sa.ForeignKeyConstraint(
            ["by"], ["accounts.id"], name=op.f("fk_retention_terms_by_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_terms")),
    )
    op.create_index(
        op.f("ix_retention_terms_institution_id"), "retention_terms", ["institution_id"]
    )


def downgrade() -> None:
    op.drop_table("retention_terms")
    op.drop_table("expiries")
