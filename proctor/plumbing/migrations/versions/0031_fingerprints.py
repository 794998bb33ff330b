"""Fingerprints of the pictures an enrolment has taken so far."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    with op.batch_alter_table("identity_references") as table:
        table.add_column(sa.Column("fingerprints", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("identity_references") as table:
        table.drop_column("fingerprints")
