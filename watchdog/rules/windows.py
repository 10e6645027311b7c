"""Functions over time: the readings of one metric in `(now-w, now]`, and the base, the last one at or before `now-w`.

Without a base at most three polls older than the window, or without any reading in it, the result is unknown. A window
that looks back more than 24h reads the long memory: one value in each ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from watchdog.readings.fleet import Kind
from watchdog.readings.history import History, Series
from watchdog.readings.long_memory import Row
from watchdog.readings.snapshot import Floats, Texts
from watchdog.readings.vocabulary import is_text
from watchdog.rules.expressions.limits import LONGEST_WINDOW
from watchdog.rules.expressions.plan import Window

#: How many polls older than the window's beginning its base may be.
BASE_POLLS = 3
#: How many seconds older the base of a window may be that reads one value in each ten minutes.
_KEPT_BASE = 1200.0
#: So many readings make a slope.
_FEWEST = 3
#: Instants are floats of seconds since 1970, exact to a quarter of a microsecond.
_EPSILON = 1e-6
_REAL = (Kind.SOURCE, Kind.DESTINATION)


def kept_base(poll_every: float) -> float:
    """How many seconds older than the window's beginning the base of a long window may be."""
    return max(_KEPT_BASE, BASE_POLLS * poll_every)


def numbers(history: History, plan: Window, now: float, poll_every: float) -> Floats:
    """The result for every row of the table; NaN is unknown."""
    if plan.kind is Kind.CONNECTOR:
        return np.concatenate([numbers(history, replace(plan, kind=kind), now, poll_every) for kind in _REAL])
    series = history.series(plan.kind, plan.metric)
    cut = _cut(series, plan, now, poll_every)
    found = _compute(plan, cut)
    found[np.isnan(cut.base) | ~np.isfinite(found)] = np.nan
    return found


def texts(history: History, plan: Window, now: float, poll_every: float) -> Texts | None:
    """The texts `ago` answers; None where there is none at all."""
    if plan.kind is Kind.CONNECTOR:
        parts = [texts(history, replace(plan, kind=kind), now, poll_every) for kind in _REAL]
        if all(part is None for part in parts):
            return None
        counts = [len(history.series(kind, plan.metric).ids) for kind in _REAL]
        empty = [np.full(count, None, dtype=object) for count in counts]
        return np.concatenate([rest if part is None else part for part, rest in zip(parts, empty, strict=True)])
    series = history.series(plan.kind, plan.metric)
    if not series.has_texts:
        return None
    return series.vocabulary.texts(_cut(series, plan, now, poll_every).base)


def until(value: Floats, target: Floats, slope: Floats) -> Floats:
    """Seconds until `value` is `target` at `slope`: 0 where it is, infinite where it never gets there."""
    left = target - value
    found = np.asarray(left / slope)
    never = (slope == 0) | (found < 0)
    found = np.where(never & ~np.isnan(left), np.inf, found)
    return np.where((left == 0) & ~np.isnan(slope), 0.0, found)


@dataclass(slots=True)
class _Cell:
    """The readings of one poll that lie in the window."""

    values: Floats
    when: Floats | float
    complete: bool


@dataclass(slots=True)
class _Cut:
    """A window of a series: the base with its instants, and what came after it."""

    base: Floats
    base_at: Floats
    cells: list[_Cell]

    def last(self) -> tuple[Floats, Floats]:
        """The last reading in the window with its instant; NaN where there is none."""
        found, when = np.full(len(self.base), np.nan), np.full(len(self.base), np.nan)
        for cell in reversed(self.cells):
            take = np.isnan(found) & ~np.isnan(cell.values)
            found = np.where(take, cell.values, found)
            when = np.where(take, cell.when, when)
            if cell.complete or not np.isnan(found).any():
                break
        return found, when


def _cut(series: Series, plan: Window, now: float, poll_every: float) -> _Cut:
    count, texts = len(series.ids), plan.function in ("changes", "ago")
    end = now - plan.offset + _EPSILON
    start = end - plan.seconds
    long = plan.reach > LONGEST_WINDOW
    oldest = start - (kept_base(poll_every) if long else BASE_POLLS * poll_every) - 2 * _EPSILON
    base, base_at = np.full(count, np.nan), np.full(count, -np.inf)
    cells: list[_Cell] = []
    for row in _rows(series, oldest, end, long=long):
        values, complete = row.values, row.complete
        if series.has_texts and not texts and is_text(values).any():
            values, complete = np.where(is_text(values), np.nan, values), False
        if row.times is None and row.at > start:
            cells.append(_Cell(values, row.at, complete))
            continue
        when = np.full(count, row.at) if row.times is None else row.times
        before = (when <= start) & ~np.isnan(values)
        base, base_at = np.where(before, values, base), np.where(before, when, base_at)
        inside = (when > start) & (when <= end)
        if inside.any():
            all_inside = bool(inside.all())
            cells.append(
                _Cell(values if all_inside else np.where(inside, values, np.nan), when, complete and all_inside)
            )
    base = np.where(base_at < oldest, np.nan, base)
    return _Cut(base, base_at, cells)


