"""Phrases every channel shares: how bad, since when, what else, where to look."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from watchdog.notify.message import Line, Message, MessageKind
from watchdog.units import format_duration

#: The most severe first.
SEVERITIES = ("critical", "warning", "info")


class Tone(StrEnum):
    """How a message is coloured; its value is apprise's type of notification. Success means: over."""

    CRITICAL = "failure"
    WARNING = "warning"
    INFO = "info"
    OVER = "success"


_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING, "info": Tone.INFO}
_MARKS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_OVER = frozenset({MessageKind.RESOLVED, MessageKind.MISSED})


def worst_severity(message: Message) -> str:
    """The most severe of what fires in it; of all lines where nothing does; info where there is no line."""
    lines = (*message.changed, *message.standing)
    firing = [line for line in lines if line.phase == "firing"]
    ranked = {line.severity for line in firing or lines}
    return next((severity for severity in SEVERITIES if severity in ranked), "warning" if ranked else "info")


def tone_of(message: Message) -> Tone:
    """Ends are successes, and nothing else is; what was missed is over too and must page nobody."""
    return Tone.OVER if message.kind in _OVER else _TONES[worst_severity(message)]


def mark_of(line: Line) -> str:
    """A sign to find the line by: its severity while it fires, a check when it is over."""
    return _MARKS.get(line.severity, "🟠") if line.phase == "firing" else "✅"


def instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def when(line: Line) -> str:
    """Since when, or from when until when, and how long."""
    if not line.since:
        return ""
    lasted = format_duration(line.duration)
    if line.phase == "firing" or line.ended is None:
        return f"{instant(line.since)} ({lasted})"
    return f"{instant(line.since)} to {instant(line.ended)} ({lasted})"


def facts_of(line: Line) -> list[tuple[str, str]]:
    """What there is to know of an alert, in the order it is asked for at night."""
    over = line.phase != "firing"
    known = [
        ("Why" if not over else "Why it ended", line.reason),
        ("Value", line.value),
        ("Since" if not over else "From", when(line)),
        ("Note", line.note),
        ("Flapping", "yes; it is held firing until it stays quiet" if line.flapping else ""),
    ]
    return [(name, text) for name, text in known if text]


def links_of(line: Line) -> list[tuple[str, str]]:
    """What to do and where to look, in that order; only http and https."""
    places = [("Runbook", line.runbook_url), ("Streamkap", line.entity_url), ("Alert page", line.alert_url)]
    return [(name, url) for name, url in places if is_link(url)]


def is_link(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def remainder(message: Message) -> list[str]:
    """What is counted but not listed, and how to be left in peace."""
    lines = []
    if message.more:
        lines.append(f"and {message.more} more that are not listed")
    if message.silenced:
        lines.append(f"{message.silenced} silenced")
    return lines
