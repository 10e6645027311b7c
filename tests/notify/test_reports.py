"""When reports are due: local times, skipped and repeated hours, and who gets none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watchdog.notify.records import Records
from watchdog.notify.reports import ReportSchedule, make_reports
from watchdog.notify.routes import Receiver, Routing, TargetSpec

MONDAY = frozenset({0})


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("why", "schedule", "now", "last", "next_"),
    [
        ("Mondays at nine", ReportSchedule(("a",), 540, MONDAY), "2026-01-07T12:00", "2026-01-05T09:00", "2026-01-12T09:00"),
        ("at its very minute", ReportSchedule(("a",), 540, MONDAY), "2026-01-05T09:00", "2026-01-05T09:00", "2026-01-12T09:00"),
        ("a second before", ReportSchedule(("a",), 540, MONDAY), "2026-01-05T08:59:59", "2025-12-29T09:00", "2026-01-05T09:00"),
        ("every day", ReportSchedule(("a",), 540), "2026-01-07T08:00", "2026-01-06T09:00", "2026-01-07T09:00"),
        ("in Paris, winter", ReportSchedule(("a",), 540, MONDAY, "Europe/Paris"), "2026-01-05T08:00", "2026-01-05T08:00",
         "2026-01-12T08:00"),
        ("in Paris, over the change", ReportSchedule(("a",), 540, MONDAY, "Europe/Paris"), "2026-03-25T00:00",
         "2026-03-23T08:00", "2026-03-30T07:00"),
        ("an hour that is skipped", ReportSchedule(("a",), 150, frozenset({6}), "Europe/Paris"), "2026-03-28T00:00",
         "2026-03-22T01:30", "2026-03-29T01:30"),
        ("an hour that comes twice", ReportSchedule(("a",), 150, frozenset({6}), "Europe/Paris"), "2026-10-25T01:00",
         "2026-10-25T00:30", "2026-11-01T01:30"),
        ("where the day is another", ReportSchedule(("a",), 60, MONDAY, "Pacific/Auckland"), "2026-01-04T12:00",
         "2026-01-04T12:00", "2026-01-11T12:00"),
    ],
)  # fmt: skip
def test_times(why: str, schedule: ReportSchedule, now: str, last: str, next_: str) -> None:
    assert (schedule.last(at(now)), schedule.next(at(now))) == (at(last), at(next_)), why


def test_a_schedule_in_words() -> None:
    assert str(ReportSchedule(("a",), 545, frozenset({4, 0}), "Europe/Paris")) == "the last 7d, mon,fri 09:05 Europe/Paris"
    assert str(ReportSchedule(("a",), 0, since=86400.0)) == "the last 1d, 00:00 UTC"


def test_pagerduty_gets_no_report() -> None:
    page, mail = TargetSpec("oncall", "pagerduty://x"), TargetSpec("oncall", "mailto://x")
    routing = Routing({"oncall": Receiver("oncall", (page, mail))}, (), frozenset({page.id}))
    records = Records()
    make_reports(records, routing, [ReportSchedule(("oncall",), 540)], at("2026-01-05T08:00"), at("2026-01-05T10:00"))
    (made,) = records.notifications.values()
    assert (made.target, made.kind) == (mail.id, "report")
    assert made.report is not None
    assert (made.report.start, made.report.end) == (at("2025-12-29T09:00"), at("2026-01-05T09:00"))
