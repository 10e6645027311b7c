"""The simulated account: sources, transforms, destinations, pipelines and tags; the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2s
from random import Random

from watchdog.simulator import naming
from watchdog.simulator.flow import Flow

TENANT, SERVICE, SUBSCRIBER = "ten-1", "svc-1", "sub-1"
_CREATED = 1_704_067_200  # 2024-01-01, before every simulated incident


def object_id(*parts: object) -> str:
    """A 24-digit hexadecimal id, as MongoDB makes them, that depends on nothing but `parts`."""
    return blake2s("/".join(map(str, parts)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Source:
    """A source connector and the tables it reads (`schema.table`)."""

    id: str
    name: str
    connector: str = "postgresql"
    tags: tuple[str, ...] = ()  #: ids of tags
    tables: tuple[str, ...] = ("public.orders",)
    tasks: int = 1
    flow: Flow = field(default_factory=lambda: Flow(1.0))
    lag_ms: float = 400.0  #: usual delay of an event
    uptime: float = 864_000.0  #: seconds since its last start, when the simulator begins
    event_bytes: int = 420

    @cached_property
    def key(self) -> int:
        return int(self.id[:15], 16)

    @cached_property
    def topic_ids(self) -> tuple[str, ...]:
        return tuple(f"source_{self.id}.{table}" for table in self.tables)

    @property
    def debezium(self) -> bool:
        """Only Debezium's connectors have Streaming… and Snapshot… metrics."""
        return self.connector in naming.DEBEZIUM


@dataclass(frozen=True)
class Destination:
    """A destination connector; what it reads is decided by the pipelines that end in it."""

    id: str
    name: str
    connector: str = "snowflake"
    tags: tuple[str, ...] = ()
    tasks: int = 1
    latency_ms: float = 1500.0
    uptime: float = 864_000.0

    @cached_property
    def key(self) -> int:
        return int(self.id[:15], 16)


@dataclass(frozen=True)
class Transform:
    """A Flink job between a source and a destination."""

    id: str
    name: str
    transform_type: str = "map_filter"
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    latency_ms: float = 40.0
    uptime: float = 864_000.0

    @cached_property
    def key(self) -> int:
        return int(self.id[:15], 16)


@dataclass(frozen=True)
class Pipeline:
    """A way from a source to a destination; all but its name and tags are ids."""

    id: str
    name: str
    source: str
    destination: str
    transforms: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @cached_property
    def key(self) -> int:
        return int(self.id[:15], 16)


Listed = Source | Destination | Transform | Pipeline
KIND_OF = {Source: "source", Destination: "destination", Transform: "transform", Pipeline: "pipeline"}


