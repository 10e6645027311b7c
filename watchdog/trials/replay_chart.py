"""A picture of a replay: each rule's episodes over time, with the readings that decided them. Plain SVG."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from watchdog.notify.rendering import in_words, unit_of
from watchdog.readings.fleet import EntityKey
from watchdog.rules.rule import Quantity
from watchdog.trials.replay import Readings, Report, RuleReport
from watchdog.units import format_duration

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BAND = 960, 240, 16, 56, 62, 40
_INK, _FAINT, _RULE, _FIRING, _PENDING, _LINE = "#1d2733", "#5b6876", "#d5dbe3", "#e5898e", "#f3cf9c", "#1c5fa8"
#: Lines of one rule: those of the entities that fired longest.
_LINES = 5
#: Steps of the time axis in seconds, the smallest that makes at most so many marks.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_MARKS = 9

Series = list[tuple[float, float]]


def plot(report: Report, readings: Readings) -> str:
    """The SVG; rules that never fired are left out."""
    fired = [rule for rule in report.rules if rule.stretches]
    bottom = _TOP + _ROW * max(1, len(fired))
    height = bottom + 28
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="DejaVu Sans, sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="14">{escape(_span(report))}</text>',
        *_legend(),
        *_axis(report, bottom),
    ]
    for index, rule in enumerate(fired):
        parts += _row(report, rule, readings, _TOP + index * _ROW)
    if not fired:
        parts.append(f'<text x="16" y="{_TOP + 16}">nothing would have fired</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    x = 600.0
    for colour, words in ((_PENDING, "pending"), (_FIRING, "firing")):
        yield f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="24" font-size="11">{words}</text>'
        x += 84
    yield f'<line x1="{x}" y1="20" x2="{x + 14}" y2="20" stroke="{_LINE}" stroke-width="1.5"/>'
    yield f'<text x="{x + 20}" y="24" font-size="11">what decided it</text>'


def _axis(report: Report, bottom: int) -> Iterator[str]:
    whole = report.end - report.start
    step = next((one for one in _STEPS if whole / one <= _MARKS), _STEPS[-1] * math.ceil(whole / _STEPS[-1] / _MARKS))
    form = "%H:%M:%S" if step < 60 else "%H:%M" if whole <= 86400 else "%b %d %H:%M"
    at = math.ceil(report.start / step) * step
    while at <= report.end:
        x = _x(report, at)
        words = datetime.fromtimestamp(at, UTC).strftime(form)
        anchor = "end" if x > _WIDTH - 50 else "middle"  # what stands at the edge stays inside
        yield f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{_RULE}"/>'
        place = f'x="{x:.1f}" y="{bottom + 16}" text-anchor="{anchor}"'
        yield f'<text {place} font-size="10" fill="{_FAINT}">{words}</text>'
        at += step


def _row(report: Report, rule: RuleReport, readings: Readings, top: int) -> Iterator[str]:
    count, floor = len(rule.stretches), top + _BAND
    seconds = sum((one.ended or report.end) - one.began for one in rule.stretches)
    note = f"{count} episode{'s' if count > 1 else ''}, {format_duration(seconds)} in all"
    yield f'<text x="16" y="{top + 12}">{escape(rule.name)}</text>'
    yield f'<text x="16" y="{top + 27}" font-size="10">{escape(note)}</text>'
    for one in rule.stretches:
        title = escape(f"{one.entity}: {one.reason}")
        yield from _bar(report, one.since, one.began, top, _PENDING, title)
        yield from _bar(report, one.began, one.ended or report.end, top, _FIRING, title)
    yield f'<line x1="{_LEFT}" y1="{floor}" x2="{_WIDTH - _RIGHT}" y2="{floor}" stroke="{_RULE}"/>'
    longest: Counter[tuple[EntityKey, str]] = Counter()
    for one in rule.stretches:
        longest[one.key] += int((one.ended or report.end) - one.began) + 1
    shown = [(key, series) for key, _ in longest.most_common() if (series := _known(readings, key))][:_LINES]
    if not shown:
        return
    values = [value for _, series in shown for _, value in series if not math.isnan(value)]
    low, high = min(values), max(values)
    for _, series in shown:
        yield from _lines(report, series, low, high, floor)
    metrics = sorted({metric for (_, metric), _ in shown})
    if len(metrics) == 1:
        unit = unit_of(metrics[0])
        ends = f"{in_words(Quantity(low, unit))} to {in_words(Quantity(high, unit))}"
        yield f'<text x="16" y="{top + 39}" font-size="9" fill="{_FAINT}">{escape(metrics[0])}</text>'
        yield f'<text x="16" y="{top + 50}" font-size="9" fill="{_FAINT}">{escape(ends)}</text>'


def _known(readings: Readings, key: tuple[EntityKey, str]) -> Series:
    """Its readings; none where not one is a number, as with states."""
    series = readings.get(key, [])
    return series if any(not math.isnan(value) for _, value in series) else []


def _bar(report: Report, start: float, end: float, top: int, colour: str, title: str) -> Iterator[str]:
    if end < start or (end == start and colour == _PENDING):
        return
    x = _x(report, start)
    width = max(1.5, _x(report, end) - x)
    yield (f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_BAND}" fill="{colour}" fill-opacity="0.8">'
           f"<title>{title}</title></rect>")  # fmt: skip


def _lines(report: Report, series: Series, low: float, high: float, floor: int) -> Iterator[str]:
    """A line, broken where there was no reading."""
    height, points = (high - low) or 1.0, [""]
    for at, value in series:
        if math.isnan(value):
            points.append("")
        else:
            points[-1] += f" {_x(report, at):.1f},{floor - 2 - (_BAND - 4) * (value - low) / height:.1f}"
    for line in filter(None, points):
        yield f'<polyline points="{line.strip()}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'


def _x(report: Report, at: float) -> float:
    whole = (report.end - report.start) or 1.0
    return _LEFT + (_WIDTH - _RIGHT - _LEFT) * (at - report.start) / whole


def _span(report: Report) -> str:
    def shown(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")

    return f"{shown(report.start)} to {shown(report.end)} UTC, {report.polls} polls"
