"""A report as a message."""

from __future__ import annotations

from dataclasses import replace

from watchdog.cycle.policy import Policy
from watchdog.notify.message import Message
from watchdog.notify.pending import ReportSpan
from watchdog.reports.builder import report_of
from watchdog.reports.html import html_page
from watchdog.reports.report import Period, Report, Rows
from watchdog.reports.text import plain_text, title_of


def scheduled(span: ReportSpan, rows: Rows, policy: Policy, every: float) -> Report:
    """The report that a pending notification asks for; `every` are the seconds between polls."""
    return report_of(rows, policy, Period(span.start, span.end, span.timezone), every)


def filled(message: Message, report: Report) -> Message:
    """The message with the report in it."""
    title = f"[REPORT] {title_of(report)}"
    sent_by = f"Sent by watchdog{f' on {message.instance}' if message.instance else ''}"
    page = html_page(report, because=message.cause, sent_by=sent_by, links=message.links)
    return replace(message, title=title, report_text=plain_text(report), report_html=page)
