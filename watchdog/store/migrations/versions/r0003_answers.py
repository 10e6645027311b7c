"""Answers from messages: keys of signed links, who acknowledged from where, silences that end with an episode."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table("keys", _key("name"), _text("secret"))
    _replace(
        "silences",
        [_key("id"), _text("matchers"), _seconds("starts"), _seconds("ends"), _text("author"), _text("comment"),
         _seconds("changed")],
        [_text("episode")],
    )  # fmt: skip
    _replace(
        "acknowledgements",
        [_key("episode"), _seconds("at"), _text("author"), _text("comment")],
        [_text("via"), _text("address"), sa.Column("withdrawn", sa.Double()), _text("withdrawn_by")],
    )


def _replace(name: str, columns: list[sa.Column[object]], new: list[sa.Column[object]]) -> None:
    """Make a table again with more columns: SQLite would describe columns that are added later in another way."""
    connection = op.get_bind()
    before = sa.Table(name, sa.MetaData(), *(sa.Column(one.name, one.type) for one in columns))
    kept = [dict(row) for row in connection.execute(sa.select(before)).mappings()]
    op.drop_table(name)
    after = op.create_table(name, *columns, *new)
    empty = {column.name: "" for column in new if not column.nullable}
    if kept:
        op.bulk_insert(after, [{**row, **empty} for row in kept])


def _key(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), primary_key=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=False)


def _seconds(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Double(), nullable=False)
