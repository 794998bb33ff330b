"""What people saw in an incident before they were told what a detector said."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "first_looks",
        sa.Column("incident_id", sa.String(length=32), nullable=False),
        sa.Column("reviewer_id", sa.String(length=32), nullable=False),
        sa.Column(
            "seen",
            sa.Enum(
                "something",
                "nothing",
                "unsure",
                name="seen",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_first_looks_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["accounts.id"], name=op.f("fk_first_looks_reviewer_id_accounts")
        ),
        sa.PrimaryKeyConstraint("incident_id", "reviewer_id", name=op.f("pk_first_looks")),
    )


def downgrade() -> None:
    op.drop_table("first_looks")
