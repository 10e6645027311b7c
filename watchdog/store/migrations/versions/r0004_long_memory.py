"""States of windows by form and number: the last reading of every ten minutes, the longest pauses of a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.rename_table("window_states", "old_window_states")
    op.create_table(
        "window_states",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("metric", sa.Text(), primary_key=True),
        sa.Column("form", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("roster", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    columns = "kind, metric, at, roster, data"
    op.execute(
        f"INSERT INTO window_states (form, number, {columns}) SELECT 'state', 0, {columns} FROM old_window_states"
    )
    op.drop_table("old_window_states")
