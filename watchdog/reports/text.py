"""A report as plain text, for terminals and messages; the sentences it shares with the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from zoneinfo import ZoneInfo

from watchdog.alerts.mutes import NIGHT
from watchdog.reports.report import DayLine, EntityLine, Report, RuleLine, SilenceLine, SilentRule, TargetLine, Times
from watchdog.units import format_duration

NIGHT_HOURS = f"{NIGHT.start // 60:02}:{NIGHT.start % 60:02}-{NIGHT.end // 60:02}:{NIGHT.end % 60:02}"
_WIDTH = 80
_BAR = 24
_MONTH = 32
_LEVELS = " ▁▂▃▄▅▆▇█"
#: Rules, and entities of one rule, that are listed.
MOST_RULES, MOST_ENTITIES = 20, 6


def title_of(report: Report) -> str:
    """`41 alerts, 57 pages (21 at night) from Fri 20 Nov to Fri 27 Nov`."""
    night = f" ({report.pages_at_night} at night)" if report.pages_at_night else ""
    start, end = (f"{local(at, report):%a} {_day(at, report)}" for at in (report.start, report.end))
    days = f"on {end}" if start == end else f"from {start} to {end}"
    return f"{counted(report.episodes, 'alert')}, {counted(report.pages, 'page')}{night} {days}"


def period_of(report: Report) -> str:
    start, end = (f"{local(at, report):%a %d %b %Y %H:%M}" for at in (report.start, report.end))
    return f"{start} to {end} ({report.timezone})"


def summary(report: Report) -> list[str]:
    """The report in a few sentences."""
    if not report.rules:
        return ["Nothing fired."]
    still = f"; {report.firing} still {'fires' if report.firing == 1 else 'fire'}" if report.firing else ""
    said = [f"{counted(report.episodes, 'alert')} fired{still}."]
    if report.pages:
        said.append(f"{counted(report.pages, 'page')} reached somebody: {report.pages_at_night} at night "
                    f"({NIGHT_HOURS}), {report.pages_at_weekend} at the weekend.")  # fmt: skip
    else:
        said.append("Nobody was paged.")
    if report.ended_notified:
        said.append(f"{report.ended_unacknowledged} of {report.ended_notified} resolved before anybody acknowledged.")
    if report.to_acknowledge:
        said.append(f"Time to acknowledge: {duration_words(report.to_acknowledge)}.")
    if report.to_end:
        said.append(f"Time to resolve: {duration_words(report.to_end)}.")
    return said


def duration_words(times: Times) -> str:
    """`median 4m, longest 2h`; `4m` for one."""
    if times.count == 1:
        return format_duration(times.longest)
    return f"median {format_duration(times.median)}, longest {format_duration(times.longest)}"


def median_of(times: Times | None) -> str:
    return "-" if times is None else format_duration(times.median)


def unacknowledged(line: RuleLine) -> str:
    return f"{line.ended_unacknowledged} of {line.ended_notified}" if line.ended_notified else "-"


def remarks(line: RuleLine) -> list[str]:
    """What a rule's numbers leave out: entities, what was carried over, flapping, escalations, advice."""
    said = [entities(line.entities)]
    if line.carried_over:
        said.append(f"{line.carried_over} more began before this period")
    if line.flapping:
        said.append(f"{counted(line.flapping, 'episode')} flapped")
    if line.escalations:
        said.append("escalated once" if line.escalations == 1 else f"escalated {line.escalations} times")
    return said if line.advice is None else [*said, str(line.advice)]


def entities(lines: Sequence[EntityLine]) -> str:
    shown = [
        f"{one.entity}{f' {one.episodes} times' if one.episodes > 1 else ''}{' (still fires)' if one.firing else ''}"
        for one in lines[:MOST_ENTITIES]
    ]
    more = len(lines) - len(shown)
    return ", ".join([*shown, f"{more} more"] if more else shown)


def target_words(line: TargetLine, report: Report) -> str:
    parts = [f"{counted(line.failures, 'message')} not accepted at first"] if line.failures else []
    if line.refused:
        parts.append(f"{line.refused} refused for good")
    if line.failing_since is not None:
        parts.append(f"fails since {clock(line.failing_since, report)}")
    return f"{line.receiver}: {line.target}: {', '.join(parts)}{f' ({line.last_error})' if line.last_error else ''}"


def silence_words(line: SilenceLine, report: Report) -> str:
    comment = f", {line.comment}" if line.comment else ""
    said = f"{line.id[:8]} {line.matchers} (by {line.author or 'nobody'}{comment})"
    if not line.firing:
        return said
    shown = ", ".join(line.firing[:MOST_ENTITIES])
    more = f" and {len(line.firing) - MOST_ENTITIES} more" if len(line.firing) > MOST_ENTITIES else ""
    return f"{said} ends {clock(line.ends, report)}; {shown}{more} still firing"


