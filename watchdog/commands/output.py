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


def console() -> Console:
    """Standard output; wide enough for anything where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 200, soft_wrap=True, highlight=False)


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "") -> None:
    """A plain table; `empty` is said instead where there are no rows. Texts are shown as they are, never as markup."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    count = 0
    for row in rows:
        count += 1
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    if count or not empty:
        console().print(made)
    else:
        console().print(Text(empty))


def instant(at: float | None) -> str | None:
    """ISO 8601 in UTC, for JSON."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def shown(at: float | None) -> str:
    """An instant for people: UTC to the second, "never" for none."""
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
