"""`watchdog diff`: two configurations over the same recorded polls, and what differs in effect."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, instant, shown, table
from watchdog.commands.recorded import (
    downloaded,
    last_instant,
    recorded_answers,
    recorded_polls,
    with_calendars,
)
from watchdog.commands.revisions import policy_named, running_policy
from watchdog.configuration.mutes import check_zone
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError
from watchdog.readings.poll import Poll
from watchdog.settings import Settings
from watchdog.trials.replay import Replay, interval_of
from watchdog.trials.rule_diff import Difference, Pages, RuleDifference, Side, difference
from watchdog.units import format_duration, parse_duration

#: Entities and shifts that are named in a line.
_NAMED = 5
#: A recording ends before now: so many seconds more are fetched than --since says.
_SPARE = 3600.0


def diff(
    old: str | None,
    new: str | None,
    *,
    since: str | None,
    recording: Path | None,
    api: str | None,
    timezone: str,
    as_json: bool,
    markdown: bool,
) -> int:
    """0 where nothing differs in effect, else 1.

    Raises ConfigError for rules, a recording or options that cannot be used; ApiError and StoreError.
    """
    if recording is not None and api is not None:
        raise ConfigError("--recording and --api: name one of them")
    if as_json and markdown:
        raise ConfigError("--json and --markdown: name one of them")
    try:
        check_zone(timezone)
    except ValueError as cause:
        raise ConfigError(f"--timezone: {cause}") from None
    settings = Settings.load()
    names = _names(old, new, settings)
    before = running_policy(settings) if old is None else policy_named(old, settings)
    after = policy_named(names[1], settings)
    before, after = (with_calendars(one, time.time()) for one in (before, after))
    back = _back(since)
    with tempfile.TemporaryDirectory() as folder:
        if api is not None:
            recording = downloaded(settings, api, 0.0 if back is None else time.time() - back - _SPARE, Path(folder))
        found = _played(settings, recording, back, before, after, partial(_local, timezone))
    if as_json:
        print_json({"old": names[0], "new": names[1], "timezone": timezone, **_object(found)})
    elif markdown:
        sys.stdout.write(_markdown(found, names))
    else:
        _show(found, names)
    return 1 if found else 0


def _names(old: str | None, new: str | None, settings: Settings) -> tuple[str, str]:
    return "what runs" if old is None else old, str(settings.watchdog_rules) if new is None else new


def _back(since: str | None) -> float | None:
    """How far back from the end of the recording, in seconds; None for all of it."""
    if since is None:
        return None
    try:
        back = parse_duration(since)
    except ValueError as cause:
        raise ConfigError(f"--since: {cause}") from None
    if back <= 0:
        raise ConfigError(f"--since: '{since}' is no time at all; write a duration, e.g. 7d")
    return back


def _local(timezone: str, at: float) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(timezone))


def _played(
    settings: Settings, file: Path | None, back: float | None, old: Policy, new: Policy, local: Any
) -> Difference:
    end = last_instant(settings, file)
    start = 0.0 if back is None or end is None else end - back
    polls = partial(recorded_polls, settings, file, start)
    every = interval_of(polls(), settings.watchdog_poll_every)
    answers = recorded_answers(settings, file, start)
    replays = Replay(old, every, answers), Replay(new, every, answers)
    played = 0
    for poll in _with_progress(polls(), end):
        played += 1
        for one in replays:
            one.judge(poll)
    if not played:
        raise ConfigError("there is no poll to play")
    return difference(old, new, replays[0].report(), replays[1].report(), local)


def _with_progress(polls: Iterable[Poll], end: float | None) -> Iterator[Poll]:
    """The polls, with a bar on a terminal's standard error."""
    columns = TextColumn("playing polls"), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        bar = progress.add_task("")
        start: float | None = None
        for poll in polls:
            start = poll.at if start is None else start
            total = None if end is None else end - start
            progress.update(bar, completed=poll.at - start, total=total, description=instant(poll.at) or "")
            yield poll


# -- for people


def _show(found: Difference, names: tuple[str, str]) -> None:
    out = console()
    lasted = format_duration(found.end - found.start)
    out.print(f"{names[0]} -> {names[1]}, over {found.polls} polls of {lasted} ({shown(found.start)} to "
              f"{shown(found.end)})\n", markup=False)  # fmt: skip
    if not found:
        out.print("nothing differs in effect", markup=False)
        return
    if found.rules:
        table(("rule", "episodes", "firing for", "pages", "at night", "at the weekend"), map(_row, found.rules))
    for one in found.rules:
        out.print()
        out.print(one.rule, style="bold", markup=False)
        for line in _details(one):
            out.print(f"  {line}", markup=False)
    for receiver in found.receivers:
        out.print()
        out.print(f"receiver {receiver.receiver}", style="bold", markup=False)
        for sign, targets in (("+", receiver.added), ("-", receiver.removed)):
            for target in targets:
                out.print(f"  {sign} {target}", markup=False)
    if found.largest:
        out.print()
        rows = [(one.rule, one.entity, one.what, one.why) for one in found.largest]
        table(("largest differences", "entity", "what", "why"), rows)


