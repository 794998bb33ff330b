"""Notices to staff: about an exam, or about neither a sitting nor an exam."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_BEFORE = ("answer", "deadline", "decision", "message")
_STAFF = ("review", "second", "appeal", "detector")


def _constrain(table: op.batch_alter_table, kinds: tuple[str, ...]) -> None:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    table.create_check_constraint(op.f("ck_notices_noticekind"), f"kind IN ({named})")


def _release(table: op.batch_alter_table) -> None:
    # SQLite makes the table anew, and does not take this along
    if op.get_bind().dialect.name != "sqlite":
        table.drop_constraint(op.f("ck_notices_noticekind"), type_="check")


def upgrade() -> None:
    with op.batch_alter_table("notices") as table:
        _release(table)
        table.alter_column("sitting_id", existing_type=sa.String(length=32), nullable=True)
        table.add_column(sa.Column("event_id", sa.String(length=32), nullable=True))
        table.create_foreign_key(
            op.f("fk_notices_event_id_assessment_events"), "assessment_events", ["event_id"], ["id"]
        )
        _constrain(table, _BEFORE + _STAFF)


def downgrade() -> None:
    named = ", ".join(f"'{kind}'" for kind in _STAFF)
    op.execute(f"DELETE FROM notices WHERE kind IN ({named})")
    with op.batch_alter_table("notices") as table:
        _release(table)
        table.drop_constraint(op.f("fk_notices_event_id_assessment_events"), type_="foreignkey")
        table.drop_column("event_id")
        table.alter_column("sitting_id", existing_type=sa.String(length=32), nullable=False)
        _constrain(table, _BEFORE)
