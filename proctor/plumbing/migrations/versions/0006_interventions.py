"""What is said and done during a sitting; pauses."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0006"
down_revision = "0005"

_ACTS = ("message", "warning", "reply", "pause", "resume", "extension", "end_asked", "end")


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=False)


def _fk(column: str, there: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{there}.id"], name=op.f(f"fk_interventions_{column}_{there}")
    )


def upgrade() -> None:
    op.add_column("sittings", sa.Column("paused_at", UtcDateTime(), nullable=True))
    op.create_table(
        "interventions",
        _id("id"),
        _id("sitting_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(*_ACTS, name="act", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        _id("author_id"),
        sa.Column("phrase", sa.String(length=48), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("sitting_id", "sittings"),
        _fk("author_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interventions")),
        sa.UniqueConstraint(
            "sitting_id", "number", name=op.f("uq_interventions_sitting_id_number")
        ),
    )


def downgrade() -> None:
    op.drop_table("interventions")
    op.drop_column("sittings", "paused_at")
