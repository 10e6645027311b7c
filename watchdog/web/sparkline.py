"""A sparkline: the last hours of one metric as a small SVG, without axes. The words beside it carry the figure."""

from __future__ import annotations

from html import escape

import numpy as np

from watchdog.readings.trace import Line

_WIDTH, _HEIGHT, _PAD = 120, 24, 2
#: Wider than the eye can tell apart at this size.
_MOST = 60


def sparkline(line: Line, label: str, limit: float | None = None) -> str:
    """The SVG; a gap breaks the line. `label` says what it shows; `limit` is drawn across, where there is one."""
    values, times = line.values, line.times
    if len(values) > _MOST:
        kept = np.linspace(0, len(values) - 1, _MOST).round().astype(int)
        values, times = values[kept], times[kept]
    known = values[~np.isnan(values)]
    reach: list[float] = [0.0, *known.tolist(), *([] if limit is None else [limit])]
    low, height = min(reach), (max(reach) - min(reach)) or 1.0
    first = float(times[0])
    span = float(times[-1]) - first or 1.0

    def y(value: float) -> float:
        return _HEIGHT - _PAD - (value - low) / height * (_HEIGHT - 2 * _PAD)

    pieces: list[list[str]] = [[]]
    for at, value in zip(times.tolist(), values.tolist(), strict=True):
        if np.isnan(value):
            pieces.append([])
            continue
        x = _PAD + (at - first) / span * (_WIDTH - 2 * _PAD)
        pieces[-1].append(f"{x:.1f} {y(value):.1f}")
    path = "".join(f"M{' L'.join(piece)}{'h.5' if len(piece) == 1 else ''}" for piece in pieces if piece)
    across = "" if limit is None else f'<path class="limit" d="M{_PAD} {y(limit):.1f}H{_WIDTH - _PAD}"/>'
    return (
        f'<svg class="spark" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{across}<path d="{path}"/></svg>'
    )
