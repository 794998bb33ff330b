"""Whether evidence was erased because the student asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

# an erasure marks all sittings of its student at the moment of its confirmation
_OF_BEFORE = """
UPDATE expiries SET on_request = TRUE WHERE EXISTS (
    SELECT 1 FROM sittings JOIN erasures ON erasures.account_id = sittings.account_id
    WHERE sittings.id = expiries.sitting_id AND erasures.confirmed_at = expiries.at
)
"""


def upgrade() -> None:
    column = sa.Column("on_request", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("expiries", column)
    op.execute(_OF_BEFORE)


def downgrade() -> None:
    with op.batch_alter_table("expiries") as table:
        table.drop_column("on_request")
