"""Certificates and rulings on them."""

import sqlalchemy as sa
from alembic import op

from proctor.plumbing.db import UtcDateTime

revision = "0005"
down_revision = "0004"


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=False)


def _fk(table: str, column: str, there: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{there}.id"], name=op.f(f"fk_{table}_{column}_{there}")
    )


def upgrade() -> None:
    op.create_table(
        "certificates",
        _id("id"),
        _id("institution_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _id("course_id"),
        _id("account_id"),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        _fk("certificates", "institution_id", "institutions"),
        _fk("certificates", "course_id", "courses"),
        _fk("certificates", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint(
            "institution_id", "number", name=op.f("uq_certificates_institution_id_number")
        ),
        sa.UniqueConstraint(
            "course_id", "account_id", name=op.f("uq_certificates_course_id_account_id")
        ),
    )
    op.create_table(
        "certificate_rulings",
        _id("id"),
        _id("certificate_id"),
        sa.Column(
            "status",
            sa.Enum(
                "valid",
                "under_review",
                "revoked",
                name="certificatestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        _fk("certificate_rulings", "certificate_id", "certificates"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_rulings")),
    )
    op.create_index(
        op.f("ix_certificate_rulings_certificate_id"), "certificate_rulings", ["certificate_id"]
    )


def downgrade() -> None:
    op.drop_table("certificate_rulings")
    op.drop_table("certificates")
