"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "acknowledgements",
        sa.Column("episode", sa.Text(), primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("rule", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("entity", sa.Text(), primary_key=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("began", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("false_since", sa.Double(), nullable=True),
        sa.Column("last_true", sa.Double(), nullable=True),
        sa.Column("evaluated", sa.Double(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("flapping", sa.Boolean(), nullable=False),
        sa.Column("dark_since", sa.Double(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "configurations",
        sa.Column("fingerprint", sa.Text(), primary_key=True),
        sa.Column("accepted", sa.Double(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "duties",
        sa.Column("id", _COUNTER, primary_key=True, autoincrement=False),
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
    )
    op.create_table(
        "entries",
        sa.Column("episode", sa.Text(), primary_key=True),
        sa.Column("target", sa.Text(), primary_key=True),
        sa.Column("group_key", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("remind", sa.Text(), nullable=False),
        sa.Column("told_flapping", sa.Boolean(), nullable=False),
        sa.Column("told_dark", sa.Double(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index("entries_by_ending", "entries", ["ending"])
    op.create_index("entries_by_standing", "entries", ["standing", "ending"])
    op.create_table(
        "episodes",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("why_ended", sa.Text(), nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("dark_since", sa.Double(), nullable=True),
        sa.Column("dark_until", sa.Double(), nullable=True),
        sa.Column("flapping", sa.Boolean(), nullable=False),
        sa.Column("acknowledgement", sa.Text(), nullable=True),
        sa.Column("first_accepted", sa.Double(), nullable=True),
        sa.Column("held_since", sa.Double(), nullable=True),
        sa.Column("paused", sa.Double(), nullable=False),
        sa.Column("escalated", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("released", sa.Double(), nullable=True),
        sa.Column("release_note", sa.Text(), nullable=False),
    )
    op.create_index("episodes_by_alert", "episodes", ["rule", "kind", "entity", "began"])
    op.create_index("episodes_by_beginning", "episodes", ["began"])
    op.create_index("episodes_by_end", "episodes", ["ended"])
    op.create_table(
        "groups",
        sa.Column("group_key", sa.Text(), primary_key=True),
        sa.Column("first", sa.Double(), nullable=False),
        sa.Column("wait", sa.Double(), nullable=False),
        sa.Column("interval", sa.Double(), nullable=False),
        sa.Column("repeat", sa.Double(), nullable=False),
        sa.Column("due", sa.Double(), nullable=True),
        sa.Column("last_message", sa.Double(), nullable=True),
        sa.Column("repeat_from", sa.Double(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("id", _COUNTER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
    )
    op.create_index("notes_by_alert", "notes", ["rule", "kind", "entity", "at"])
    op.create_index("notes_by_episode", "notes", ["episode", "at"])
    op.create_index("notes_by_time", "notes", ["at"])
    op.create_table(
        "rosters",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entities", sa.Text(), nullable=False),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("starts", sa.Double(), nullable=False),
        sa.Column("ends", sa.Double(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
    )
    op.create_table(
        "targets",
        sa.Column("target", sa.Text(), primary_key=True),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("last_accepted", sa.Double(), nullable=True),
        sa.Column("failing_since", sa.Double(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "window_states",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("metric", sa.Text(), primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("roster", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "windows",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("metric", sa.Text(), primary_key=True),
        sa.Column("at", sa.Double(), primary_key=True),
        sa.Column("roster", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