def _rows(series: Series, oldest: float, end: float, *, long: bool) -> Iterator[Row]:
    """The rows that may hold readings from `oldest` to `end`: of every poll, or (`long`) of every ten minutes."""
    if long:
        if series.kept is not None:
            yield from (row for row in series.kept.rows(oldest, end) if row.times is not None or row.at <= end)
        return
    for row in series.rows:
        if row.at >= oldest and (row.times is not None or row.at <= end):
            yield row


def _compute(plan: Window, cut: _Cut) -> Floats:
    """One function over a cut; where there is no base the caller makes the result unknown."""
    match plan.function:
        case "ago":
            return np.where(is_text(cut.base), np.nan, cut.base)
        case "delta":
            return cut.last()[0] - cut.base
        case "increase":
            return _increase(cut)
        case "rate":
            return _increase(cut) / (cut.last()[1] - cut.base_at)
        case "slope":
            return _slope(cut, plan.seconds)
        case "changes" | "resets":
            return _steps(cut, plan.function)
        case _:
            return _summary(plan, cut)


def _increase(cut: _Cut) -> Floats:
    """Growth from reading to reading; one below its predecessor is a restart from 0."""
    total, before = np.zeros(len(cut.base)), cut.base
    seen = np.zeros(len(cut.base), dtype=np.bool_)
    for cell in cut.cells:
        growth = cell.values - before
        np.copyto(growth, cell.values, where=growth < 0)
        if cell.complete:
            total += growth
            before = cell.values
            seen[:] = True
        else:
            known = ~np.isnan(cell.values)
            np.add(total, growth, out=total, where=known)
            before = np.where(known, cell.values, before)
            seen |= known
    return np.where(seen, total, np.nan)


def _steps(cut: _Cut, function: str) -> Floats:
    """How often a reading differed from its predecessor, or was below it."""
    times, before = np.zeros(len(cut.base)), cut.base
    seen = np.zeros(len(cut.base), dtype=np.bool_)
    for cell in cut.cells:
        known = ~np.isnan(cell.values)
        times += (cell.values != before if function == "changes" else cell.values < before) & known
        before = np.where(known, cell.values, before)
        seen |= known
    return np.where(seen, times, np.nan)


def _summary(plan: Window, cut: _Cut) -> Floats:
    """Average, extremes and quantiles of the readings in the window; the base is not among them."""
    if plan.function == "quantile_over_time":
        return _quantile(cut, plan.quantile)
    found = np.full(len(cut.base), np.nan)
    if plan.function == "avg_over_time":
        total, number = np.zeros(len(cut.base)), np.zeros(len(cut.base))
        for cell in cut.cells:
            known = ~np.isnan(cell.values)
            np.add(total, cell.values, out=total, where=known)
            number += known
        return total / number  # 0/0 is unknown
    pick = np.fmin if plan.function == "min_over_time" else np.fmax  # of a number and NaN both take the number
    for cell in cut.cells:
        found = pick(found, cell.values)
    return found


def _slope(cut: _Cut, seconds: float) -> Floats:
    """Least squares over the readings in the window: at least three that span at least half of it."""
    count = len(cut.base)
    if not cut.cells:
        return np.full(count, np.nan)
    values = np.stack([cell.values for cell in cut.cells])
    # instants are counted from the window's last, so that squares keep their digits
    last = max(float(np.max(cell.when)) for cell in cut.cells)
    times = np.stack([np.broadcast_to(np.asarray(cell.when) - last, count) for cell in cut.cells])
    known = ~np.isnan(values)
    number = known.sum(axis=0)
    times = np.where(known, times, 0.0)
    span = np.where(known, times, -np.inf).max(axis=0) - np.where(known, times, np.inf).min(axis=0)
    times = np.where(known, times - times.sum(axis=0) / number, 0.0)
    rises = np.where(known, values - np.where(known, values, 0.0).sum(axis=0) / number, 0.0)
    slope = (times * rises).sum(axis=0) / (times * times).sum(axis=0)
    return np.where((number >= _FEWEST) & (span >= seconds / 2 - _EPSILON), slope, np.nan)


def _quantile(cut: _Cut, share: float) -> Floats:
    if not cut.cells:
        return np.full(len(cut.base), np.nan)
    ordered = np.sort(np.stack([cell.values for cell in cut.cells]), axis=0)  # NaN last
    number = np.sum(~np.isnan(ordered), axis=0)
    place = share * np.maximum(number - 1, 0)
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(number - 1, 0))
    columns = np.arange(ordered.shape[1])
    below, above = ordered[low, columns], ordered[high, columns]
    return np.asarray(below + (above - below) * (place - low))
