"""Who works on a sitting, looks through sittings without incidents, blind opinions."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0011"
down_revision = "0010"

_DECISIONS = ("confirmed", "dismissed", "verified", "unverified", "void")


def upgrade() -> None:
    op.create_table(
        "review_claims",
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_review_claims_sitting_id_sittings")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_review_claims_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_review_claims")),
    )
    op.create_table(
        "sample_looks",
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("reviewer_id", sa.String(length=32), nullable=False),
        sa.Column("missed", sa.String(length=48), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_sample_looks_sitting_id_sittings")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["accounts.id"], name=op.f("fk_sample_looks_reviewer_id_accounts")
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_sample_looks")),
    )
    op.create_table(
        "blind_opinions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("incident_id", sa.String(length=32), nullable=False),
        sa.Column("reviewer_id", sa.String(length=32), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                *_DECISIONS,
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_control", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_blind_opinions_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["accounts.id"], name=op.f("fk_blind_opinions_reviewer_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blind_opinions")),
        sa.UniqueConstraint(
            "incident_id", "reviewer_id", name=op.f("uq_blind_opinions_incident_id_reviewer_id")
        ),
    )
    op.create_index(op.f("ix_blind_opinions_reviewer_id"), "blind_opinions", ["reviewer_id"])


def downgrade() -> None:
    op.drop_table("blind_opinions")
    op.drop_table("sample_looks")
    op.drop_table("review_claims")
