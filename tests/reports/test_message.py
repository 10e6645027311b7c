"""A report as a message: what the title, the text and the page say of it."""

from __future__ import annotations

from watchdog.cycle.policy import Policy
from watchdog.notify.message import Message, MessageKind
from watchdog.notify.pending import ReportSpan
from watchdog.reports.message import filled, scheduled
from watchdog.reports.report import Rows

WEEK = ReportSpan(1767571200.0, 1768176000.0, "Europe/Paris", ("team",))


def test_the_page_says_why_it_comes_who_sent_it_and_where_to_look() -> None:
    links = {"Status page": "https://watchdog.example.com/?a=1&b=2"}
    bare = Message("7", MessageKind.REPORT, "team", "[REPORT]", cause="oncall <refused>", links=links, instance="one")
    made = filled(bare, scheduled(WEEK, Rows(), Policy(), 60.0))
    assert made.title == "[REPORT] 0 alerts, 0 pages from Mon 5 Jan to Mon 12 Jan"
    assert "Sent because oncall &lt;refused&gt;" in made.report_html
    assert "Sent by watchdog on one" in made.report_html
    assert '<a href="https://watchdog.example.com/?a=1&amp;b=2"' in made.report_html
    assert made.report_text.startswith("Report for Mon 05 Jan 2026 01:00 to Mon 12 Jan 2026 01:00 (Europe/Paris)\n")
