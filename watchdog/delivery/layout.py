"""What every channel shows of a message: severity, times, reason, links and commands, in the order they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from watchdog.notify.message import Line, Message, MessageKind
from watchdog.units import format_duration

#: The most severe first.
SEVERITIES = ("critical", "warning", "info")


class Tone(StrEnum):
    """How a message is coloured; its value is apprise's type of notification. Success means resolved."""

    CRITICAL = "failure"
    WARNING = "warning"
    INFO = "info"
    OVER = "success"


_TONES = {"critical": Tone.CRITICAL, "warning": Tone.WARNING, "info": Tone.INFO}
_MARKS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_LINK = 1000
_OVER = frozenset({MessageKind.RESOLVED, MessageKind.MISSED})


def worst_severity(message: Message) -> str:
    """The most severe of what fires in it; of all lines where nothing does; info where there is no line."""
    lines = (*message.changed, *message.standing)
    firing = [line for line in lines if line.phase == "firing"]
    ranked = {line.severity for line in firing or lines}
    return next((severity for severity in SEVERITIES if severity in ranked), "warning" if ranked else "info")


def tone_of(message: Message) -> Tone:
    """Success for resolved and missed alerts only; both must page nobody."""
    return Tone.OVER if message.kind in _OVER else _TONES[worst_severity(message)]


def mark_of(line: Line) -> str:
    """A coloured dot for the severity while it fires, a check mark once it is resolved."""
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
    began, ended = instant(line.since), instant(line.ended)
    if began[:10] == ended[:10]:  # the same day
        return f"{began.removesuffix(' UTC')} to {ended[11:]} ({lasted})"
    return f"{began} to {ended} ({lasted})"


def opening_of(message: Message) -> list[str]:
    """What changed, and why this message comes at all where that is not plain."""
    because = f"Sent because {message.cause}" if message.cause else ""
    return [text for text in (message.headline, because) if text]


def name_of(line: Line) -> str:
    """An alert in one line."""
    return f"{line.alertname} ({line.severity}) on {line.entity}"


def standing_of(line: Line) -> str:
    """An alert that goes on, in one line."""
    return f"{mark_of(line)} {name_of(line)}, for {format_duration(line.duration)}"


def words_of(line: Line) -> list[str]:
    """What the rule says of an alert; of one that is over its texts are in the past, see `facts_of`."""
    return [text for text in (line.summary, line.description) if text] if line.phase == "firing" else []


def facts_of(line: Line) -> list[tuple[str, str]]:
    """The facts of an alert beside `words_of`, in the order an on-call engineer asks for them."""
    if line.phase == "firing":
        known = [
            ("Now" if line.held else "Why", _reason_besides(line)),
            ("Value", f"{line.value} (limit {line.limit})" if line.limit else line.value),
            ("Error", line.error),
            ("Trend", line.trend),
            ("Since", when(line)),
        ]
    else:
        known = [("Resolved because", line.reason), ("Fired with", line.summary), ("From", when(line))]
    known += [
        ("Pipelines", pipelines_of(line)),
        ("Note", line.note),
        ("Flapping", "yes; it keeps firing until it stays quiet" if line.flapping else ""),
    ]
    return [(name, text) for name, text in known if text]


def brief_of(line: Line) -> str:
    """The facts of one alert among others: why, and since when."""
    if line.phase == "firing":
        since = f"since {when(line)}" if line.since else ""
        return " · ".join(text for text in (_reason_besides(line), line.error, line.trend, since, line.note) if text)
    after = f"Resolved after {format_duration(line.duration)}"
    return " · ".join(text for text in (f"{after}: {line.reason}" if line.reason else after, line.note) if text)


def pipelines_of(line: Line) -> str:
    """The pipelines an alert affects, at most five by name."""
    names = line.labels.get("pipelines", ())
    names = (names,) if isinstance(names, str) else names
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + rest


def _reason_besides(line: Line) -> str:
    """The reason, unless the rule's own words have it already."""
    return "" if any(line.reason in text for text in words_of(line)) else line.reason


def links_of(line: Line) -> list[tuple[str, str]]:
    """What to do and where to look, in that order; only http and https."""
    return [*_to_act(line), *runbook_of(line), *_where_to_look(line)]


def _to_act(line: Line) -> list[tuple[str, str]]:
    return _links([("Acknowledge or silence", line.act_url)])


def _where_to_look(line: Line) -> list[tuple[str, str]]:
    return _links([("Streamkap", line.entity_url), ("Alert page", line.alert_url)])


def runbook_of(line: Line) -> list[tuple[str, str]]:
    return _links([("Runbook", line.runbook_url)])


def brief_links_of(line: Line, shared: Line | None) -> list[tuple[str, str]]:
    """The links of one alert among others: to act, Streamkap, the alert's page, and a runbook of its own."""
    own = runbook_of(line) if shared is None and line.phase == "firing" else []
    return [*_to_act(line), *own, *_where_to_look(line)]


def brief_words_of(line: Line, shared: Line | None) -> list[str]:
    """What the rule says of one alert among others."""
    return words_of(line) if shared is None else words_of(line)[:1]


def shared_of(message: Message) -> Line | None:
    """The first of several alerts where one description and one runbook serve all that fire: they are said once."""
    firing = [line for line in message.changed if line.phase == "firing"]
    alike = {(line.description, line.runbook_url) for line in firing}
    return firing[0] if len(firing) > 1 and len(alike) == 1 else None


def hints_of(message: Message) -> list[tuple[str, str]]:
    """Commands for whoever reads it."""
    said = [("To acknowledge", message.ack_hint), ("To silence", message.silence_hint)]
    return [(name, command) for name, command in said if command]


def signature(message: Message) -> str:
    """Who sent it, and when."""
    who = f"Sent by watchdog{' on ' + message.instance if message.instance else ''}"
    return " · ".join([who, *([instant(message.at)] if message.at else [])])


def _links(places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, url) for name, url in places if is_link(url)]


def is_link(url: str) -> bool:
    """Whether it can be shown as a link: a longer one would not fit, and Slack refuses the message with it."""
    return len(url) <= _LINK and url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def remainder(message: Message) -> str:
    """What is counted but not listed; "" where everything is."""
    if not message.more:
        return ""
    if message.more == message.silenced:
        return f"and {message.more} more, silenced or suppressed"
    held = f", {message.silenced} of them silenced or suppressed" if message.silenced else ""
    return f"and {message.more} more not listed here{held}"
