"""Polls made of columns, judged by the service's own engine, and what its people hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from incidents.physics import Flags, Numbers
from watchdog.configuration.files import load_files
from watchdog.cycle.engine import SERVICE_READINGS, Engine
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import Saved
from watchdog.notify.message import MessageKind
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Fleet, Kind, LabelValue
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import Column, Reading, Snapshot, Texts

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules"
#: The pack as it is shipped; only who is told is this folder's own, so that each scenario has a group of its own.
PACK = (*(file for file in sorted(RULES.glob("*.yaml")) if file.name != "notify.yaml"), HERE / "notify.yaml")
LISTING_EVERY = 300.0


def pack() -> Policy:
    return replace(load_files(list(PACK), {}, expand=False), urls={})


def connector(kind: Kind, id: str, plugin: str, tenant: str = "") -> Entity:
    labels: dict[str, LabelValue] = {"kind": str(kind), "name": id, "connector": plugin, "tags": (), "pipelines": (), "tenant": tenant}
    return Entity(EntityKey(kind, id), labels)


def task(of: Entity, number: int = 0) -> Entity:
    return Entity(EntityKey(Kind.TASK, f"{of.key.id}/{number}"), {**of.labels, "task": str(number)}, connector=of.key)


def pipeline(id: str, source: Entity, destination: Entity, tenant: str = "") -> Entity:
    labels: dict[str, LabelValue] = {"kind": "pipeline", "name": id, "tags": (), "source": source.name, "destination": destination.name, "tenant": tenant}
    return Entity(EntityKey(Kind.PIPELINE, id), labels, members=(source.key, destination.key))


def transform(id: str, tenant: str = "") -> Entity:
    return Entity(EntityKey(Kind.TRANSFORM, id), {"kind": "transform", "name": id, "tags": (), "pipelines": (), "tenant": tenant})


class Roster:
    """Whose readings the columns of polls hold, in order, per kind; and which rows of a fleet those are."""

    def __init__(self, entities: Mapping[Kind, Sequence[Entity]]) -> None:
        self.entities = entities
        self._fleet: Fleet | None = None
        self._orders: dict[Kind, npt.NDArray[np.intp] | None] = {}

    def aligned(self, fleet: Fleet, kind: Kind, values: Numbers, otherwise: float) -> Numbers:
        """Values by this roster's entities as values by the fleet's rows."""
        if fleet is not self._fleet:
            self._fleet, self._orders = fleet, {}
        if kind not in self._orders:
            place = {one.key: row for row, one in enumerate(self.entities.get(kind, ()))}
            order = np.array([place.get(one.key, -1) for one in fleet.table(kind).entities], dtype=np.intp)
            self._orders[kind] = None if np.array_equal(order, np.arange(len(place))) else order
        order = self._orders[kind]
        return values if order is None else np.append(values, otherwise)[order]


@dataclass
class ColumnPoll:
    """One poll. The columns' rows are those of its roster; texts are codes into words."""

    at: float
    roster: Roster
    numbers: dict[tuple[Kind, str], Numbers]
    codes: dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]]
    listing: Listing | None = None
    failures: Failures = field(default_factory=Failures)
    dark: Mapping[Kind, Flags] = field(default_factory=dict)

    def snapshot(self, fleet: Fleet) -> Snapshot:
        return Snapshot(self.at, fleet, build=lambda kind, metric: self._column(fleet, kind, metric),
                        describe=lambda key: self._describe(fleet, key), names=self._names,
                        unobserved={kind: self.roster.aligned(fleet, kind, flags.astype(float), 0.0) > 0 for kind, flags in self.dark.items()})  # fmt: skip

    def answered(self, fleet: Fleet) -> Mapping[Kind, Numbers]:
        found: dict[Kind, Numbers] = {}
        for kind in REAL_KINDS:
            any_: Numbers = np.zeros(len(self.roster.entities.get(kind, ())))
            for (of, _), values in self.numbers.items():
                if of is kind:
                    any_ = np.maximum(any_, ~np.isnan(values))
            for (of, _), (codes, _words) in self.codes.items():
                if of is kind:
                    any_ = np.maximum(any_, ~np.isnan(codes))
            there = self.roster.aligned(fleet, kind, any_, 0.0) > 0
            found[kind] = np.where(there, self.at, np.nan)
        return found

    def _column(self, fleet: Fleet, kind: Kind, metric: str) -> Column:
        numbers = np.full(len(fleet.table(kind)), np.nan)
        if (values := self.numbers.get((kind, metric))) is not None:
            numbers = self.roster.aligned(fleet, kind, values, np.nan)
        if (coded := self.codes.get((kind, metric))) is None:
            return Column(numbers)
        codes, words = coded
        codes = self.roster.aligned(fleet, kind, codes, np.nan)
        lookup: Texts = np.array([*words, None], dtype=object)
        return Column(numbers, lookup[np.where(np.isnan(codes), len(words), codes).astype(int)])

    def _describe(self, fleet: Fleet, key: EntityKey) -> list[Reading]:
        row = fleet.table(key.kind).row.get(key)
        if row is None:
            return []
        found = []
        for metric in self._names(key.kind):
            column = self._column(fleet, key.kind, metric)
            text = None if column.texts is None else column.texts[row]
            value = text if text is not None else float(column.numbers[row])
            if value == value:
                found.append(Reading(metric, value, self.at))
        return found

    def _names(self, kind: Kind) -> set[str]:
        return {metric for of, metric in (*self.numbers, *self.codes) if of is kind}


@dataclass(frozen=True)
class Heard:
    """A message that somebody was told: what began, `at` seconds since the epoch."""

    at: float
    to: str
    alert: str
    entity: str
    tenant: str
    reason: str


class Watch:
    """The engine between its polls, with people who hear at once whatever is sent."""

    def __init__(self, policy: Policy, start: float, every: float) -> None:
        self._policy = policy
        self.engine = Engine(policy, Saved(), start=start, every=every, wording=Wording(), name="watchdog")
        self.heard: list[Heard] = []
        self._now = start

    def judge(self, poll: ColumnPoll, **service: float) -> None:
        """The timers up to this poll, then the poll."""
        self._timers(poll.at)
        own = dict.fromkeys(SERVICE_READINGS, 0.0)
        self.engine.judge(poll, {**own, **service})
        self.engine.take_changes(after_poll=True)
        self._now = poll.at
        self._timers(poll.at)

    def poll_every(self, every: float) -> None:
        """From now on with another interval between polls, as after a restart with another setting."""
        self.engine.every = every
        self.engine.adopt(self._policy)

    def _timers(self, until: float) -> None:
        now = self._now
        for _ in range(10_000):
            self.engine.tick(now)
            self._deliver(now)
            due = self.engine.next_deadline(now)
            if due is None or due > until:
                break
            now = max(due, now + 1e-3)
        self._now = max(now, self._now)

    def _deliver(self, now: float) -> None:
        for target in self.engine.waiting_targets():
            while (sending := self.engine.claim(target, now)) is not None:
                if sending.message.kind is MessageKind.FIRING:
                    told = sending.claim.notification
                    self.heard += [Heard(now, told.receiver, one.alertname, one.entity, str(one.labels.get("tenant", "")), one.reason)
                                   for one in sending.message.changed]  # fmt: skip
                self.engine.accepted(sending, now)
        self.engine.take_changes()
