"""Requests for erasure that were refused, and notices of the answer."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0029"
down_revision = "0028"

_BEFORE = ("answer", "deadline", "decision", "message", "review", "second", "appeal", "detector")


def _constrain(kinds: tuple[str, ...]) -> None:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("notices") as table:
        # SQLite makes the table anew, and does not take this along
        if op.get_bind().dialect.name != "sqlite":
            table.drop_constraint(op.f("ck_notices_noticekind"), type_="check")
        table.create_check_constraint(op.f("ck_notices_noticekind"), f"kind IN ({named})")


def upgrade() -> None:
    with op.batch_alter_table("erasures") as table:
        table.add_column(sa.Column("refused_by", sa.String(length=32), nullable=True))
        table.add_column(sa.Column("refused_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("refusal", sa.Text(), nullable=True))
        table.create_foreign_key(
            op.f("fk_erasures_refused_by_accounts"), "accounts", ["refused_by"], ["id"]
        )
    _constrain((*_BEFORE, "erasure"))


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'erasure'")
    _constrain(_BEFORE)
    with op.batch_alter_table("erasures") as table:
        table.drop_constraint(op.f("fk_erasures_refused_by_accounts"), type_="foreignkey")
        table.drop_column("refusal")
        table.drop_column("refused_at")
        table.drop_column("refused_by")
