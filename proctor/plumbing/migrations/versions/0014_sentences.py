"""The sentence that everybody types: samples of it, and its comparison before an exam."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "sentence_samples",
        sa.Column("reference_id", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("repetitions", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["identity_references.id"],
            name=op.f("fk_sentence_samples_reference_id_identity_references"),
        ),
        sa.PrimaryKeyConstraint("reference_id", name=op.f("pk_sentence_samples")),
    )
    op.create_table(
        "sentence_checks",
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("less_alike", sa.Float(), nullable=True),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_sentence_checks_sitting_id_sittings")
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_sentence_checks")),
    )


def downgrade() -> None:
    op.drop_table("sentence_checks")
    op.drop_table("sentence_samples")
