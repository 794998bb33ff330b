"""Recordings that a browser sent after a gap."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("recordings") as table:
        table.add_column(
            sa.Column(
                "source",
                sa.Enum(
                    "live",
                    "backfill",
                    name="source",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                nullable=False,
                server_default="live",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("recordings") as table:
        table.drop_constraint("ck_recordings_source", type_="check")
        table.drop_column("source")
