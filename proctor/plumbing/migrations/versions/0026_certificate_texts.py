"""What is printed on the certificates of a course."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "certificate_texts",
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_certificate_texts_course_id_courses")
        ),
        sa.ForeignKeyConstraint(
            ["by"], ["accounts.id"], name=op.f("fk_certificate_texts_by_accounts")
        ),
        sa.PrimaryKeyConstraint("course_id", name=op.f("pk_certificate_texts")),
    )


def downgrade() -> None:
    op.drop_table("certificate_texts")
