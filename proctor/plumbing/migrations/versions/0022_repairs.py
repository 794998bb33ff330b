"""Windows in which events are verified by another technology, and the sittings held in them."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0022"
down_revision = "0021"

_TECHNOLOGIES = ("keystroke", "test_centre", "proctoring", "biometrics")


def upgrade() -> None:
    named = {"name": "technology", "native_enum": False, "create_constraint": True, "length": 32}
    op.create_table(
        "repair_windows",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("technology", sa.Enum(*_TECHNOLOGIES, **named), nullable=False),
        sa.Column("opens_at", UtcDateTime(), nullable=False),
        sa.Column("closes_at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_repair_windows_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["by"], ["accounts.id"], name=op.f("fk_repair_windows_by_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_windows")),
    )
    op.create_index(op.f("ix_repair_windows_course_id"), "repair_windows", ["course_id"])
    op.create_table(
        "repairs",
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("window_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_repairs_sitting_id_sittings")
        ),
        sa.ForeignKeyConstraint(
            ["window_id"], ["repair_windows.id"], name=op.f("fk_repairs_window_id_repair_windows")
        ),
        sa.PrimaryKeyConstraint("sitting_id", name=op.f("pk_repairs")),
    )
    op.create_index(op.f("ix_repairs_window_id"), "repairs", ["window_id"])


def downgrade() -> None:
    op.drop_table("repairs")
    op.drop_table("repair_windows")
