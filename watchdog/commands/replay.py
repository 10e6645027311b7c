"""`watchdog replay`: what the rules would have done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from watchdog.alerts.answers import Answers
from watchdog.app.startup import client_of
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, instant, shown, table
from watchdog.commands.recorded import recorded_answers, recorded_polls, with_calendars
from watchdog.configuration.files import load
from watchdog.delivery.png import png_of
from watchdog.errors import ConfigError
from watchdog.readings.poll import Poll
from watchdog.settings import Settings
from watchdog.streamkap.timeseries import read_past
from watchdog.trials.replay import Report, RuleReport, interval_of, readings_behind
from watchdog.trials.replay import replay as play
from watchdog.trials.replay_chart import plot as draw
from watchdog.trials.timeseries import polls_of
from watchdog.units import format_duration, parse_duration

#: Episodes of one rule that are listed on a terminal.
_LISTED = 10


def replay(file: Path | None, *, since: str | None, rules: Path | None, plot: Path | None, as_json: bool) -> int:
    """0; raises ConfigError for a recording, rules or times that cannot be used, ApiError where the API cannot."""
    settings = Settings.load()
    if file is not None and since is not None:
        raise ConfigError("name a recording or say --from 24h, not both")
    if plot is not None and plot.suffix not in (".svg", ".png"):
        raise ConfigError(f"--plot {plot}: write a file name that ends in .svg or .png")
    policy = with_calendars(load(rules or settings.watchdog_rules, {}, expand=False), time.time())
    polls = _polls(settings, file, since)
    every = interval_of(polls(), settings.watchdog_poll_every)
    answers = Answers() if since is not None else recorded_answers(settings, file)
    report = play(polls(), policy, every, answers)
    if not report.polls:
        raise ConfigError("there is no poll to play")
    if plot is not None:
        _save(draw(report, readings_behind(report, polls())), plot)
    if as_json:
        print_json(_object(report))
    else:
        _show(report)
    return 0


def _save(picture: str, file: Path) -> None:
    data = png_of(picture) if file.suffix == ".png" else picture.encode()
    if data is None:
        raise ConfigError(f"--plot {file}: it cannot be drawn as a PNG here; write a file name that ends in .svg")
    try:
        file.write_bytes(data)
    except OSError as cause:
        raise ConfigError(f"--plot {file}: cannot be written: {cause.strerror}") from cause


def _polls(settings: Settings, file: Path | None, since: str | None) -> Callable[[], Iterable[Poll]]:
    """The polls from the first on, each time it is called."""
    if since is None:
        return partial(recorded_polls, settings, file)
    try:
        back = parse_duration(since)
    except ValueError as cause:
        raise ConfigError(f"--from: {cause}") from cause
    now = time.time()
    with client_of(settings) as client:
        past = read_past(client, now - back, now)
    return partial(polls_of, past, now - back, now, max(60.0, settings.watchdog_poll_every))


def _show(report: Report) -> None:
    out = console()
    lasted = format_duration(report.end - report.start)
    failed = f", {report.failed} with failed requests" if report.failed else ""
    when = f"{shown(report.start)} to {shown(report.end)}"
    out.print(f"{report.polls} polls over {lasted}{failed}: {when}\n", markup=False)
    fired = [rule for rule in report.rules if rule.stretches]
    rows = []
    for rule in sorted(fired, key=lambda one: -len(one.stretches)):
        lengths = sorted((one.ended or report.end) - one.began for one in rule.stretches)
        rows.append((rule.name, len(lengths), format_duration(lengths[len(lengths) // 2]), format_duration(lengths[-1]),
                     rule.advice))  # fmt: skip
    table(("rule", "episodes", "median", "longest", "advice"), rows, empty="nothing would have fired")
    for rule in fired:
        out.print()
        table((rule.name, "began", "lasted", "why"), _episodes(rule, report.end))
        if len(rule.stretches) > _LISTED:
            out.print(f"and {len(rule.stretches) - _LISTED} more; --json lists them all", markup=False)
    if report.messages:
        counted = [
            (receiver, sum(kinds.values()), ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
            for receiver, kinds in sorted(report.messages.items())
        ]
        out.print()
        table(("receiver", "messages", ""), counted)
    blind = [rule for rule in report.rules if not rule.evaluation]
    if blind:
        out.print()
        table(("could not be judged", "why"), [(rule.name, rule.why) for rule in blind])


def _episodes(rule: RuleReport, until: float) -> list[tuple[str, str, str, str]]:
    """The first ones: who, when, for how long, and why."""
    return [
        (one.entity, shown(one.began), f"{format_duration((one.ended or until) - one.began)}"
         + (", still fires" if one.ended is None else ""), one.reason)
        for one in sorted(rule.stretches, key=lambda one: one.began)[:_LISTED]
    ]  # fmt: skip


def _object(report: Report) -> dict[str, object]:
    return {
        "start": instant(report.start),
        "end": instant(report.end),
        "polls": report.polls,
        "failed_polls": report.failed,
        "rules": [
            {
                "alert": rule.name,
                "judged": rule.evaluation,
                "why_not": rule.why,
                "advice": rule.advice,
                "episodes": [
                    {"entity": one.entity, "since": instant(one.since), "began": instant(one.began),
                     "ended": instant(one.ended), "lasted": (one.ended or report.end) - one.began,
                     "reason": one.reason} for one in rule.stretches
                ],
            }
            for rule in report.rules
        ],
        "messages": {receiver: dict(kinds) for receiver, kinds in report.messages.items()},
    }  # fmt: skip
