"""A sparkline: the last hours of one metric as a small SVG, without axes. The words beside it carry the figure."""

from __future__ import annotations

from html import escape

import numpy as np

from watchdog.readings.trace import Line

_WIDTH, _HEIGHT, _PAD = 120, 24, 2
#: Wider than the eye can tell apart at this size.
_MOST = 60


def sparkline(line: Line, label: str) -> str:
    """The SVG; a gap breaks the line. `label` says what it shows."""
    values, times = line.values, line.times
    if len(values) > _MOST:
        kept = np.linspace(0, len(values) - 1, _MOST).round().astype(int)
        values, times = values[kept], times[kept]
    known = values[~np.isnan(values)]
    low = min(0.0, float(known.min())) if len(known) else 0.0
    height = (float(known.max()) - low if len(known) else 0.0) or 1.0
    first = float(times[0])
    span = float(times[-1]) - first or 1.0
    pieces: list[list[str]] = [[]]
    for at, value in zip(times.tolist(), values.tolist(), strict=True):
        if np.isnan(value):
            pieces.append([])
            continue
        x = _PAD + (at - first) / span * (_WIDTH - 2 * _PAD)
        y = _HEIGHT - _PAD - (value - low) / height * (_HEIGHT - 2 * _PAD)
        pieces[-1].append(f"{x:.1f} {y:.1f}")
    path = "".join(f"M{' L'.join(piece)}{'h.5' if len(piece) == 1 else ''}" for piece in pieces if piece)
    return (
        f'<svg class="spark" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}"><path d="{path}"/></svg>'
    )
