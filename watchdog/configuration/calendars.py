"""Calendars of mutes: an iCalendar text to the stretches of time that its events take.

icalendar reads the text, recurring-ical-events unfolds what repeats (RFC 5545: RRULE, RDATE, EXDATE, moved and
cancelled occurrences, time zones).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from watchdog.cycle.policy import Policy

#: Stretches `[start, end)` in order, seconds since the epoch.
Events = tuple[tuple[float, float], ...]

#: Bytes of a calendar, and stretches that are kept of it.
MOST = 2_000_000
_EVENTS = 10_000
#: Seconds around an instant for which events are unfolded. Events of the day before may still be on.
BEFORE, AHEAD = 40 * 86400.0, 10 * 86400.0
#: What repeats so often is no maintenance window, and takes long to unfold.
_TOO_OFTEN = {"SECONDLY", "MINUTELY"}
_AN_HOUR = 4
_TIMES = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"}


def events_of(text: str, start: float, end: float, zone: str) -> Events:
    """The stretches `[start, end)` of a calendar that lie between two instants, in order. Dates and times without a
    zone are those of `zone`. Raises ValueError that says what is wrong with the text."""
    import icalendar  # late: few mutes have a calendar
    import recurring_ical_events

    try:
        calendar = icalendar.Calendar.from_ical(text)
    except Exception as cause:
        raise ValueError(f"is no iCalendar file: {cause}") from None
    local = ZoneInfo(zone)
    for event in calendar.walk("VEVENT"):
        _check_times(event)
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            often = len(rule.get("BYMINUTE", [0])) * len(rule.get("BYSECOND", [0]))
            if often > _AN_HOUR or _TOO_OFTEN & {str(one).upper() for one in rule.get("FREQ", [])}:
                raise ValueError(f"has an event that repeats more than {_AN_HOUR} times an hour; write longer ones")
    try:
        between = (datetime.fromtimestamp(one, UTC) for one in (start, end))
        found = recurring_ical_events.of(calendar, components=["VEVENT"]).between(*between)
        stretches = sorted({_stretch(event, local) for event in found if event.get("STATUS") != "CANCELLED"})
    except Exception as cause:
        raise ValueError(f"has an event that cannot be understood: {cause}") from None
    if len(stretches) > _EVENTS:
        raise ValueError(f"has {len(stretches)} events within some weeks; {_EVENTS} are accepted")
    return tuple(one for one in stretches if one[0] < one[1])


def with_files(policy: Policy, start: float, end: float) -> tuple[Policy, list[str]]:
    """A policy whose mutes know the events of their calendar files between two instants, and what is wrong with these
    files. A URL is fetched by the running service alone, so its mute is off here."""
    mutes, wrong = [], []
    for mute in policy.mutes:
        try:
            if mute.calendar and not is_remote(mute.calendar):
                mute = replace(mute, events=events_of(read_file(mute.calendar), start, end, mute.timezone))
        except ValueError as cause:
            wrong.append(f"ics: {mute.calendar} {cause}")
        mutes.append(mute)
    return replace(policy, mutes=tuple(mutes)), wrong


def is_remote(source: str) -> bool:
    """Whether a calendar is fetched and not read from a file."""
    return "://" in source


def read_file(source: str) -> str:
    """The text of a calendar file. Raises ValueError that says why it cannot be read."""
    try:
        with Path(source).open("rb") as file:
            return decoded(file.read(MOST + 1))
    except OSError as cause:
        raise ValueError(f"cannot be read: {cause.strerror}") from None


def decoded(content: bytes) -> str:
    """Raises ValueError for what is too long or no text."""
    if len(content) > MOST:
        raise ValueError("is larger than 2 MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _check_times(event: Any) -> None:
    """Raises ValueError for times that the library would leave out or take for those of another zone."""
    name = f"has an event '{str(event.get('SUMMARY', event.get('UID', '')))[:60]}'"
    for wrong, _ in event.errors:
        if wrong in _TIMES:
            raise ValueError(f"{name} whose {wrong} cannot be read")
    for key in ("DTSTART", "DTEND"):
        at = event.get(key)
        when = getattr(at, "dt", None)
        if isinstance(when, datetime) and when.tzinfo is None and "TZID" in at.params:
            zone = str(at.params["TZID"])[:60]
            raise ValueError(f"{name} in the time zone '{zone}', which is not known; write one like Europe/Paris")


def _stretch(event: object, local: ZoneInfo) -> tuple[float, float]:
    start, end = event.start, event.end  # type: ignore[attr-defined]
    if not isinstance(start, datetime) and end == start:
        end = start + timedelta(days=1)
    return _instant(start, local), _instant(end, local)


def _instant(at: date | datetime, local: ZoneInfo) -> float:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo is not None else at.replace(tzinfo=local)).timestamp()
