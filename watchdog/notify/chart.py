"""The picture of an episode: the deciding metric over the last hours, its limit, and when it fired. Plain SVG.

The same picture goes into mails (as PNG) and onto the page (where the style sheet colours its classes for light and
dark), so that who looks at both sees one thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import numpy as np

from watchdog.readings.chart_history import Line
from watchdog.rules.rule import Quantity
from watchdog.units import format_bytes, format_duration, format_number

_WIDTH, _HEIGHT = 640, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 30, 26
_INK, _FAINT, _RULE, _LIMIT, _FIRING, _LINE = "#1d2733", "#5b6876", "#d5dbe3", "#b3141d", "#fbe3e4", "#1c5fa8"
_TICKS = 4
#: Steps of a time axis, in seconds.
_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn. `limit` None where the rule compares something else than the metric itself; `began`, `ended` of
    the episode (None: it still fires); `now` is the right edge."""

    metric: str
    unit: str
    line: Line
    began: float
    now: float
    limit: float | None = None
    ended: float | None = None


def draw(picture: Picture) -> str:
    """The SVG, 640 by 190; it needs at least one number."""
    known = picture.line.values[~np.isnan(picture.line.values)]
    if not len(known):
        raise ValueError(f"nothing to draw of {picture.metric}: there is no number")
    start = min(float(picture.line.times[0]), picture.began)
    end = max(picture.now, start + 1.0)
    ends = [*known.tolist(), *([] if picture.limit is None else [picture.limit])]
    low, high = _range(min(ends), max(ends))

    def x(at: float) -> float:
        return _LEFT + (at - start) / (end - start) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    title = f"{picture.metric}, {_day(start)} to {_day(end)} UTC"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" class="chart" role="img" aria-label="{escape(_spoken(picture, known))}" '
        f'font-family="DejaVu Sans, sans-serif" font-size="11" fill="{_FAINT}">',
        f'<text class="chart-title" x="{_LEFT}" y="16" font-size="12" fill="{_INK}">{escape(title)}</text>',
    ]
    shade_from, shade_to = x(picture.began), x(end if picture.ended is None else picture.ended)
    parts.append(
        f'<rect class="chart-firing" x="{shade_from:.1f}" y="{_TOP}" width="{max(1.5, shade_to - shade_from):.1f}" '
        f'height="{bottom - _TOP}" fill="{_FIRING}"/>'
    )
    label_at = min(shade_from + 4, right - 34)
    parts.append(f'<text class="chart-limit" x="{label_at:.1f}" y="{_TOP - 3}" fill="{_LIMIT}">firing</text>')
    for value in _ticks(low, high, picture.unit):
        parts.append(
            f'<line class="chart-rule" x1="{_LEFT}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            f'stroke="{_RULE}"/><text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">'
            f"{escape(in_unit(value, picture.unit))}</text>"
        )
    for at, text in _clock(start, end):
        parts.append(f'<text x="{x(at):.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    if picture.limit is not None:
        at, words = y(picture.limit), f"limit {in_unit(picture.limit, picture.unit)}"
        above = at - 4 if at - 4 > _TOP + 22 else at + 13
        parts.append(
            f'<line class="chart-limit-line" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="{_LIMIT}" '
            f'stroke-dasharray="5 4"/><text class="chart-limit" x="{_LEFT + 4}" y="{above:.1f}" fill="{_LIMIT}">'
            f"{escape(words)}</text>"
        )
    for points in _stretches(picture.line):
        if len(points) == 1:
            at, value = points[0]
            parts.append(f'<circle class="chart-dot" cx="{x(at):.1f}" cy="{y(value):.1f}" r="2" fill="{_LINE}"/>')
        else:
            path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
            parts.append(
                f'<polyline class="chart-line" points="{path}" fill="none" stroke="{_LINE}" stroke-width="1.8"/>'
            )
    return "\n".join([*parts, "</svg>"])


def in_unit(value: float, unit: str) -> str:
    """A value on an axis: short, with its unit."""
    if unit in ("ms", "s"):
        seconds = value / 1000 if unit == "ms" else value
        return f"-{format_duration(-seconds)}" if seconds < 0 else format_duration(seconds)
    return format_bytes(value) if unit == "bytes" else format_number(value)


def limit_of(value: Quantity | None, limit: Quantity | None, reading: float | str | None) -> float | None:
    """The limit on the metric's own scale; None where what was compared is not the reading itself (a rate, a sum)."""
    if value is None or limit is None or value.value != reading:
        return None
    return float(limit.value) if isinstance(limit.value, int | float) else None


def _stretches(line: Line) -> Iterator[list[tuple[float, float]]]:
    """The line in pieces, broken where there was no reading."""
    piece: list[tuple[float, float]] = []
    for at, value in zip(line.times.tolist(), line.values.tolist(), strict=True):
        if not math.isnan(value):
            piece.append((at, value))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _range(low: float, high: float) -> tuple[float, float]:
    """The scale: from zero where that is near, with room above."""
    if low > 0 and low < high * 0.6:
        low = 0.0
    if low == high:
        low, high = (0.0, high) if high > 0 else (low, 0.0) if low < 0 else (0.0, 1.0)
    return low, high + (high - low) * 0.12


def _ticks(low: float, high: float, unit: str) -> list[float]:
    """A few values on the scale that are round in their unit."""
    rough = (high - low) / _TICKS
    scale = {"ms": 1000.0, "s": 1.0}.get(unit)
    if scale is not None and scale <= rough <= scale * _CLOCK[-1]:
        step = scale * next(one for one in _CLOCK if one * scale >= rough)
    else:
        base = 1024.0 ** max(0, math.floor(math.log(max(rough, 1.0), 1024))) if unit == "bytes" else 1.0
        power = base * 10.0 ** math.floor(math.log10(rough / base))
        step = next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= rough * 0.999)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)][: _TICKS + 2]


def _clock(start: float, end: float) -> list[tuple[float, str]]:
    """Round times of day along the axis."""
    step = next((one for one in _CLOCK if (end - start) / one <= 7), 4 * _CLOCK[-1])
    first = math.ceil(start / step) * step
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    return [(at, datetime.fromtimestamp(at, UTC).strftime(form)) for at in range(int(first), int(end) + 1, step)]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%b %d %H:%M")


def _spoken(picture: Picture, known: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """The picture in words, for who cannot see it."""
    figures = {"last": known[-1], "lowest": known.min(), "highest": known.max()}
    words = [f"{name} {in_unit(float(value), picture.unit)}" for name, value in figures.items()]
    if picture.limit is not None:
        words.append(f"limit {in_unit(picture.limit, picture.unit)}")
    return f"{picture.metric} over time: {', '.join(words)}"
