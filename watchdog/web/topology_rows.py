"""A row of the topology as a page shows it: its parts with states, the deciding metric with a sparkline, its alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from watchdog.alerts.episodes import Episode
from watchdog.notify.chart import in_unit, limit_of
from watchdog.notify.rendering import Links, unit_of
from watchdog.readings.chart_history import LAGS, Line
from watchdog.readings.fleet import EntityKey, Kind
from watchdog.readings.snapshot import Snapshot
from watchdog.web.connector_states import States, tone_of_state
from watchdog.web.episode_cards import followable
from watchdog.web.topology import Row, tone_of, urgency

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


#: The last hours of one metric of one entity.
Lines = Callable[[EntityKey, str], Line | None]
#: Lags as people say them: before and after the figure.
_SAID = {"StreamingMilliSecondsBehindSource": ("", "behind"), "recordsLag": ("", "waiting"), "latency": ("latency", "")}
#: Units whose values say it themselves.
_SPOKEN = ("ms", "s", "bytes", "state", "")
#: Tasks of a connector that are named beside each other.
_NEIGHBOURS = 12
_WORDS = {"fine": "Fine", "trouble": "Trouble", "paused": "Resting", "unknown": "No state", "firing": "Firing"}


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a row: a connector or a transform. `plugin` is a connector's; `failed` says how many tasks have."""

    kind: str
    plugin: str
    name: str
    state: str
    tone: str
    failed: str
    url: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fires in a row, with the id of the worst episode, and how often."""

    alert: str
    severity: str
    id: str
    times: int


@dataclass(frozen=True, slots=True)
class Metric:
    """The deciding metric: what it is, its last value in words, its limit in words, `spark` as SVG of ours."""

    name: str
    words: str
    limit: str
    spark: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One pipeline, or what stands alone. `tone` is what it is filtered by, `state` its own, in words; `held` counts
    the alerts of it that nobody is told of."""

    kind: str
    name: str
    url: str
    tone: str
    state: str
    state_tone: str
    nodes: tuple[Node, ...]
    metric: Metric | None
    hits: tuple[Hit, ...]
    held: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What stands next to an entity: its connector, its tasks; with the rules that fire on it."""

    kind: str
    name: str
    state: str
    tone: str
    alerts: tuple[str, ...]


class RowViews:
    """Rows of the topology at one poll."""

    def __init__(self, snapshot: Snapshot, states: States, links: Links, line: Lines) -> None:
        self._snapshot, self._states, self._links, self._line = snapshot, states, links, line

    def view(self, row: Row, firing: Sequence[Episode]) -> RowView:
        """One row; `firing` are the episodes in it, the most urgent decides what its line shows."""
        firing = sorted(firing, key=urgency)
        tone = tone_of(row, self._states, {row.key: firing} if firing else {})
        own = self._states.of(row.key)
        state_tone = tone_of_state(own) if own else tone_of(row, self._states, {})
        return RowView(
            kind=str(row.key.kind),
            name=row.name,
            url=followable(self._links.of(str(row.key.kind), row.key.id)),
            tone=tone,
            state=own or _WORDS[state_tone],
            state_tone=state_tone,
            nodes=tuple(self._node(member, firing) for member in row.members),
            metric=self._metric(row, firing[0] if firing else None),
            hits=_hits(firing),
            held=sum(bool(one.hold) for one in firing),
        )

    def _node(self, key: EntityKey, firing: Sequence[Episode]) -> Node:
        """A part looks as bad as the worst of its state, its tasks and the alerts that fire on it or its parts."""
        entity = self._snapshot.fleet.entity(key)
        state, failed = self._states.of(key), self._states.failed_tasks(key)
        own = (one.alert for one in firing if one.alert.entity.partition("/")[0] == key.id and not one.hold.suppressed)
        tone = "trouble" if failed else "firing" if any(own) else tone_of_state(state)
        return Node(
            kind=str(key.kind),
            plugin="" if entity is None else str(entity.labels.get("connector", "")),
            name=key.id if entity is None else entity.name,
            state=state or "no state",
            tone=tone,
            failed=failed,
            url=followable(self._links.of(str(key.kind), key.id)),
        )

    def _metric(self, row: Row, worst: Episode | None) -> Metric | None:
        """The deciding metric of the worst alert where it can be drawn, else the lag."""
        if worst is not None and worst.facts.metric:
            line = self._line(worst.alert.entity_key, worst.facts.metric)
            if line is not None:
                facts = worst.facts
                limit = limit_of(facts.value, facts.limit, facts.readings.get(facts.metric))
                return _metric(facts.metric, line, limit)
        for kind, metric in LAGS:
            for member in (*row.members, row.key):
                line = self._line(member, metric) if member.kind is kind else None
                if line is not None:
                    return _metric(metric, line, None)
        return None


def neighbours(snapshot: Snapshot, key: EntityKey, firing: Sequence[Episode]) -> list[Neighbour]:
    """Tasks of a connector, or connector and fellow tasks of a task or topic: what the rows do not show."""
    fleet = snapshot.fleet
    entity = fleet.entity(key)
    if entity is None:
        return []
    connector = key if entity.connector is None else entity.connector
    found = [one for one in fleet.table(Kind.TASK).entities if one.connector == connector and one.key != key]
    above = fleet.entity(connector) if connector != key else None
    states = snapshot.column(Kind.TASK, "task_status").texts
    rows = fleet.table(Kind.TASK).row
    made = [] if above is None else [(above, States(snapshot).of(above.key))]
    made += [(one, "" if states is None else states[rows[one.key]] or "") for one in found[:_NEIGHBOURS]]
    return [
        Neighbour(str(one.key.kind), one.name, state, tone_of_state(state),
                  tuple(other.alert.rule for other in firing if other.alert.entity_key == one.key))
        for one, state in made
    ]  # fmt: skip


def _metric(metric: str, line: Line, limit: float | None) -> Metric:
    unit, last = unit_of(metric), float(line.values[-1])
    before, after = _SAID.get(metric, (metric, ""))
    value = "no reading" if last != last else in_unit(last, unit) + (f" {unit}" if unit not in _SPOKEN else "")
    return Metric(
        name=metric,
        words=" ".join(filter(None, (before, value, after if last == last else ""))),
        limit="" if limit is None else f"limit {in_unit(limit, unit)}",
        spark=sparkline(line, f"{metric} over the last hours", limit),
    )


def _hits(firing: Sequence[Episode]) -> tuple[Hit, ...]:
    """What somebody is told of, by rule, the most urgent first."""
    found: dict[str, Hit] = {}
    for one in firing:
        if one.hold:
            continue
        name = one.alert.rule
        first = found.get(name) or Hit(name, str(one.facts.labels.get("severity", "warning")), one.id, 0)
        found[name] = Hit(name, first.severity, first.id, first.times + 1)
    return tuple(found.values())
