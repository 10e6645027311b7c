"""The bank played: every scenario in every world, side by side in one fleet, through a week of health and then the incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from incidents.physics import STATUSES, TASKS, Numbers, Sinks, SinkStep, Sources, SourceStep, Traits
from incidents.polls import LISTING_EVERY, ColumnPoll, Heard, Roster, Watch, connector, pack, pipeline, task, transform
from incidents.rhythms import RHYTHMS, share
from incidents.scenarios import Scenario, Thing, World, worlds
from watchdog.cycle.policy import Policy
from watchdog.errors import ApiError
from watchdog.readings.fleet import REAL_KINDS, Entity, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.trials.series import Value

#: A Wednesday, when the incident begins.
BEGINS = datetime(2026, 1, 14, 10, tzinfo=UTC).timestamp()
#: The past: a week and a day of polls every ten minutes, then three hours of polls every minute.
PAST, SEEN_OFTEN, WARM = 8 * 86_400.0, 600.0, 3 * 3600.0
EVERY = 60.0


@dataclass(frozen=True)
class Outcome:
    """What was heard of one scenario in one world; minutes count from its beginning."""

    scenario: Scenario
    world: World
    heard: tuple[Heard, ...] = ()

    def minutes(self, one: Heard) -> float:
        return (one.at - self.began) / 60

    @property
    def began(self) -> float:
        return BEGINS - self.scenario.earlier

    @property
    def expected(self) -> Heard | None:
        """The first that names a right cause, if it came in time."""
        first = self.scenario.first
        assert first is not None
        return next((one for one in self.heard if one.alert in first.alerts and first.entity in one.entity
                     and 0 <= one.at - self.began <= first.within), None)  # fmt: skip

    @property
    def caught(self) -> bool:
        return self.expected is not None

    @property
    def right_first(self) -> bool:
        """Nothing was heard before the right cause; what came in the same instant does not count."""
        return self.expected is not None and self.heard[0].at >= self.expected.at

    @property
    def pages(self) -> tuple[Heard, ...]:
        return tuple(one for one in self.heard if one.to == "oncall")


def play(scenarios: Iterable[Scenario], *, all_worlds: bool) -> list[Outcome]:
    """Play them all; those about the whole API one by one, without the week before."""
    policy = pack()
    together = [(scenario, world) for scenario in scenarios if not scenario.alone for world in worlds(scenario, all_of_them=all_worlds)]
    found = _Stage(together, policy).run(PAST) if together else []
    for scenario in scenarios:
        if scenario.alone:
            found += [one for world in worlds(scenario, all_of_them=False) for one in _Stage([(scenario, world)], policy).run(0.0)]
    return sorted(found, key=lambda one: (one.scenario.name, str(one.world)))


@dataclass
class _Cast:
    """One entity of one scenario in one world, and its row among its kind."""

    scenario: Scenario
    thing: Thing
    entity: Entity
    row: int


@dataclass
class _Stage:
    plays: Sequence[tuple[Scenario, World]]
    policy: Policy
    casts: dict[Kind, list[_Cast]] = field(init=False)

    def __post_init__(self) -> None:
        self.casts = {Kind(kind): [] for kind in ("source", "destination", "pipeline", "transform")}
        self._traits: list[World] = []
        for scenario, world in self.plays:
            self._enter(scenario, world)
        self._tasks = [(cast, task(cast.entity, number), number) for kind in (Kind.SOURCE, Kind.DESTINATION)
                       for cast in self.casts[kind] for number in range(cast.thing.tasks)]  # fmt: skip
        self._entities: dict[Kind, list[Entity]] = {kind: [] for kind in REAL_KINDS}
        for kind, casts in self.casts.items():
            self._entities[kind] = [cast.entity for cast in casts]
        self._entities[Kind.TASK] = [entity for _, entity, _ in self._tasks]
        self._roster = Roster(self._entities)
        rng = self._rng = np.random.default_rng(14)
        sources, sinks = ([cast.thing for cast in self.casts[kind]] for kind in (Kind.SOURCE, Kind.DESTINATION))
        worlds_of = {kind: [self._traits[id_] for id_ in self._world_of[kind]] for kind in self._world_of}
        traits = Traits(
            np.array([one.connector not in ("jdbc", "webhook", "s3") for one in sources], dtype=bool),
            np.array([world.undocumented for world in worlds_of[Kind.SOURCE]], dtype=bool),
            np.array([world.counted for world in worlds_of[Kind.SOURCE]], dtype=bool),
            np.array([world.kept for world in worlds_of[Kind.SOURCE]], dtype=bool),
            np.array([one.heartbeats for one in sources]),
            np.full(len(sources), 0.1),
        )
        self._sources = Sources(traits, rng)
        self._sinks = Sinks(np.array([world.kept for world in worlds_of[Kind.DESTINATION]], dtype=bool), np.array([one.rest for one in sinks]))
        self._rhythm = {kind: np.array([float(RHYTHMS.index(cast.thing.rhythm)) for cast in casts]) for kind, casts in self.casts.items()}
        self._rate = {kind: np.array([cast.thing.per_minute / 60 for cast in casts]) for kind, casts in self.casts.items()}
        self._others = np.array([one.others / 60 for one in sources])
        self._listed_at = -np.inf

    def _enter(self, scenario: Scenario, world: World) -> None:
        self._world_of = getattr(self, "_world_of", {kind: [] for kind in self.casts})
        self._traits.append(world)
        tenant = f"{scenario.name}|{world}"
        known: dict[str, Entity] = {}
        for thing in scenario.entities:
            kind, id_ = Kind(thing.kind), f"{scenario.name}.{world}.{thing.name}"
            if kind is Kind.PIPELINE:
                entity = pipeline(id_, known[thing.ends[0]], known[thing.ends[1]], tenant)
            elif kind is Kind.TRANSFORM:
                entity = transform(id_, tenant)
            else:
                entity = connector(kind, id_, thing.connector, tenant)
            known[thing.name] = entity
            self._world_of[kind].append(len(self._traits) - 1)
            self.casts[kind].append(_Cast(scenario, thing, entity, len(self.casts[kind])))

    # -- the run

    def run(self, past: float) -> list[Outcome]:
        warm, lasts = BEGINS - WARM, max(scenario.lasts for scenario, _ in self.plays)
        watch = Watch(self.policy, warm - past, SEEN_OFTEN if past else EVERY)
        if past:
            for at in np.arange(warm - past, warm, SEEN_OFTEN):
                watch.judge(self._poll(float(at), SEEN_OFTEN))
            watch.poll_every(EVERY)
        self._listed_at = -np.inf
        for at in np.arange(warm, BEGINS + lasts + 1, EVERY):
            minute = (at - BEGINS) / 60
            service: dict[str, float] = {}
            for scenario, _ in self.plays:
                for metric, values in scenario.service.items():
                    value = values[min(int(minute), len(values) - 1)] if minute >= 0 else None
                    if isinstance(value, float):
                        service[metric] = value
            watch.judge(self._poll(float(at), EVERY), **service)
        by_tenant: dict[str, list[Heard]] = {}
        for one in watch.heard:
            by_tenant.setdefault(one.tenant, []).append(one)
        everybody = by_tenant.get("", []) if len(self.plays) == 1 else []
        return [Outcome(scenario, world, tuple(sorted([*by_tenant.get(f"{scenario.name}|{world}", ()), *everybody], key=lambda one: one.at)))
                for scenario, world in self.plays]  # fmt: skip

    def _poll(self, at: float, dt: float) -> ColumnPoll:
        minute = (at - BEGINS) / 60
        down = [s.api_down for s, _ in self.plays if s.api_down is not None]
        numbers, codes, listed = self._world(at, dt, minute)
        if any(start <= at - BEGINS < end for start, end in down):
            dark = {kind: np.ones(len(found), dtype=bool) for kind, found in self._entities.items()}
            return ColumnPoll(at, self._roster, {}, {}, failures=Failures((ApiError("the API is down in this scenario"),)), dark=dark)
        listing = None
        if at - self._listed_at >= LISTING_EVERY:
            self._listed_at = at
            listing = Listing(listed, frozenset(kind for kind in REAL_KINDS if kind is not Kind.WATCHDOG))
        return ColumnPoll(at, self._roster, numbers, codes, listing)

    def _world(self, at: float, dt: float, minute: float) -> tuple[dict[tuple[Kind, str], Numbers], dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]], list[Entity]]:
        sources, sinks = self.casts[Kind.SOURCE], self.casts[Kind.DESTINATION]
        source, sink = SourceStep.quiet(len(sources)), SinkStep.quiet(len(sinks))
        source.changes = self._arrivals(Kind.SOURCE, at, dt, minute, "changes")
        source.others = self._rng.poisson(self._others * dt).astype(float)
        sink.arrives = self._arrivals(Kind.DESTINATION, at, dt, minute, "arrives")
        for casts, step in ((sources, source), (sinks, sink)):
            for cast in casts:
                self._happen(cast, step, minute)
        self._sources.step(at, dt, source)
        self._sinks.step(sink)
        numbers = {(Kind.SOURCE, metric): values.copy() for metric, values in self._sources.columns().items()}
        numbers |= {(Kind.DESTINATION, metric): values.copy() for metric, values in self._sinks.columns().items()}
        codes: dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]] = {}
        for kind, step in ((Kind.SOURCE, source), (Kind.DESTINATION, sink)):
            codes[kind, "connector_status"] = step.status.copy(), STATUSES
            codes[kind, "desired_state"] = step.desired.copy(), STATUSES
        states = np.array([(source if cast.entity.key.kind is Kind.SOURCE else sink).task[cast.row] if number == 0 else 0.0 for cast, _, number in self._tasks])
        gone = states == TASKS.index("")
        codes[Kind.TASK, "task_status"] = np.where(gone, np.nan, states), TASKS
        self._raw(numbers, codes, minute)
        for kind, step in ((Kind.SOURCE, source), (Kind.DESTINATION, sink)):
            silent = ~step.answered
            for (of, _metric), values in numbers.items():
                if of is kind:
                    values[silent] = np.nan
            for (of, _metric), (values, _) in codes.items():
                if of is kind:
                    values[silent] = np.nan
        unlisted = {cast.entity.key for casts in self.casts.values() for cast in casts if cast.scenario.at(cast.thing.name, "listed", minute) == 0.0}
        missing = {entity.key for (_, entity, _), away in zip(self._tasks, gone, strict=True) if away}
        listed = [one for found in self._entities.values() for one in found if not {one.key, one.connector} & unlisted and one.key not in missing]
        return numbers, codes, listed

    def _arrivals(self, kind: Kind, at: float, dt: float, minute: float, thing: str) -> Numbers:
        rate = self._rate[kind] * share(self._rhythm[kind], at, np.zeros(len(self._rate[kind]))) * dt
        for cast in self.casts[kind]:
            times = cast.scenario.at(cast.thing.name, thing, minute)
            if isinstance(times, float):
                rate[cast.row] *= times
        return self._rng.poisson(rate).astype(float)

    @staticmethod
    def _happen(cast: _Cast, step: SourceStep | SinkStep, minute: float) -> None:
        for (entity, thing), _ in cast.scenario.happens.items():
            if entity != cast.thing.name or thing in ("changes", "arrives", "listed"):
                continue
            value = cast.scenario.at(entity, thing, minute)
            if value is None:
                continue
            assert isinstance(value, float)
            getattr(step, thing)[cast.row] = value * 60_000 if thing == "lag" else value

    def _raw(self, numbers: dict[tuple[Kind, str], Numbers], codes: dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]], minute: float) -> None:
        """Readings that a scenario writes itself, and the states of pipelines and transforms."""
        if (pipelines := self.casts[Kind.PIPELINE]):
            codes[Kind.PIPELINE, "status"] = np.zeros(len(pipelines)), ("Active",)
        if (transforms := self.casts[Kind.TRANSFORM]):
            codes[Kind.TRANSFORM, "transform_status"] = np.zeros(len(transforms)), ("RUNNING",)
        for kind, casts in self.casts.items():
            for cast in casts:
                given = {metric: cast_value for (entity, metric), values in cast.scenario.readings.items()
                         if entity == cast.thing.name and minute >= 0
                         for cast_value in [values[min(int(minute), len(values) - 1)]]}  # fmt: skip
                if kind in (Kind.PIPELINE, Kind.TRANSFORM):
                    state: Value = cast.scenario.at(cast.thing.name, "status", minute)
                    if state is not None:
                        given["status" if kind is Kind.PIPELINE else "transform_status"] = state
                for metric, value in given.items():
                    self._put(numbers, codes, kind, metric, cast.row, value, len(casts))

    @staticmethod
    def _put(numbers: dict[tuple[Kind, str], Numbers], codes: dict[tuple[Kind, str], tuple[Numbers, tuple[str, ...]]], kind: Kind, metric: str, row: int, value: Value, count: int) -> None:
        if isinstance(value, str):
            known, words = codes.get((kind, metric), (np.full(count, np.nan), ()))
            if value not in words:
                words = (*words, value)
            known[row] = float(words.index(value))
            codes[kind, metric] = known, words
            return
        column = numbers.setdefault((kind, metric), np.full(count, np.nan))
        column[row] = np.nan if value is None or value == -1 else value
        if (kind, metric) in codes:
            codes[kind, metric][0][row] = np.nan