def silent_words(rules: Iterable[SilentRule], report: Report) -> str:
    """`A, B (last on 3 Nov)`: rules without a date have no episode in the history that is kept."""
    return ", ".join(one.alert if one.last_fired is None else f"{one.alert} (last on {_day(one.last_fired, report)})"
                     for one in rules)  # fmt: skip


def sections(report: Report) -> Iterator[tuple[str, list[str]]]:
    """The lists below the tables, each with its heading; those that are empty are left out."""
    found = (
        ("Silences that end soon over an alert that still fires",
         [silence_words(one, report) for one in report.ending_silences]),
        ("Targets that failed", [target_words(one, report) for one in report.failed_targets]),
        ("Silences that matched nothing", [silence_words(one, report) for one in report.unused_silences]),
        ("Mutes that matched nothing", list(report.unused_mutes)),
        ("Rules that did not fire", [silent_words(report.silent_rules, report)] if report.silent_rules else []),
    )  # fmt: skip
    return ((heading, lines) for heading, lines in found if lines)


def plain_text(report: Report) -> str:
    """The whole report, at most 80 columns wide where the names allow it."""
    lines = [f"Report for {period_of(report)}", ""]
    lines += (part for sentence in summary(report) for part in wrap(sentence, _WIDTH))
    if report.rules:
        lines += ["", *_days(report)]
        if report.pages:
            lines += ["", *_hours(report)]
        lines += ["", *_rules(report)]
        lines += ["", *_receivers(report)] if report.receivers else []
    for heading, items in sections(report):
        lines += ["", heading]
        lines += (part for item in items for part in wrap(item, _WIDTH, initial_indent="  ", subsequent_indent="    "))
    return "\n".join(lines) + "\n"


def days_shown(report: Report) -> list[DayLine]:
    """Every day of a month; of a longer period those on which something fired or somebody was paged."""
    return [one for one in report.days if len(report.days) <= _MONTH or one.episodes or one.pages]


def _days(report: Report) -> Iterator[str]:
    most = max(1, *(one.pages for one in report.days))
    yield f"{'By day':<12}{'episodes':>8}  {'pages':>5}"
    for one in days_shown(report):
        night = f" {one.pages_at_night} at night" if one.pages_at_night else ""
        bar = "█" * round(one.pages / most * _BAR) or ("▏" if one.pages else "")
        yield f"{one.day:%a %d %b}  {one.episodes:>8}  {one.pages:>5}  {bar}{night}".rstrip()


def _hours(report: Report) -> Iterator[str]:
    most = max(report.hours)
    row = "".join(f" {_LEVELS[-(-count * (len(_LEVELS) - 1) // most)]}" for count in report.hours)
    yield f"{'Pages by hour':<13}{row}".rstrip()
    yield f"{'':<13}{''.join(f'{hour:>2}    ' for hour in range(0, 24, 3))}".rstrip()


def _rules(report: Report) -> Iterator[str]:
    shown = report.rules[:MOST_RULES]
    width = min(34, max(12, *(len(one.alert) for one in shown)))
    yield (f"{'Rule':<{width}} {'episodes':>8} {'pages':>6} {'night':>6} {'no ack':>9} {'to ack':>7} {'to end':>7}")
    for one in shown:
        yield (f"{one.alert:<{width}} {one.episodes:>8} {one.pages:>6} {one.pages_at_night:>6} "
               f"{unacknowledged(one):>9} {median_of(one.to_acknowledge):>7} {median_of(one.to_end):>7}")  # fmt: skip
        for remark in remarks(one):
            yield from wrap(remark, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    if len(report.rules) > len(shown):
        yield f"and {counted(len(report.rules) - len(shown), 'more rule')}"
    yield "no ack: resolved before anybody acknowledged; to ack, to end: medians"


def _receivers(report: Report) -> Iterator[str]:
    width = max(12, *(len(one.receiver) for one in report.receivers))
    yield f"{'Receiver':<{width}} {'pages':>6} {'night':>6} {'weekend':>8} {'all messages':>13}"
    for one in report.receivers:
        yield (f"{one.receiver:<{width}} {one.pages:>6} {one.pages_at_night:>6} {one.pages_at_weekend:>8} "
               f"{one.messages:>13}")  # fmt: skip


def counted(count: int, one: str) -> str:
    """`1 page`, `25 pages`."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def local(at: datetime, report: Report) -> datetime:
    return at.astimezone(ZoneInfo(report.timezone))


def clock(at: datetime, report: Report) -> str:
    return f"{local(at, report):%a %d %b %H:%M}"


def _day(at: datetime, report: Report) -> str:
    day = local(at, report)
    return f"{day.day} {day:%b}"