def _row(one: RuleDifference) -> tuple[str, ...]:
    old, new = one.old, one.new
    was, now = _total(old), _total(new)
    return (
        one.rule,
        _change(_of(old, "episodes"), _of(new, "episodes")),
        _change(*(None if side is None else format_duration(side.seconds) for side in (old, new))),
        _change(*(None if side is None else pages.count for side, pages in ((old, was), (new, now)))),
        _change(*(None if side is None else pages.night for side, pages in ((old, was), (new, now)))),
        _change(*(None if side is None else pages.weekend for side, pages in ((old, was), (new, now)))),
    )


def _of(side: Side | None, name: str) -> object:
    return None if side is None else getattr(side, name)


def _total(side: Side | None) -> Pages:
    pages = [] if side is None else list(side.pages.values())
    return Pages(sum(one.count for one in pages), sum(one.night for one in pages), sum(one.weekend for one in pages))


def _change(old: object, new: object) -> str:
    """`3 -> 1`; one number where both are the same, `-` for a rule that is not there."""
    return str(new) if old == new else f"{'-' if old is None else old} -> {'-' if new is None else new}"


def _details(one: RuleDifference) -> Iterator[str]:
    yield from one.edits
    old, new = ({} if side is None else side.pages for side in (one.old, one.new))
    for receiver in sorted({*old, *new}):
        was, now = old.get(receiver, Pages()), new.get(receiver, Pages())
        if was != now:
            yield (f"pages to {receiver}: {_change(was.count, now.count)} (at night {_change(was.night, now.night)}, "
                   f"at the weekend {_change(was.weekend, now.weekend)})")  # fmt: skip
    was_ended, is_ended = ({} if side is None else side.ends for side in (one.old, one.new))
    for receiver in sorted({*was_ended, *is_ended}):
        if was_ended.get(receiver, 0) != is_ended.get(receiver, 0):
            yield f"ends notified to {receiver}: {_change(was_ended.get(receiver, 0), is_ended.get(receiver, 0))}"
    if one.gained:
        yield f"covers also {_some(one.gained)}"
    if one.lost:
        yield f"covers no longer {_some(one.lost)}"
    for words, shifts in (("earlier", [-shift.by for shift in one.shifts if shift.by < 0]),
                          ("later", [shift.by for shift in one.shifts if shift.by > 0])):  # fmt: skip
        if shifts:
            typical = format_duration(sorted(shifts)[len(shifts) // 2])
            begin = "episode begins" if len(shifts) == 1 else "episodes begin"
            yield f"{len(shifts)} {begin} {words}, by {typical} (median)"


def _some(names: tuple[str, ...]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _markdown(found: Difference, names: tuple[str, str]) -> str:
    """A comment for a pull request."""
    lasted = format_duration(found.end - found.start)
    lines = ["### What this edit does", "",
             f"`{names[0]}` → `{names[1]}`, played over {found.polls} recorded polls of {lasted}.", ""]  # fmt: skip
    if not found:
        return "\n".join([*lines, "Nothing differs in effect.", ""])
    if found.rules:
        lines += [
            "| rule | episodes | firing for | pages | at night | at the weekend |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += ["| " + " | ".join(_cell(cell) for cell in _row(one)) + " |" for one in found.rules]
        lines.append("")
    for one in found.rules:
        details = [f"- {_cell(line)}" for line in _details(one)]
        lines += [f"**{_cell(one.rule)}**", "", *details, ""] if details else []
    for receiver in found.receivers:
        lines += [f"**receiver {_cell(receiver.receiver)}**", ""]
        lines += [f"- added `{target}`" for target in receiver.added]
        lines += [*(f"- removed `{target}`" for target in receiver.removed), ""]
    if found.largest:
        lines += ["| largest differences | what | why |", "| --- | --- | --- |"]
        lines += [
            f"| {_cell(f'{one.rule} {one.entity}'.strip())} | {_cell(one.what)} | {_cell(one.why)} |"
            for one in found.largest
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A text that stays in its cell and is no markup."""
    for character in "\\`*_|<>[]":
        text = text.replace(character, f"\\{character}")
    return text.replace("-\\>", "→").replace("\n", " ")


def _object(found: Difference) -> dict[str, Any]:
    made = asdict(found)
    for rule in made["rules"]:
        for shift in rule["shifts"]:
            shift["began"] = instant(shift["began"])
    return {**made, "differs": bool(found), "start": instant(found.start), "end": instant(found.end)}
