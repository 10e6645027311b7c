"""How the API words its metrics: one set of readings in every shape a client may meet, never with other values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from watchdog.simulator.fleet import Listed, Pipeline, Source
from watchdog.simulator.measure import Measured, Readings
from watchdog.simulator.world import Value

Shape = Literal["A", "B", "empty", "rows", "wrapped", "flat"]
TaskKey = Literal["status", "state", "mixed"]
Paging = Literal["both", "total", "has_next", "none"]
#: What those of a dialect's entries may say that are not true or false.
WORDS: Mapping[str, tuple[str, ...]] = {
    "shape": get_args(Shape), "task_key": get_args(TaskKey), "paging": get_args(Paging),
}  # fmt: skip
Document = dict[str, Any]
#: What was measured at one instant, and the text of that instant.
Sample = tuple[str, Measured]
GROUPS = ("account_metrics", "connector_metrics", "inline_metrics", "task_metrics", "topic_metrics")
_LEVELS = {"connector": {"connector_metrics", "inline_metrics"}, "task": {"task_metrics"}, "topic": {"topic_metrics"}}
_FLAGS = frozenset({"SnapshotRunning", "SnapshotCompleted", "StreamingConnected"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything about the wording that the documentation leaves open.

    `shape`: "A" keyed by id, with scalars; "B" the same with lists of `{timestamp, value}`; "empty" the five groups as
    documented, without anything inside (the endpoints of one entity do answer); "rows" lists of rows with ids;
    "wrapped" `{data, metadata}` around each entity's metrics; "flat" without the id where only one was asked for.
    """

    shape: Shape = "A"
    int_task_keys: bool = False  #: tasks as a list of objects with a number, instead of keyed by text
    task_key: TaskKey = "status"  #: inside task_statuses; mixed: by the task's number
    states_in_metrics: bool = True  #: inline_metrics tell connector_status
    numeric_strings: bool = False  #: "840" instead of 840
    booleans: bool = False  #: true and false instead of 1 and 0
    paging: Paging = "both"  #: which of total and has_next are not null
    unknown_fields: bool = False  #: fields and metrics nobody has documented, everywhere

    def __post_init__(self) -> None:
        for entry, allowed in WORDS.items():
            if getattr(self, entry) not in allowed:
                raise ValueError(f"{getattr(self, entry)!r} is not a {entry}; write {', '.join(allowed)}")


def stamp(at: float) -> str:
    """An instant as metrics carry it: UTC, a space, no zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def bulk(
    dialect: Dialect,
    found: Sequence[tuple[Listed, Sequence[Sample]]],
    account: Readings,
    *,
    level: str | None = None,
    topics: slice = slice(None),
    single: bool = False,
    series: bool = False,
) -> Document:
    """The five groups for these entities, each with its samples, oldest first.

    `single`: one id was asked for, which the shape "flat" leaves out; `series`: every sample is wanted, not the newest.
    """
    document: Document = {group: {} for group in GROUPS}
    if dialect.shape == "empty":
        return document
    wanted = _LEVELS.get(level or "", set(GROUPS))
    if "account_metrics" in wanted:
        document["account_metrics"] = {metric: _word(dialect, metric, value) for metric, value in account.items()}
    if dialect.shape == "rows":
        document.update({group: [] for group in GROUPS[1:] if group in wanted})
    for entity, samples in found:
        if not samples:
            continue
        samples = samples if series or dialect.shape == "B" else samples[-1:]
        if dialect.shape == "rows":
            _add_rows(dialect, document, wanted, entity, samples, topics)
            continue
        speech = _Speech(dialect, samples, as_points=series or dialect.shape == "B")
        parts = speech.groups(wanted, entity, topics)
        for group, content in parts.items():
            if dialect.shape == "flat" and single:
                document[group] = content
            elif content:
                document[group][entity.id] = content
    return document


def one(dialect: Dialect, entity: Listed, samples: Sequence[Sample], *, series: bool = False) -> Document:
    """The documented answer of the endpoint of one entity: `{data, metadata}`."""
    if series:
        data: Document = _points(dialect, samples, _numbers)
        return {"data": data, "metadata": metadata(entity, data)}
    newest = samples[-1][1]
    data = {metric: _word(dialect, metric, value) for metric, value in newest.own.items()}
    if isinstance(entity, Source) and newest.snapshots:
        states = ("state", "streamingState", "snapshotState")
        data |= {name: newest.inline[name] for name in states if name in newest.inline}
        data["snapshotStatus"] = newest.snapshots
    if dialect.unknown_fields:
        data["futureMetric"] = 42
    return {"data": data, "metadata": metadata(entity, data)}


def metadata(entity: Listed, names: Mapping[str, Any]) -> Document:
    """Name and unit of each metric; as in the documentation even a pipeline's status has a unit."""
    if isinstance(entity, Pipeline):
        known = {
            "latency": ("Pipeline Latency", "milliseconds"),
            "status": ("Pipeline Status", "milliseconds"),
            "recordsLag": ("Lag in Events", "count"),
        }
        return {metric: dict(zip(("name", "unit"), known[metric], strict=True)) for metric in names if metric in known}
    return {metric: {"name": metric, "unit": _unit(metric)} for metric in names}


