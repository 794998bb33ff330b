"""Tests on other sites, and the codes that bind them to sittings."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "external_tests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_external_tests_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["by"], ["accounts.id"], name=op.f("fk_external_tests_by_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_tests")),
    )
    op.create_index(op.f("ix_external_tests_course_id"), "external_tests", ["course_id"])
    op.create_table(
        "visit_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("sitting_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sitting_id"], ["sittings.id"], name=op.f("fk_visit_codes_sitting_id_sittings")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_visit_codes")),
    )
    op.create_index(op.f("ix_visit_codes_sitting_id"), "visit_codes", ["sitting_id"])


def downgrade() -> None:
    op.drop_table("visit_codes")
    op.drop_table("external_tests")
