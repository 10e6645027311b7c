"""`watchdog check`: settings, rules and receivers, line by line what is fine and what is not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.text import Text

from watchdog.commands.check_live import Glance, glance, matches
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, counted
from watchdog.configuration.calendars import AHEAD, BEFORE, is_remote, with_files
from watchdog.configuration.export import export_selector
from watchdog.configuration.files import load
from watchdog.cycle.policy import Policy
from watchdog.delivery.redaction import written_out
from watchdog.delivery.targets import check_url
from watchdog.environment import read_variables
from watchdog.errors import ConfigError, Mistake, RuleFileError, UnavailableError
from watchdog.settings import Settings, unknown_variables
from watchdog.units import format_duration

_WRONG, _UNREACHABLE = 2, 3


@dataclass(slots=True)
class Report:
    """Lines of what was looked at, each with facts for programs. A wrong configuration decides the exit code before an
    API that cannot be reached."""

    lines: list[dict[str, object]] = field(default_factory=list)
    code: int = 0

    def add(self, part: str, state: str, text: str, code: int = 0, **facts: object) -> None:
        self.lines.append({"part": part, "state": state, "text": text, **facts})
        if code:
            self.code = min(self.code or code, code)

    def add_mistake(self, part: str, state: str, mistake: Mistake, code: int = 0) -> None:
        self.add(part, state, str(mistake), code, **asdict(mistake))


def check(path: Path | None, *, live: bool, as_json: bool) -> int:
    """0 where everything is fine, 2 for mistakes, 3 where `live` could not reach the API."""
    report = Report()
    settings = _step(report, "settings", lambda: _settings(report))
    where = path or (settings.watchdog_rules if settings is not None else Path("rules"))
    seen = _glance(report, settings) if live and settings is not None else None
    metrics = () if seen is None else seen.metrics
    policy = _step(report, "rules", lambda: _rules(report, where, metrics))
    if settings is not None and policy is not None:
        for one in policy.reports:
            if one.since > settings.watchdog_history:
                kept = format_duration(settings.watchdog_history)
                report.add("reports", "WARN", f"{one}: WATCHDOG_HISTORY keeps {kept} after an alert has resolved")
    if seen is not None and settings is not None and policy is not None:
        for match in matches(policy, seen, settings.watchdog_poll_every):
            report.add("matches", "WARN" if match.never else "OK", str(match), never=match.never, **asdict(match))
    if as_json:
        print_json({"lines": report.lines, "exit_code": report.code})
    else:
        _show(report)
    return report.code


_T = TypeVar("_T")
_UNVERIFIED = re.compile(r"[?&]verify=(no|false|0|off)\b", re.IGNORECASE)
#: Entities without readings that are named in one line.
_NAMED = 10


def _step(report: Report, part: str, look: Callable[[], tuple[_T, str]]) -> _T | None:
    """One part: what it holds, or why it cannot be used."""
    try:
        value, text = look()
    except UnavailableError as cause:
        report.add(part, "FAIL", str(cause), _UNREACHABLE)
        return None
    except RuleFileError as cause:
        for mistake in cause.mistakes:
            report.add_mistake(part, "FAIL", mistake, _WRONG)
        return None
    except ConfigError as cause:
        for line in str(cause).splitlines():
            report.add(part, "FAIL", line, _WRONG)
        return None
    report.add(part, "OK", text)
    return value


def _settings(report: Report) -> tuple[Settings, str]:
    settings = Settings.load()
    export_selector(settings.watchdog_export)
    for warning in [*unknown_variables(read_variables()), *settings.warnings]:
        report.add("settings", "WARN", warning)
    if not settings.has_credentials:
        what = "no credentials for Streamkap; `watchdog run` needs STREAMKAP_CLIENT_ID and STREAMKAP_SECRET"
        report.add("settings", "WARN", what)
    return settings, f"poll every {format_duration(settings.watchdog_poll_every)}, {settings.streamkap_host}"


def _rules(report: Report, path: Path, metrics: Collection[str]) -> tuple[Policy, str]:
    unverified: list[str] = []

    def checked(url: str) -> str | None:
        unverified.extend(_UNVERIFIED.findall(url)[:1])
        return check_url(url)

    policy = load(path, read_variables(), seen_metrics=metrics, check_url=checked)
    if unverified:
        what = "with verify=no: it accepts any certificate, so anybody on the way can read its messages"
        report.add("receivers", "WARN", f"{counted(len(unverified), 'target')} {what}")
    for warning in policy.warnings:
        report.add_mistake("rules", "WARN", warning)
    for receiver in policy.receivers.values():
        if receiver.targets:
            report.add("receivers", "OK", f"{receiver.name}: {counted(len(receiver.targets), 'target')}")
        else:
            report.add("receivers", "WARN", f"{receiver.name}: no target is set; its alerts show on the page only")
        if any(written_out(spec.template) for spec in receiver.targets):
            what = "a URL with its secret stands in the rules, and so in the database; put it into a variable"
            report.add("receivers", "WARN", f"{receiver.name}: {what}")
    _calendars(report, policy)
    for one in policy.reports:
        report.add("reports", "OK", f"{one} to {', '.join(one.to)}")
    return policy, f"{counted(len(policy.rules), 'rule')} in {counted(len(policy.sources), 'file')}"


def _calendars(report: Report, policy: Policy) -> None:
    now = time.time()
    wrong = with_files(policy, now - BEFORE, now + AHEAD)[1]
    for mute in policy.mutes:
        if is_remote(mute.calendar):
            report.add("mutes", "OK", f"{mute.name}: its calendar is fetched by the running service")
            continue
        for line in (line for line in wrong if mute.calendar and line.startswith(f"ics: {mute.calendar} ")):
            report.add("mutes", "FAIL", f"{mute.name}: {line}; name an iCalendar file, seen from the rule file", _WRONG)
            break
        else:
            if mute.calendar:
                report.add("mutes", "OK", f"{mute.name}: {mute.calendar}")


def _glance(report: Report, settings: Settings) -> Glance | None:
    """One poll, and what of it failed; None where nothing is known by it."""
    part = "metrics API"
    try:
        seen = glance(settings)
    except UnavailableError as cause:
        report.add(part, "FAIL", str(cause), _UNREACHABLE)
        return None
    except ConfigError as cause:
        report.add(part, "FAIL", str(cause), _WRONG)
        return None
    for error in seen.errors:
        report.add(part, "FAIL", str(error), _UNREACHABLE)
    for kind, names in seen.without_readings.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        many = f"{counted(len(names), str(kind))} {'has' if len(names) == 1 else 'have'} no reading"
        what = f"{many}: {', '.join(sorted(names)[:_NAMED])}{more}"
        report.add("readings", "WARN", what, kind=str(kind), entities=sorted(names))
    if not seen.errors:
        report.add(part, "OK", f"{len(seen.fleet)} entities at {settings.streamkap_host}", entities=len(seen.fleet))
    return seen if len(seen.fleet) or not seen.errors else None


def _show(report: Report) -> None:
    out = console()
    colours = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}
    for line in report.lines:
        state = str(line["state"])
        out.print(Text.assemble(f"{line['part']:12} ", (f"{state:5}", colours[state]), str(line["text"])))
