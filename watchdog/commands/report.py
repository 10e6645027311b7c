"""`watchdog report`: which alerts earn their place; read from the database, beside the service."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from watchdog.app.startup import last_policy
from watchdog.commands.operator import open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.send_test import Answer, show
from watchdog.commands.send_test import send as send_to
from watchdog.configuration.files import load
from watchdog.configuration.mutes import check_zone
from watchdog.cycle.policy import Policy
from watchdog.delivery.targets import check_url
from watchdog.environment import read_variables
from watchdog.errors import ConfigError
from watchdog.notify.message import Message, MessageKind
from watchdog.reports.builder import report_of
from watchdog.reports.html import html_page
from watchdog.reports.message import filled
from watchdog.reports.report import Period, Report
from watchdog.reports.text import plain_text
from watchdog.settings import Settings
from watchdog.units import format_duration, parse_duration


def report(*, since: str, timezone: str, html: Path | None, send: str | None, as_json: bool) -> int:
    """0, or 1 where a target did not accept it; raises ConfigError for a duration, a time zone, a file or a receiver
    that cannot be used, StoreError for the database."""
    try:
        back = parse_duration(since)
    except ValueError as cause:
        raise ConfigError(f"--since: {cause}") from None
    if back <= 0:
        raise ConfigError(f"--since: '{since}' is no time at all; write a duration, e.g. 7d")
    try:
        check_zone(timezone)
    except ValueError as cause:
        raise ConfigError(f"--timezone: {cause}") from None
    settings = Settings.load()
    now = time.time()
    made = _made(settings, Period(now - back, now, timezone))
    if back > settings.watchdog_history:
        kept = format_duration(settings.watchdog_history)
        print(f"warning: the database keeps {kept} after an alert has resolved (WATCHDOG_HISTORY)", file=sys.stderr)
    if html is not None:
        try:
            html.write_text(html_page(made), encoding="utf-8")
        except OSError as cause:
            raise ConfigError(f"--html {html}: cannot be written: {cause.strerror}") from cause
        print(f"wrote {html}", file=sys.stderr)
    answers = None if send is None else _send(settings, send, made, now)
    if as_json:
        print_json(made if answers is None else answers)
    elif answers is not None:
        show(answers)
    elif html is None:
        sys.stdout.write(plain_text(made))
    return 0 if all(one.accepted for one in answers or ()) else 1


def _send(settings: Settings, receiver: str, made: Report, now: float) -> list[Answer]:
    """Send it to a receiver of the rule files. PagerDuty gets no reports."""
    policy = load(settings.watchdog_rules, read_variables(), check_url=check_url)
    message = Message(
        id=f"report-{now:.0f}", kind=MessageKind.REPORT, receiver=receiver, title="", at=now,
        instance=settings.watchdog_name,
    )  # fmt: skip
    answers = send_to(policy, receiver, filled(message, made), leave_out=frozenset({"pagerduty"}))
    if not answers:
        raise ConfigError(f"receiver '{receiver}' has PagerDuty only, which gets no reports: they are no incidents")
    return answers


def _made(settings: Settings, period: Period) -> Report:
    store = open_store(settings)
    try:
        policy = last_policy(store, read_variables()) or Policy()
        return report_of(store.rows_of(period.start, period.end), policy, period, settings.watchdog_poll_every)
    finally:
        store.close()