def _unit(metric: str) -> str:
    if "MilliSeconds" in metric or metric == "latency":
        return "milliseconds"
    return "bytes" if metric.startswith("byte") else "count"


def _word(dialect: Dialect, metric: str, value: Value) -> Value:
    if dialect.booleans and metric in _FLAGS and value is not None:
        return bool(value)
    if dialect.numeric_strings and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _numbers(measured: Measured) -> Readings:
    """What a series is made of: no texts, and 0 where the latest answer has null."""
    return {metric: value or 0 for metric, value in measured.own.items() if not isinstance(value, str)}


def _inline(dialect: Dialect, readings: Readings) -> Readings:
    found = dict(readings)
    if not dialect.states_in_metrics:
        found.pop("connector_status", None)
    latency = found.get("latency")
    if latency is not None:
        found["latency"] = str(latency)  # the API's own client reads it as a text
    return found


def _points(dialect: Dialect, samples: Sequence[Sample], pick: Callable[[Measured], Readings]) -> Document:
    found: Document = {}
    for at, measured in samples:
        for metric, value in pick(measured).items():
            found.setdefault(metric, []).append({"timestamp": at, "value": _word(dialect, metric, value)})
    return found


@dataclass(slots=True)
class _Speech:
    """One entity's samples in a shape that is keyed."""

    dialect: Dialect
    samples: Sequence[Sample]
    as_points: bool

    def groups(self, wanted: set[str], entity: Listed, topics: slice) -> dict[str, Any]:
        newest = self.samples[-1][1]
        found: dict[str, Any] = {}
        if "connector_metrics" in wanted:
            found["connector_metrics"] = self.wrap(entity, self.leaves(lambda measured: measured.own))
            if self.dialect.unknown_fields:
                found["connector_metrics"]["futureMetric"] = {"p99": {"of": "something"}}
        if "inline_metrics" in wanted and newest.inline:
            points = _points(self.dialect, self.samples, lambda measured: _inline(self.dialect, measured.inline))
            found["inline_metrics"] = self.wrap(entity, points)
        if "task_metrics" in wanted and newest.tasks:
            tasks = {
                number: self.wrap(entity, self.leaves(lambda measured, number=number: measured.tasks.get(number, {})))
                for number in newest.tasks
            }
            if self.dialect.int_task_keys:
                found["task_metrics"] = [{"task": number, **leaves} for number, leaves in tasks.items()]
            else:
                found["task_metrics"] = {str(number): leaves for number, leaves in tasks.items()}
        if "topic_metrics" in wanted and newest.topics:
            found["topic_metrics"] = {
                topic: self.wrap(entity, self.leaves(lambda measured, topic=topic: measured.topics.get(topic, {})))
                for topic in list(newest.topics)[topics]
            }
        return found

    def leaves(self, pick: Callable[..., Readings]) -> Document:
        if self.as_points:
            return _points(self.dialect, self.samples, pick)
        readings = pick(self.samples[-1][1])
        if self.dialect.numeric_strings or self.dialect.booleans:
            return {metric: _word(self.dialect, metric, value) for metric, value in readings.items()}
        return dict(readings)

    def wrap(self, entity: Listed, leaves: Document) -> Document:
        if self.dialect.shape != "wrapped":
            return leaves
        return {"data": leaves, "metadata": metadata(entity, leaves)}


def _add_rows(
    dialect: Dialect, document: Document, wanted: set[str], entity: Listed, samples: Sequence[Sample], topics: slice
) -> None:
    def row(keys: Document, at: str, readings: Readings) -> Document:
        found = {metric: _word(dialect, metric, value) for metric, value in readings.items()}
        return {**keys, "timestamp": at, **found}

    for at, measured in samples:
        if "connector_metrics" in wanted:
            document["connector_metrics"].append(row({"id": entity.id}, at, measured.own))
        if "inline_metrics" in wanted and measured.inline:
            document["inline_metrics"].append(row({"id": entity.id}, at, _inline(dialect, measured.inline)))
        if "task_metrics" in wanted:
            for number, readings in measured.tasks.items():
                task = number if dialect.int_task_keys else str(number)
                document["task_metrics"].append(row({"connector_id": entity.id, "task_id": task}, at, readings))
        if "topic_metrics" in wanted:
            for topic, readings in list(measured.topics.items())[topics]:
                document["topic_metrics"].append(row({"connector_id": entity.id, "topic_id": topic}, at, readings))
