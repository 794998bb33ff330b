"""Courses recalculated from elsewhere, who checked whose work, who ruled on a certificate."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "recredits",
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("share", sa.String(length=200), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("recredits", "course_id", "courses"),
        _fk("recredits", "account_id", "accounts"),
        _fk("recredits", "by", "accounts"),
        sa.PrimaryKeyConstraint("course_id", "account_id", name=op.f("pk_recredits")),
    )
    op.create_table(
        "peer_checks",
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("event_code", sa.String(length=64), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("checker_id", sa.String(length=32), nullable=False),
        sa.Column("checked_in", sa.String(length=64), nullable=True),
        _fk("peer_checks", "course_id", "courses"),
        _fk("peer_checks", "author_id", "accounts"),
        _fk("peer_checks", "checker_id", "accounts"),
        sa.PrimaryKeyConstraint(
            "course_id", "event_code", "author_id", "checker_id", name=op.f("pk_peer_checks")
        ),
    )
    with op.batch_alter_table("certificate_rulings") as table:
        table.add_column(sa.Column("by", sa.String(length=32), nullable=True))
        name = op.f("fk_certificate_rulings_by_accounts")
        table.create_foreign_key(name, "accounts", ["by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("certificate_rulings") as table:
        table.drop_constraint(op.f("fk_certificate_rulings_by_accounts"), type_="foreignkey")
        table.drop_column("by")
    op.drop_table("peer_checks")
    op.drop_table("recredits")


def _fk(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{referred}")
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=name)
