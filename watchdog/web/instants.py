"""Instants as the APIs tell them: UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def instant_text(at: float) -> str:
    """RFC 3339."""
    return instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
