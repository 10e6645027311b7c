"""Pending notifications may be reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    columns: list[sa.Column[object]] = [
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("next_try", sa.Double(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.Column("is_fallback", sa.Boolean(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
    ]
    kept = ", ".join(column.name for column in columns)
    # made again, because SQLite would describe a column that is added later in another way
    op.rename_table("duties", "old_duties")
    op.create_table("duties", *columns, sa.Column("report", sa.Text()))
    op.execute(f"INSERT INTO duties ({kept}) SELECT {kept} FROM old_duties")
    op.drop_table("old_duties")
