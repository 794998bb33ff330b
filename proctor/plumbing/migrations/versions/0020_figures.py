"""What the overview of the exam office shows, added up beforehand."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0020"
down_revision = "0019"

_STANDS = ("met", "open", "below", "not_applicable")


def upgrade() -> None:
    op.create_table(
        "learner_stands",
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column(
            "stand",
            sa.Enum(*_STANDS, name="stand", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_learner_stands_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_learner_stands_course_id_courses")
        ),
        sa.PrimaryKeyConstraint("course_id", "account_id", name=op.f("pk_learner_stands")),
    )
    op.create_index(op.f("ix_learner_stands_course_id"), "learner_stands", ["course_id", "stand"])
    op.create_table(
        "figures",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_figures")),
    )
    op.create_index(op.f("ix_identity_references_state"), "identity_references", ["state"])


def downgrade() -> None:
    op.drop_index(op.f("ix_identity_references_state"), "identity_references")
    op.drop_table("figures")
    op.drop_table("learner_stands")
