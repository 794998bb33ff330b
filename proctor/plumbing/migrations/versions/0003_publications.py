"""Publications of courses."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("scheme_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("expertise", sa.String(length=300), nullable=False),
        sa.Column("pilot", sa.String(length=300), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scheme_id"],
            ["assessment_schemes.id"],
            name=op.f("fk_publications_scheme_id_assessment_schemes"),
        ),
        sa.ForeignKeyConstraint(["by"], ["accounts.id"], name=op.f("fk_publications_by_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("scheme_id", name=op.f("uq_publications_scheme_id")),
    )


def downgrade() -> None:
    op.drop_table("publications")
