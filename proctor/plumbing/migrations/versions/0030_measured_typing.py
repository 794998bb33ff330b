"""The four measurements of typing beside the comparison at the end of a sitting."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("identity_checks", sa.Column("measured", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    with op.batch_alter_table("identity_checks") as table:
        table.drop_column("measured")
