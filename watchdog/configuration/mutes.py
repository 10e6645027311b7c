"""Reading mutes: names, `where`, times of the week, time zones."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from watchdog.alerts.mutes import Dates, Mute, QuietTime, Schedule
from watchdog.configuration.fields import Fields, hidden
from watchdog.configuration.places import Mapping, Place
from watchdog.configuration.where import Labels, read_where
from watchdog.errors import Mistake
from watchdog.loopback import is_loopback
from watchdog.spelling import did_you_mean

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})\Z")
_TIME = re.compile(r"(?:(\S+)\s+)?([0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2})\Z")
#: A date with or without its year, or a range of them.
_DATED = re.compile(r"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}(?:\.\.|\Z)")
_MOMENT = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_FORM = "write [days] HH:MM-HH:MM, e.g. mon-fri 22:00-06:00, or dates, e.g. 2026-12-24..2026-12-26 or 12-31 18:00-24:00"


def read_mute(node: Mapping, labels: Labels, mistakes: list[Mistake]) -> tuple[Mute, Place] | None:
    """One mute and where its name stands; None where it has mistakes."""
    before = len(mistakes)
    fields = Fields(node, ("name", "where", "times", "ics", "timezone"), mistakes)
    timed = {} if "ics" in fields else {"times": '["mon-fri 22:00-06:00"]'}
    fields.require(name="nightly", where="{name: prod-*}", **timed)
    name = fields.text("name")
    where = read_where(node.items["where"], labels, mistakes) if "where" in fields else None
    if where is not None and not where.items and len(mistakes) == before:
        fields.wrong("where", "where: selects nothing; write e.g. {name: prod-*}, or {name: '*'} to mute everything")
    schedule = read_schedule(fields, mistakes)
    calendar = _calendar(fields)
    if len(mistakes) > before or name is None or where is None:
        return None
    return Mute(name, where, schedule.times, schedule.timezone, calendar), fields.place("name")


def _calendar(fields: Fields) -> str:
    """Where a calendar is: an absolute path, one from the rule file's folder on, or an https URL; "" for none."""
    written = fields.text("ics")
    if written is None:
        return ""
    if "times" in fields:
        fields.wrong("ics", "ics: stands beside times; write one of them")
    scheme, colon, _ = written.partition("://")
    if not colon:
        return str(Path(fields.place("ics").file).parent / written)
    try:
        host = urlsplit(written).hostname or ""
    except ValueError:  # brackets that hold no address
        host = ""
    if (scheme.lower() != "https" and not (scheme.lower() == "http" and is_loopback(host))) or not host:
        fields.wrong("ics", f"ics: '{hidden(written)}' is no path and no https URL")
    return written


def read_schedule(fields: Fields, mistakes: list[Mistake]) -> Schedule:
    """`times` and `timezone` of a mute or a route."""
    zone = read_zone(fields)
    times = []
    found = fields.texts("times", single=True)
    if fields.is_empty("times"):
        fields.wrong("times", f"times: is empty; {_FORM}")
    for text, place in found or ():
        try:
            times.append(parse_time(text))
        except ValueError as cause:
            mistakes.append(place.mistake(f"times: {cause}"))
    return Schedule(tuple(times), zone)


def read_zone(fields: Fields) -> str:
    """`timezone`, UTC without it."""
    zone = fields.text("timezone") or "UTC"
    try:
        check_zone(zone)
    except ValueError as cause:
        fields.wrong("timezone", f"timezone: {cause}")
    return zone


def check_zone(name: str) -> None:
    """Raises ValueError for a time zone there is none of."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        raise ValueError(f"'{name}' is not a time zone; write one like Europe/Paris{hint}") from None


def parse_time(text: str) -> QuietTime:
    """`mon-fri,sun 22:00-06:00`, `2026-12-24..2026-12-26`, `12-31 18:00-24:00`. Raises ValueError that says what would
    be accepted."""
    written, _, rest = text.strip().partition(" ")
    if _DATED.match(written):
        start, end = _clock(rest.strip(), text) if rest.strip() else (0, 1440)
        return QuietTime(start, end, dates=_dates(written, text))
    found = _TIME.match(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a time of the week; {_FORM}")
    days, clock = found.groups()
    start, end = _clock(clock, text)
    return QuietTime(start, end, _days(days, text) if days else frozenset(range(7)))


def parse_moment(text: str) -> tuple[frozenset[int], int]:
    """`mon 09:00`, `mon-fri 18:30`, `09:00`: days, and the minute of the day. Raises ValueError that says what would be
    accepted."""
    form = "write [days] HH:MM, e.g. mon 09:00"
    days, _, clock = text.strip().rpartition(" ")
    found = _MOMENT.fullmatch(clock)
    if not found:
        raise ValueError(f"'{text}' is not a time of the week; {form}")
    hour, minute = map(int, found.groups())
    if hour > 23 or minute > 59:
        raise ValueError(f"'{text}': a day goes from 00:00 to 23:59; {form}")
    return _days(days.strip(), text) if days else frozenset(range(7)), hour * 60 + minute


def _clock(written: str, text: str) -> tuple[int, int]:
    """Minutes of the day."""
    found = _CLOCK.match(written)
    if not found:
        raise ValueError(f"'{text}': '{written}' is not a time of the day; {_FORM}")
    clock = found.groups()
    start_hour, start_minute, end_hour, end_minute = map(int, clock)
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59 or start > 1439 or end > 1440:
        raise ValueError(f"'{text}': a day goes from 00:00 to 24:00; {_FORM}")
    if start == end:
        raise ValueError(f"'{text}' begins and ends at the same time; for a whole day write 00:00-24:00")
    return start, end


def _dates(written: str, text: str) -> Dates:
    first, dots, last = written.partition("..")
    ends = (first, last) if dots else (first, first)
    yearly = [len(one) == 5 for one in ends]
    if yearly[0] != yearly[1]:
        raise ValueError(f"'{text}': one date has a year and the other has none; {_FORM}")
    try:
        # of a leap year, so that a yearly 02-29 is a date
        begin, end = (date.fromisoformat(f"2024-{one}" if yearly[0] else one) for one in ends)
    except ValueError:
        raise ValueError(f"'{text}': '{written}' is not a date; {_FORM}") from None
    if end < begin and not yearly[0]:
        raise ValueError(f"'{text}' ends before it begins; {_FORM}")
    return Dates(begin, end, yearly[0])


def _days(written: str, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in written.lower().split(","):
        first, dash, last = part.partition("-")
        for day in (first, last) if dash else (first,):
            if day not in _DAYS:
                hint = did_you_mean(day, _DAYS) or f"; there are {', '.join(_DAYS)}"
                raise ValueError(f"'{text}': '{day}' is not a day{hint}")
        begin = _DAYS.index(first)
        end = _DAYS.index(last) if dash else begin
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(found)