@dataclass(frozen=True)
class Fleet:
    """Everything in the account. `tags` maps a tag's id to its name."""

    sources: tuple[Source, ...] = ()
    destinations: tuple[Destination, ...] = ()
    transforms: tuple[Transform, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def generate(cls, seed: int = 1, sources: int = 12) -> Fleet:
        """A fleet of so many sources. Names do not depend on the seed, so that scenarios can count on them."""
        if sources < 0:
            raise ValueError(f"a fleet has 0 or more sources, got {sources}")
        return _generate(seed, sources)

    @cached_property
    def by_id(self) -> dict[str, Listed]:
        return {entity.id: entity for entity in self.all}

    @cached_property
    def all(self) -> tuple[Listed, ...]:
        return (*self.sources, *self.destinations, *self.transforms, *self.pipelines)

    @cached_property
    def pipelines_into(self) -> dict[str, list[Pipeline]]:
        """Pipelines by the id of their destination."""
        found: dict[str, list[Pipeline]] = {destination.id: [] for destination in self.destinations}
        for pipeline in self.pipelines:
            found.setdefault(pipeline.destination, []).append(pipeline)
        return found

    @cached_property
    def inflow(self) -> dict[str, float]:
        """Events a second that arrive at each destination."""
        rate = {source.id: source.flow.rate for source in self.sources}
        return {
            destination: sum(rate.get(pipeline.source, 0.0) for pipeline in pipelines)
            for destination, pipelines in self.pipelines_into.items()
        }

    @cached_property
    def topics_into(self) -> dict[str, tuple[str, ...]]:
        """Topic ids that arrive at each destination."""
        topics = {source.id: source.topic_ids for source in self.sources}
        return {
            destination: tuple(dict.fromkeys(t for p in pipelines for t in topics.get(p.source, ())))
            for destination, pipelines in self.pipelines_into.items()
        }

    def plus(self, entity: Listed) -> Fleet:
        """With one entity more."""
        if isinstance(entity, Source):
            return replace(self, sources=(*self.sources, entity))
        if isinstance(entity, Destination):
            return replace(self, destinations=(*self.destinations, entity))
        if isinstance(entity, Transform):
            return replace(self, transforms=(*self.transforms, entity))
        return replace(self, pipelines=(*self.pipelines, entity))


def created(entity: Listed) -> str:
    """When an entity was created, as the API writes it."""
    at = datetime.fromtimestamp(_CREATED + entity.key % 30_000_000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _generate(seed: int, count: int) -> Fleet:
    tags = {object_id(seed, "tag", name): name for name in naming.TAGS}
    id_of = {name: id for id, name in tags.items()}
    sources = tuple(_source(seed, number, id_of) for number in range(count))
    endings = -(-count // 4)
    destinations = tuple(_destination(seed, number, id_of) for number in range(endings))
    transforms: list[Transform] = []
    pipelines: list[Pipeline] = []
    for number, source in enumerate(sources):
        jobs: list[Transform] = []
        if number % 3 == 1:
            jobs = [_transform(seed, number, source)]
        elif number % 12 == 6:
            jobs = [_transform(seed, number, source, step) for step in (0, 1)]
        transforms += jobs
        pipelines.append(_pipeline(seed, source, destinations[number % endings], jobs))
        if number % 5 == 2 and endings > 1:  # one table, two warehouses
            pipelines.append(_pipeline(seed, source, destinations[(number + 1) % endings], []))
    return Fleet(sources, destinations, tuple(transforms), tuple(pipelines), tags)


def _source(seed: int, number: int, tags: dict[str, str]) -> Source:
    chance = Random(f"{seed}/source/{number}")
    known = naming.source(number)
    quiet = known.rate < 0.05
    return Source(
        id=object_id(seed, "source", number),
        name=known.name,
        connector=known.connector,
        tags=tuple(tags[name] for name in known.tags),
        tables=known.tables,
        tasks=known.tasks,
        flow=Flow(
            rate=known.rate * chance.uniform(0.8, 1.25),
            swing=0.0 if quiet else chance.uniform(0.1, 0.4),
            period=chance.uniform(600, 7200),
            phase=chance.uniform(0, 6.28),
            head=chance.random(),
        ),
        lag_ms=chance.uniform(150, 900),
        uptime=chance.uniform(3, 40) * 86_400,
        event_bytes=chance.randrange(180, 1400),
    )


def _destination(seed: int, number: int, tags: dict[str, str]) -> Destination:
    chance = Random(f"{seed}/destination/{number}")
    known = naming.destination(number)
    return Destination(
        id=object_id(seed, "destination", number),
        name=known.name,
        connector=known.connector,
        tags=tuple(tags[name] for name in known.tags),
        tasks=known.tasks,
        latency_ms=chance.uniform(600, 4000),
        uptime=chance.uniform(3, 40) * 86_400,
    )


def _transform(seed: int, number: int, source: Source, step: int = 0) -> Transform:
    chance = Random(f"{seed}/transform/{number}/{step}")
    kind = naming.TRANSFORM_TYPES[(number // 3 + step) % len(naming.TRANSFORM_TYPES)]
    name = f"{source.name}-{naming.TRANSFORM_VERBS[kind]}"
    id = object_id(seed, "transform", number, step)
    return Transform(
        id, name, kind, source.tags, (f"transform_{id}.{source.tables[0]}",), chance.uniform(10, 120),
        chance.uniform(1, 20) * 86_400,
    )  # fmt: skip


def _pipeline(seed: int, source: Source, destination: Destination, jobs: Sequence[Transform]) -> Pipeline:
    return Pipeline(
        object_id(seed, "pipeline", source.id, destination.id),
        f"{source.name}-to-{destination.name}",
        source.id,
        destination.id,
        tuple(job.id for job in jobs),
        source.tags,
    )
