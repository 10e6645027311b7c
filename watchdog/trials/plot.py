"""A picture of a replay: each rule's episodes over time, beside the readings that decided them. Plain SVG."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from watchdog.trials.replay import Report, RuleReport
from watchdog.units import format_duration

_WIDTH, _LEFT, _ROW = 960, 220, 44
_INK, _FAINT, _FIRING, _PENDING, _LINE = "#1d2733", "#d5dbe3", "#c9252d", "#e8a33d", "#2f6db5"


def plot(report: Report) -> str:
    """The SVG; rules that never fired are left out."""
    fired = [rule for rule in report.rules if rule.stretches]
    height = 70 + _ROW * max(1, len(fired))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="DejaVu Sans, sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="14">{escape(_span(report))}</text>',
    ]
    for index, rule in enumerate(fired):
        parts += _row(report, rule, 48 + index * _ROW)
    if not fired:
        parts.append('<text x="16" y="64">nothing would have fired</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(report: Report, rule: RuleReport, top: int) -> list[str]:
    seconds = sum((one.ended or report.end) - one.began for one in rule.stretches)
    count = len(rule.stretches)
    note = f"{count} episode{'s' if count > 1 else ''}, {format_duration(seconds)} in all"
    found = [
        f'<text x="16" y="{top + 12}">{escape(rule.name)}</text>',
        f'<text x="16" y="{top + 28}" font-size="10">{escape(note)}</text>',
        f'<line x1="{_LEFT}" y1="{top + 32}" x2="{_WIDTH - 16}" y2="{top + 32}" stroke="{_FAINT}"/>',
    ]
    for one in rule.stretches:
        title = escape(f"{one.entity}: {one.reason}")
        found.append(_bar(report, one.since, one.began, top, _PENDING, title))
        found.append(_bar(report, one.began, one.ended or report.end, top, _FIRING, title))
    for (entity, metric), series in report.series.items():
        if any((one.entity_id, one.metric) == (entity, metric) for one in rule.stretches):
            found.append(_line(report, series, top))
    return found


def _bar(report: Report, start: float, end: float, top: int, colour: str, title: str) -> str:
    x = _x(report, start)
    width = max(1.5, _x(report, end) - x) if end > start else 0
    return (f'<rect x="{x:.1f}" y="{top + 4}" width="{width:.1f}" height="24" fill="{colour}" fill-opacity="0.75">'
            f"<title>{title}</title></rect>")  # fmt: skip


def _line(report: Report, series: list[tuple[float, float]], top: int) -> str:
    low, high = min(value for _, value in series), max(value for _, value in series)
    height = (high - low) or 1.0
    points = " ".join(f"{_x(report, at):.1f},{top + 30 - 26 * (value - low) / height:.1f}" for at, value in series)
    return f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.2"/>'


def _x(report: Report, at: float) -> float:
    whole = (report.end - report.start) or 1.0
    return _LEFT + (_WIDTH - 16 - _LEFT) * (at - report.start) / whole


def _span(report: Report) -> str:
    def shown(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")

    return f"{shown(report.start)} to {shown(report.end)} UTC, {report.polls} polls"
