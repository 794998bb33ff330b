"""Secret rotations of face templates."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "template_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("institution_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("destroyed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institutions.id"],
            name=op.f("fk_template_keys_institution_id_institutions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_keys")),
        sa.UniqueConstraint(
            "institution_id", "number", name=op.f("uq_template_keys_institution_id_number")
        ),
    )
    with op.batch_alter_table("identity_references", schema=None) as batch_op:
        # 0: as measured, until the first renewal
        batch_op.add_column(sa.Column("rotation", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("identity_references", schema=None) as batch_op:
        batch_op.drop_column("rotation")
    op.drop_table("template_keys")
