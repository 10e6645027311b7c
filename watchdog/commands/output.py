"""Output: tables for people on a terminal, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Columns so short that they stay on one line however narrow the terminal is; all others fold.
_WHOLE = frozenset({"id", "kind", "severity", "unit", "for", "when", "since", "began", "ends", "last accepted"})
#: Terminals from this width on have the room for ids in full.
_WIDE = 120


def console() -> Console:
    """Standard output; wide enough for anything where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 200, soft_wrap=True, highlight=False)


def short_id(id_: str) -> str:
    """An id, or its first eight characters where the terminal is narrow; commands take either."""
    return id_ if console().width >= _WIDE else id_[:8]


def counted(count: int, one: str) -> str:
    """`1 rule`, `25 rules`."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "") -> None:
    """A plain table; `empty` is said instead where there are no rows.

    Nothing is cut off: what is too long for its column goes on below. Texts are shown as they are, never as markup. A
    column without a name that has nothing to say is left out.
    """
    cells = [[cell if isinstance(cell, Text) else Text(str(cell)) for cell in row] for row in rows]
    if not cells and empty:
        console().print(Text(empty))
        return
    kept = [place for place, name in enumerate(columns) if name or any(row[place].plain for row in cells)]
    made = Table(box=None, pad_edge=False, header_style="bold")
    for place in kept:
        made.add_column(columns[place], overflow="fold", no_wrap=columns[place] in _WHOLE)
    for row in cells:
        made.add_row(*(row[place] for place in kept))
    console().print(made)


def instant(at: float | None) -> str | None:
    """ISO 8601 in UTC, for JSON."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def shown(at: float | None) -> str:
    """An instant for people: UTC to the second, "never" for none."""
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
