"""One kind's part of a poll: list if it is time, ask for metrics, ask for states where the metrics carry none."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from watchdog.errors import ApiError
from watchdog.readings.fleet import Kind
from watchdog.readings.poll import Dropped
from watchdog.readings.presence import MISSING_FOR, MISSING_LISTINGS
from watchdog.streamkap import client
from watchdog.streamkap.budget import Budget, DeadlineError
from watchdog.streamkap.bulk import BulkReader
from watchdog.streamkap.children import Children
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.decode import LastTexts, Layer, Layers
from watchdog.streamkap.entities import task_errors, task_states, text
from watchdog.streamkap.error_text import snapshot_error_of
from watchdog.streamkap.known_shape import Metrics, is_sensitive
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.pages import Item, Pages
from watchdog.streamkap.queries import MetricsQuery
from watchdog.streamkap.shapes import recognise
from watchdog.streamkap.value import read_value

COLLECTIONS: Mapping[Kind, client.Collection] = {
    Kind.SOURCE: "sources",
    Kind.DESTINATION: "destinations",
    Kind.PIPELINE: "pipelines",
    Kind.TRANSFORM: "transforms",
}
LATEST = MetricsQuery(time_type="latest")
#: What Kafka Connect calls a task's state; a task's `state` may also be what its source does ("Streaming").
_FAILED = "FAILED"
_TASK_STATES = {"UNASSIGNED", "RUNNING", "PAUSED", "FAILED", "RESTARTING", "DESTROYED", "STOPPED"}
#: Seconds for which a list that was not empty has to stay empty to be believed: more likely the API has lost it.
_EMPTY_FOR = 600.0
#: A request that the API calls wrong may name something that no longer exists: list again.
_ASKED_WRONGLY = (400, 404, 422)


@dataclass(slots=True)
class CollectionResult:
    """What one lane brought in one poll.

    `dark` are ids whose answer failed, `listed` the pages if there was a listing.
    """

    layers: dict[Kind, list[Layer]] = field(default_factory=dict)
    errors: list[ApiError] = field(default_factory=list)
    dark: set[str] = field(default_factory=set)
    listed: Pages | None = None
    found: Found = field(default_factory=Found)
    dropped: Dropped = field(default_factory=Dropped)


class _Described(NamedTuple):
    """What listed objects say that does not change with a poll.

    The connector of each task, wanted states and failed snapshots, what failed tasks say, and the topics of connectors
    that have any.
    """

    items: Mapping[str, Item]
    tasks: Mapping[str, str]
    wanted: Mapping[str, Metrics]
    errors: Mapping[str, Metrics]
    topics: Mapping[str, Collection[str]]


class CollectionPoll:
    """What is remembered of one kind between polls."""

    def __init__(self, kind: Kind, api: StreamkapClient, listing_every: float) -> None:
        self.kind = kind
        self.items: dict[str, Item] = {}
        self.was_listed = False  #: completely, at least once
        self._collection = COLLECTIONS[kind]
        self._client = api
        self._bulk = BulkReader(self._collection, api, every=listing_every)
        self._every = listing_every
        self._busy = threading.Lock()
        self._listed_at: float | None = None
        self._list_again = True
        self._failed_tasks: set[str] = set()
        self._empty_since: float | None = None
        self._vanished: dict[str, tuple[int, float]] = {}
        self._alone: set[str] = set()  #: answered by their own endpoint only
        self._silent: dict[str, float] = {}  #: answered by none; when to ask their own endpoint again
        self._bulk_again = 0.0
        self._description = _Described(self.items, {}, {}, {}, {})
        self.children = Children()
        self._texts = {group: LastTexts() for group in Group}

    @property
    def _is_connector(self) -> bool:
        return self.kind in (Kind.SOURCE, Kind.DESTINATION)

    def poll(self, at: float, budget: Budget) -> CollectionResult:
        """Everything of this kind at one poll; failures are in the result.

        Raises DeadlineError while an earlier poll still hangs, as a name lookup may.
        """
        if not self._busy.acquire(blocking=False):
            raise DeadlineError(f"GET /{self._collection}: the poll before still waits for an answer")
        try:
            return self.read(at, budget)
        finally:
            self._busy.release()

    def read(self, at: float, budget: Budget) -> CollectionResult:
        result = CollectionResult()
        if self._wants_listing(at):
            self._list(at, result, budget)
        self._measure(at, list(self.items), result, budget)
        measured = self._measured(result.found)
        if self._is_connector:
            missing = self._without_states(at, measured, result)
            if missing and result.listed is None:
                known = set(self.items)
                self._list(at, result, budget)
                new = [id for id in self.items if id not in known]
                if new:
                    self._measure(at, new, result, budget)
                    measured = self._measured(result.found)
            if missing and result.listed is not None and not result.listed.complete:
                result.dark |= missing - {item["id"] for item in result.listed.items}
        result.dropped = result.found.dropped()
        self._remember(at, result)
        result.layers = self._layers(measured, result)
        return result

    # Listing

    def _wants_listing(self, at: float) -> bool:
        overdue = self._listed_at is None or at - self._listed_at >= self._every or at < self._listed_at
        return overdue or self._list_again or bool(self._vanished)

    def _list(self, at: float, result: CollectionResult, budget: Budget) -> None:
        pages = result.listed = self._client.listed(f"/{self._collection}", budget)
        if pages.error is not None:
            result.errors.append(pages.error)
        listed = {item["id"]: item for item in pages.items}
        self._empty_since = None if listed or not self.items else at if self._empty_since is None else self._empty_since
        pages.doubted = self._empty_since is not None and at - self._empty_since < _EMPTY_FOR
        if pages.complete:
            self._note_vanished(at, listed)
            self.items, self._listed_at, self.was_listed = listed, at, True
            self._list_again = False
        else:
            self.items = {**self.items, **listed}

    def _note_vanished(self, at: float, listed: Mapping[str, Item]) -> None:
        """Whoever is missing is listed again at every poll, until it is certain that it is gone."""
        for id in (self.items.keys() | self._vanished.keys()) - listed.keys():
            count, since = self._vanished.get(id, (0, at))
            self._vanished[id] = (count + 1, since)
        for id, (count, since) in list(self._vanished.items()):
            if id in listed or (count >= MISSING_LISTINGS and at - since >= MISSING_FOR):
                del self._vanished[id]
        for id in self._alone - listed.keys():
            self._alone.discard(id)
        for id in self._silent.keys() - listed.keys():
            del self._silent[id]

    # Metrics

    def _measure(self, at: float, ids: Sequence[str], result: CollectionResult, budget: Budget) -> None:
        if not ids:
            return
        again = at >= self._bulk_again
        bulk = [id for id in ids if again or id not in self._alone]
        if again:
            self._bulk_again = at + self._every
        unanswered = [] if again else [id for id in ids if id in self._alone]
        topics = self._described().topics if self._is_connector else None
        failed = self._bulk.read(at, bulk, self.items, result.found, budget, topics)
        for error in failed.errors:
            self._failed(error, (), result)
        result.dark |= failed.ids - self._alone
        for id in bulk:
            if id in failed.ids:
                unanswered += [id] if id in self._alone else []
            elif id in result.found.answered:
                self._alone.discard(id)
            else:
                unanswered.append(id)
        self._measure_alone(at, [id for id in unanswered if self._silent.get(id, 0.0) <= at], result, budget)

    def _measure_alone(self, at: float, ids: Sequence[str], result: CollectionResult, budget: Budget) -> None:
        """The documented endpoint of each entity, for those the bulk answer says nothing recognisable about."""
        answers = self._client.together(
            lambda id: self._client.metrics_of(self._collection, id, LATEST, budget), ids, budget
        )
        for id, answer in zip(ids, answers, strict=True):
            if isinstance(answer, ApiError) and answer.status != 404:
                self._failed(answer, [id], result)
                continue
            if not isinstance(answer, ApiError):
                recognise(answer, self.items, result.found, only=id)
            if id in result.found.answered:
                self._alone.add(id)
                self._silent.pop(id, None)
            else:  # 404 "Metrics not found", or an answer without any: there is no reading
                self._alone.discard(id)
                self._silent[id] = at + self._every

    def _failed(self, error: ApiError, ids: Iterable[str], result: CollectionResult) -> None:
        result.errors.append(error)
        result.dark |= set(ids)
        self._list_again |= error.status in _ASKED_WRONGLY

    # States

    def _without_states(
        self, at: float, measured: Mapping[Kind, Sequence[Layer]], result: CollectionResult
    ) -> set[str]:
        """Connectors whose metrics carry no state, or none for one of their tasks."""
        layers, tasks = Layers(at, measured), self._described().tasks
        missing = layers.without(self.kind, "connector_status", self.items)
        missing |= {tasks[key] for key in layers.without(Kind.TASK, "task_status", tasks)}
        return missing - result.dark

    def _described(self) -> _Described:
        """What the listed objects say, worked out once a listing."""
        if self._description.items is not self.items:
            parts = {id: self.children.listed(item) for id, item in self.items.items()}
            tasks = {f"{id}/{task}": id for id, part in parts.items() for task in part.tasks or ()}
            wanted = {id: said for id, item in self.items.items() if (said := _wanted(item))}
            errors: dict[str, Metrics] = {
                f"{id}/{task}": {"task_error": error}
                for id, item in self.items.items()
                for task, error in task_errors(item).items()
            }
            topics = {id: part.topics for id, part in parts.items() if part.topics}
            self._description = _Described(self.items, tasks, wanted, errors, topics)
        return self._description

    # Results

    def _measured(self, found: Found) -> dict[Kind, list[Layer]]:
        if not self._is_connector:
            return {self.kind: [self._layer(found, Group.ENTITY), self._layer(found, Group.INLINE)]}
        name_task_states(found)
        self.children.rename_topics(found)
        return {
            self.kind: [self._layer(found, Group.ENTITY), self._layer(found, Group.INLINE)],
            Kind.TASK: [self._layer(found, Group.TASK)],
            Kind.TOPIC: [self._layer(found, Group.TOPIC)],
        }

    def _layer(self, found: Found, group: Group) -> Layer:
        return Layer(found.groups[group], blocks=found.blocks[group], texts=self._texts[group])

    def _layers(self, measured: dict[Kind, list[Layer]], result: CollectionResult) -> dict[Kind, list[Layer]]:
        layers = measured
        if self._is_connector:
            listed = {item["id"]: item for item in result.listed.items} if result.listed is not None else {}
            layers[self.kind].append(Layer({id: _states(item) for id, item in listed.items()}, listed=True))
            tasks = {f"{id}/{task}": {"task_status": state} for id, item in listed.items()
                     for task, state in task_states(item).items()}  # fmt: skip
            layers[Kind.TASK].append(Layer(tasks, listed=True))
            wanted = self._described().wanted
            if listed:
                wanted = {id: state for id, state in wanted.items() if id not in listed}
            layers[self.kind].append(Layer(wanted, at=self._listed_at, listed=True))
            layers[Kind.TASK].append(Layer(self._described().errors, at=self._listed_at, listed=True))
        return layers

    def _remember(self, at: float, result: CollectionResult) -> None:
        """Note what makes the next poll list again: an entity without readings, or readings of nobody known."""
        found = result.found
        if self.items.keys() - result.dark - found.answered or found.unknown:
            self._list_again = True
        if not self._is_connector:
            return
        unknown = self.children.note(at, found)
        failures = self._has_new_failures(found)
        self._list_again |= (unknown or failures) and result.listed is None

    def _has_new_failures(self, found: Found) -> bool:
        """Whether a task has failed since the last poll: the listing says why."""
        failed = {
            key
            for block in found.blocks[Group.TASK]
            if _FAILED in (states := block.columns.get("task_status", ()))
            for key, state in zip(block.keys, states, strict=True)
            if state == _FAILED
        }
        failed.update(key for key, metrics in found.groups[Group.TASK].items() if metrics.get("task_status") == _FAILED)
        before, self._failed_tasks = self._failed_tasks, failed
        return bool(failed - before)


def _wanted(item: Item) -> Metrics:
    """What a listing says of a connector beside its state, until the next listing."""
    found: Metrics = {}
    if item.get("desired_state") is not None:
        found["desired_state"] = item["desired_state"]
    if error := snapshot_error_of(item):
        found["snapshot_error"] = error
    return found


def _states(item: Item) -> Metrics:
    """What a listing says about a connector's state, and the metrics it may carry inline."""
    inline = item.get("inline_metrics")
    found = {k: v for k, v in inline.items() if not is_sensitive(k)} if isinstance(inline, dict) else {}
    status = text(item.get("connector_status")) or text(item.get("status"))
    if status:
        found["connector_status"] = status
    if text(item.get("desired_state")):
        found["desired_state"] = text(item["desired_state"])
    return found


def name_task_states(found: Found) -> None:
    """Give a task's state its one name, whether the API calls it `status` or `state`."""
    for block in found.blocks[Group.TASK]:
        states = block.columns.get("task_status", [UNSET])
        if isinstance(states, list) and UnsetType in set(map(type, states)):
            nowhere = [UNSET] * len(block.keys)
            columns = [block.columns.get(name, nowhere) for name in ("task_status", "status", "state")]
            block.columns["task_status"] = list(map(_task_state, *columns))
    for metrics in found.groups[Group.TASK].values():
        state = _task_state(*(metrics.get(name, UNSET) for name in ("task_status", "status", "state")))
        if state is not UNSET:
            metrics["task_status"] = state


def _task_state(own: Any, status: Any, state: Any) -> Any:
    """The state of a task among what may be called that, as it was sent; UNSET where there is none."""
    if own is not UNSET:
        return own
    if status is not UNSET and status is not None:
        return status
    found = None if state is UNSET else read_value("state", state)
    is_one = found is not None and isinstance(found.value, str) and found.value.upper() in _TASK_STATES
    return state if is_one else UNSET
