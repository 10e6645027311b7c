"""`watchdog report`: which alerts earn their place; read from the database, beside the service."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from watchdog.app.startup import last_policy
from watchdog.commands.operator import open_store
from watchdog.commands.output import as_json as print_json
from watchdog.configuration.mutes import check_zone
from watchdog.cycle.policy import Policy
from watchdog.environment import read_variables
from watchdog.errors import ConfigError
from watchdog.reports.html import html_page
from watchdog.reports.report import Period, Report, report_of
from watchdog.reports.text import plain_text
from watchdog.settings import Settings
from watchdog.units import format_duration, parse_duration


def report(*, since: str, timezone: str, html: Path | None, as_json: bool) -> int:
    """0; raises ConfigError for a duration, a time zone or a file that cannot be used, StoreError for the database."""
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
    if as_json:
        print_json(made)
    elif html is None:
        sys.stdout.write(plain_text(made))
    else:
        print(f"wrote {html}", file=sys.stderr)
    return 0


def _made(settings: Settings, period: Period) -> Report:
    store = open_store(settings)
    try:
        policy = last_policy(store, read_variables()) or Policy()
        return report_of(store.rows_of(period.start, period.end), policy, period)
    finally:
        store.close()
