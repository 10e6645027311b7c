"""Calendars of mutes: what each way of writing an event means in instants."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from watchdog.configuration.calendars import events_of, with_files
from watchdog.configuration.files import load_texts

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Paris
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""
MARCH = datetime.fromisoformat("2026-03-20T00:00Z").timestamp(), datetime.fromisoformat("2026-04-05T00:00Z").timestamp()


def calendar(*events: str, zone: str = "") -> str:
    made = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{zone}{made}END:VCALENDAR\n".replace("\n", "\r\n")


def at(*spans: str) -> tuple[tuple[float, float], ...]:
    """`2026-03-21T10:00Z/2026-03-21T11:00Z`"""
    return tuple(
        (datetime.fromisoformat(first).timestamp(), datetime.fromisoformat(last).timestamp())
        for first, _, last in (span.partition("/") for span in spans)
    )


@pytest.mark.parametrize(("why", "text", "zone", "expected"), [
    ("an hour in UTC", calendar("DTSTART:20260321T100000Z\nDTEND:20260321T110000Z"), "UTC",
     at("2026-03-21T10:00Z/2026-03-21T11:00Z")),
    ("a duration instead of an end", calendar("DTSTART:20260321T100000Z\nDURATION:PT90M"), "UTC",
     at("2026-03-21T10:00Z/2026-03-21T11:30Z")),
    ("every week, the wall clock stays over daylight saving",
     calendar("DTSTART;TZID=Europe/Paris:20260322T220000\nDTEND;TZID=Europe/Paris:20260322T230000\n"
              "RRULE:FREQ=WEEKLY;COUNT=2", zone=ZONE), "UTC",
     at("2026-03-22T21:00Z/2026-03-22T22:00Z", "2026-03-29T20:00Z/2026-03-29T21:00Z")),
    ("one of them is left out",
     calendar("DTSTART:20260321T100000Z\nDTEND:20260321T110000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260322T100000Z"),
     "UTC", at("2026-03-21T10:00Z/2026-03-21T11:00Z", "2026-03-23T10:00Z/2026-03-23T11:00Z")),
    ("one of them is moved",
     calendar("DTSTART:20260321T100000Z\nDTEND:20260321T110000Z\nRRULE:FREQ=DAILY;COUNT=2").replace(
         "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:0\r\nRECURRENCE-ID:20260322T100000Z\r\nDTSTART:20260322T150000Z\r\n"
         "DTEND:20260322T160000Z\r\nEND:VEVENT\r\nEND:VCALENDAR"),
     "UTC", at("2026-03-21T10:00Z/2026-03-21T11:00Z", "2026-03-22T15:00Z/2026-03-22T16:00Z")),
    ("a whole day is the mute's local day, 23 hours when the clock jumps",
     calendar("DTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260330"), "Europe/Paris",
     at("2026-03-28T23:00Z/2026-03-29T22:00Z")),
    ("a day without an end is one day", calendar("DTSTART;VALUE=DATE:20260321"), "UTC",
     at("2026-03-21T00:00Z/2026-03-22T00:00Z")),
    ("a time without a zone is the mute's", calendar("DTSTART:20260321T100000\nDTEND:20260321T110000"), "Asia/Tokyo",
     at("2026-03-21T01:00Z/2026-03-21T02:00Z")),
    ("what is cancelled", calendar("DTSTART:20260321T100000Z\nDTEND:20260321T110000Z\nSTATUS:CANCELLED"), "UTC", ()),
    ("an instant takes no time", calendar("DTSTART:20260321T100000Z"), "UTC", ()),
    ("what is long ago", calendar("DTSTART:20200321T100000Z\nDTEND:20200321T110000Z"), "UTC", ()),
    ("a to-do is no event", calendar().replace(
        "END:VCALENDAR", "BEGIN:VTODO\r\nUID:t\r\nDTSTART:20260321T100000Z\r\nDUE:20260321T110000Z\r\nEND:VTODO\r\nEND:VCALENDAR"),
     "UTC", ()),
])  # fmt: skip
def test_events_are_stretches_of_time(why, text, zone, expected):
    assert events_of(text, *MARCH, zone) == expected, why


@pytest.mark.parametrize(("text", "says"), [
    ("<html>sign in</html>", "is no iCalendar file"),
    ("", "is no iCalendar file"),
    (calendar("SUMMARY:x\nDTSTART:soon"), "an event 'x' whose DTSTART cannot be read"),
    (calendar("SUMMARY:x\nDTSTART;TZID=Mars/Base:20260321T100000\nDURATION:PT1H"), "time zone 'Mars/Base', which is not"),
    (calendar("DTSTART:20260321T100000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY"), "repeats more than 4 times an hour"),
    (calendar("DTSTART:20260321T100000Z\nDURATION:PT1S\nRRULE:FREQ=HOURLY;BYMINUTE=0,10,20,30,40"),
     "repeats more than 4 times an hour"),
])  # fmt: skip
def test_what_cannot_be_used_says_why(text, says):
    with pytest.raises(ValueError, match=says):
        events_of(text, *MARCH, "UTC")


def test_a_file_is_seen_from_its_rule_file_and_mutes_at_its_events(tmp_path: Path):
    (tmp_path / "work.ics").write_text(calendar("DTSTART:20260321T100000Z\nDTEND:20260321T110000Z"))
    rules = ("rules: [{alert: A, each: source, expr: recordsLag > 5}]\n"
             "mutes: [{name: work, where: {name: '*'}, ics: work.ics}, {name: gone, where: {name: '*'}, ics: no.ics},\n"
             "        {name: far, where: {name: '*'}, ics: 'https://cal.example.org/a.ics'}]\n")  # fmt: skip
    policy, wrong = with_files(load_texts({str(tmp_path / "rules.yaml"): rules}, {}), *MARCH)
    begins, ends = at("2026-03-21T10:00Z/2026-03-21T11:00Z")[0]
    instants = (begins - 1, begins, ends - 1, ends)
    assert [policy.mutes[0].active(one) for one in instants] == [False, True, True, False]
    assert [policy.mutes[0].schedule.next_edge(one) for one in instants] == [begins, ends, ends, None]
    assert not any(one.active(begins) for one in policy.mutes[1:])
    assert wrong == [f"ics: {tmp_path / 'no.ics'} cannot be read: No such file or directory"]
