"""`watchdog check`: settings, rules and receivers, line by line what is fine and what is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.text import Text

from watchdog.app.starting import client_of, poller_of
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.configuration.files import load
from watchdog.cycle.policy import Policy
from watchdog.delivery.targets import check_url
from watchdog.errors import ConfigError, RuleFileError, UnavailableError
from watchdog.readings.ages import Ages
from watchdog.readings.history import History
from watchdog.readings.roster import Roster
from watchdog.rules.evaluate import Evaluator
from watchdog.rules.verdicts import TRUE, UNKNOWN
from watchdog.settings import Settings, unknown_variables, variables
from watchdog.units import format_duration


@dataclass(slots=True)
class Report:
    """Lines of what was looked at; the worst of them decides the exit code."""

    lines: list[dict[str, object]] = field(default_factory=list)
    code: int = 0

    def add(self, part: str, state: str, text: str, code: int = 0) -> None:
        self.lines.append({"part": part, "state": state, "text": text})
        self.code = max(self.code, code)


def check(path: Path | None, *, live: bool, as_json: bool) -> int:
    """0 where everything is fine, 2 for mistakes, 3 where `live` could not reach the API."""
    report = Report()
    settings = _step(report, "settings", lambda: _settings(report))
    where = path or (settings.watchdog_rules if settings is not None else Path("rules"))
    policy = _step(report, "rules", lambda: _rules(report, where))
    if live and settings is not None and policy is not None:
        _step(report, "metrics API", lambda: _live(report, settings, policy))
    if as_json:
        print_json({"lines": report.lines, "exit_code": report.code})
    else:
        _show(report)
    return report.code


_T = TypeVar("_T")


def _step(report: Report, part: str, look: Callable[[], tuple[_T, str]]) -> _T | None:
    """One part: what it holds, or why it cannot be used."""
    try:
        value, text = look()
    except UnavailableError as cause:
        report.add(part, "FAIL", str(cause), 3)
        return None
    except RuleFileError as cause:
        for mistake in cause.mistakes:
            report.add(part, "FAIL", str(mistake), 2)
        return None
    except ConfigError as cause:
        for line in str(cause).splitlines():
            report.add(part, "FAIL", line, 2)
        return None
    report.add(part, "OK", text)
    return value


def _settings(report: Report) -> tuple[Settings, str]:
    settings = Settings.load()
    for warning in unknown_variables(variables()):
        report.add("settings", "WARN", warning)
    if not settings.has_credentials:
        what = "no credentials for Streamkap; `watchdog run` needs STREAMKAP_CLIENT_ID and STREAMKAP_SECRET"
        report.add("settings", "WARN", what)
    return settings, f"poll every {format_duration(settings.watchdog_poll_every)}, {settings.streamkap_host}"


def _rules(report: Report, path: Path) -> tuple[Policy, str]:
    policy = load(path, variables(), check_url=check_url)
    for warning in policy.warnings:
        report.add("rules", "WARN", str(warning))
    for receiver in policy.receivers.values():
        targets = len(receiver.targets)
        if targets:
            report.add("receivers", "OK", f"{receiver.name}: {targets} target{'s' if targets > 1 else ''}")
        else:
            report.add("receivers", "WARN", f"{receiver.name}: no target is set; its alerts show on the page only")
    return policy, f"{len(policy.rules)} rules in {len(policy.sources)} files"


def _live(report: Report, settings: Settings, policy: Policy) -> tuple[None, str]:
    """Sign in, poll once, and tell what each rule matches."""
    with client_of(settings) as client:
        polled = poller_of(settings, client).poll(time.time())
    for error in polled.failures.errors:
        report.add("metrics API", "FAIL", str(error), 3)
    roster, _ = Roster.of([], polled.at).after(polled.listing, polled.at)
    ages, history = Ages(), History()
    snapshot = polled.snapshot(roster.fleet)
    ages.update(snapshot, polled)
    evaluator = Evaluator(policy.rules, settings.watchdog_poll_every)
    history.want(evaluator.wanted)
    snapshot = ages.beside(snapshot)
    history.record(snapshot)
    for verdicts in evaluator.judge(snapshot, history):
        rule, count = verdicts.rule, len(verdicts.rows)
        if rule.each == "watchdog":
            continue  # it judges the service, which does not run here
        true, unknown = int((verdicts.truth == TRUE).sum()), int((verdicts.truth == UNKNOWN).sum())
        text = f"{rule.name}: covers {count} of {len(verdicts.table)} {rule.each}s, {true} true now"
        if unknown:
            why = "its windows fill while the service runs" if rule.expr.windows else "they have no such reading"
            text += f", {unknown} unknown ({why})"
        never = not count or (unknown == count and not rule.expr.windows)
        report.add("matches", "WARN" if never else "OK", text)
    return None, f"{len(roster.fleet)} entities at {settings.streamkap_host}"


def _show(report: Report) -> None:
    out = console()
    colours = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}
    for line in report.lines:
        state = str(line["state"])
        out.print(Text.assemble(f"{line['part']:12} ", (f"{state:5}", colours[state]), str(line["text"])))
