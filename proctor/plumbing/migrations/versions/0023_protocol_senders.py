"""Which account sent a protocol of a centre."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    with op.batch_alter_table("centre_protocols") as table:
        table.add_column(sa.Column("sent_by", sa.String(length=32), nullable=True))
        name = op.f("fk_centre_protocols_sent_by_accounts")
        table.create_foreign_key(name, "accounts", ["sent_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("centre_protocols") as table:
        table.drop_constraint(op.f("fk_centre_protocols_sent_by_accounts"), type_="foreignkey")
        table.drop_column("sent_by")
