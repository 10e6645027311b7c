"""Reading mutes: names, `where`, times of the week, time zones."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from watchdog.alerts.mutes import Mute, QuietTime
from watchdog.configuration.fields import Fields
from watchdog.configuration.places import Mapping, Place
from watchdog.configuration.where import Labels, read_where
from watchdog.errors import Mistake
from watchdog.spelling import did_you_mean

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"(?:(\S+)\s+)?([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})\Z")
_FORM = "write [days] HH:MM-HH:MM, e.g. mon-fri 22:00-06:00"


def read_mute(node: Mapping, labels: Labels, mistakes: list[Mistake]) -> tuple[Mute, Place] | None:
    """One mute and where its name stands; None where it has mistakes."""
    before = len(mistakes)
    fields = Fields(node, ("name", "where", "times", "timezone"), mistakes)
    fields.require(name="nightly", where="{name: prod-*}", times='["mon-fri 22:00-06:00"]')
    name = fields.text("name")
    zone = fields.text("timezone") or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(zone, available_timezones())
        fields.wrong("timezone", f"timezone: '{zone}' is not a time zone; write one like Europe/Paris{hint}")
    where = read_where(node.items["where"], labels, mistakes) if "where" in fields else None
    if where is not None and not where.items and len(mistakes) == before:
        fields.wrong("where", "where: selects nothing; write e.g. {name: prod-*}, or {name: '*'} to mute everything")
    times = []
    found = fields.texts("times", single=True)
    if fields.is_empty("times"):
        fields.wrong("times", f"times: is empty; {_FORM}")
    for text, place in found or ():
        try:
            times.append(parse_time(text))
        except ValueError as cause:
            mistakes.append(place.mistake(f"times: {cause}"))
    if len(mistakes) > before or name is None or where is None:
        return None
    return Mute(name, where, tuple(times), zone), fields.place("name")


def parse_time(text: str) -> QuietTime:
    """`mon-fri,sun 22:00-06:00`. Raises ValueError that says what would be accepted."""
    found = _TIME.match(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a time of the week; {_FORM}")
    days, *clock = found.groups()
    start_hour, start_minute, end_hour, end_minute = map(int, clock)
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59 or start > 1439 or end > 1440:
        raise ValueError(f"'{text}': a day goes from 00:00 to 24:00; {_FORM}")
    if start == end:
        raise ValueError(f"'{text}' begins and ends at the same time; for a whole day write 00:00-24:00")
    return QuietTime(start, end, _days(days, text) if days else frozenset(range(7)))


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
