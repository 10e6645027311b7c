"""A small fleet on a hand-moved clock: what every test of rules tells its story with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.snapshot import Snapshot, SparseReadings
from watchdog.rules.evaluator import Evaluator
from watchdog.rules.expressions import Expression
from watchdog.rules.rule import Quantity, Rule, Terms
from watchdog.rules.verdicts import Verdicts

ORDERS = EntityKey(Kind.SOURCE, "orders")
SILENT = EntityKey(Kind.SOURCE, "silent")
ENTITIES = (
    Entity(ORDERS, {"kind": "source", "name": "orders"}),
    Entity(SILENT, {"kind": "source", "name": "silent"}, lists=frozenset()),  # its tasks were never listed
    Entity(EntityKey(Kind.DESTINATION, "lake"), {"kind": "destination", "name": "lake"}),
    *(Entity(EntityKey(Kind.TASK, f"orders/{n}"), {"name": "orders", "task": n}, connector=ORDERS) for n in "012"),
    *(Entity(EntityKey(Kind.TOPIC, f"orders/{t}"), {"name": "orders", "topic": t}, connector=ORDERS) for t in "ab"),
    Entity(
        EntityKey(Kind.PIPELINE, "flow"), {"name": "flow"}, members=(ORDERS, EntityKey(Kind.DESTINATION, "lake"))
    ),
)  # fmt: skip
KINDS = {entity.key.id: entity.key for entity in ENTITIES}


@dataclass
class Bench:
    """Polls every 30 s; `poll` takes readings as `entity.metric` and answers the verdicts of one expression."""

    every: float = 30.0
    now: float = 1_000_000.0
    fleet: Fleet = field(default_factory=lambda: Fleet.of(ENTITIES, 0.0, 1))
    history: History = field(default_factory=History)
    evaluator: Evaluator | None = None
    snapshot: Snapshot | None = None

    def watch(self, *rules: Rule) -> None:
        self.evaluator = Evaluator(rules, self.every)
        self.history.want(self.evaluator.wanted)

    def poll(
        self, readings: Mapping[str, float | str | None], *, late: float = 0.0, dark: tuple[str, ...] = ()
    ) -> None:
        """One poll, 30 s after the last; `late`: the readings' own instants lag so far behind it."""
        self.now += self.every
        sparse = SparseReadings()
        for name, value in readings.items():
            entity, metric = name.rsplit(".", 1)
            sparse.put(KINDS[entity], metric, float(value) if isinstance(value, int) else value, self.now - late)
        unobserved = {}
        for kind in {KINDS[name].kind for name in dark}:
            table = self.fleet.table(kind)
            unobserved[kind] = np.array([key in {KINDS[d] for d in dark} for key in table.row])
        self.snapshot = sparse.snapshot(self.now, self.fleet, unobserved)
        self.history.record(self.snapshot)

    def verdicts(self) -> list[Verdicts]:
        assert self.evaluator is not None and self.snapshot is not None
        return self.evaluator.judge(self.snapshot, self.history)

    def truth(self, entity: str, rule: int = 0) -> int:
        verdicts = self.verdicts()[rule]
        return int(verdicts.truth[list(verdicts.rows).index(verdicts.table.row[KINDS[entity]])])


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def rule() -> Callable[..., Rule]:
    def make(text: str, each: Kind = Kind.SOURCE, name: str = "R", **more: object) -> Rule:
        params = more.pop("params", {})
        assert isinstance(params, dict)
        quantities = {key: value if isinstance(value, Quantity) else Quantity(value) for key, value in params.items()}
        clear = more.pop("clear", None)
        return Rule(
            name,
            each,
            Expression.parse(text, each=each, params=quantities),
            Expression.parse(str(clear), each=each, params=quantities) if clear else None,
            terms=Terms(params=quantities),
            **more,  # type: ignore[arg-type]
        )

    return make
