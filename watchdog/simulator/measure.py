"""Readings of one entity at one instant, as plain values; how they are dressed for the wire is not known here."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchdog.simulator.fleet import Destination, Listed, Pipeline, Source, Transform
from watchdog.simulator.flow import NOTHING_SPECIAL, Flow, Progress, noise, progress
from watchdog.simulator.incidents import Incident
from watchdog.simulator.world import Value, World, finite

Readings = dict[str, Value]


@dataclass(slots=True)
class Measured:
    """Readings of an entity: its own, those the API calls inline, and those of its tasks and topics."""

    own: Readings = field(default_factory=dict)
    inline: Readings = field(default_factory=dict)
    tasks: dict[int, Readings] = field(default_factory=dict)
    topics: dict[str, Readings] = field(default_factory=dict)
    snapshots: list[dict[str, Value]] = field(default_factory=list)  #: of a source, one a topic

    def all(self) -> Readings:
        """Its own and the inline ones together, as the endpoint of one entity answers."""
        return {**self.own, **self.inline}


def measure(world: World, entity: Listed, at: float) -> Measured | None:
    """Everything measured of an entity at `at`; None where nothing is."""
    missing = world.unmeasured(entity, at)
    if missing is None:
        return None
    seen = world.measured_at(entity, at)
    if isinstance(entity, Source):
        found = _source(world, entity, seen)
    elif isinstance(entity, Destination):
        found = _destination(world, entity, seen)
    elif isinstance(entity, Pipeline):
        found = _pipeline(world, entity, seen)
    else:
        found = _transform(world, entity, seen)
    _apply(world, entity, seen, found)
    if missing:
        for readings in (found.own, found.inline, *found.tasks.values(), *found.topics.values()):
            for name in missing & readings.keys():
                del readings[name]
    return found


def measure_account(world: World, at: float) -> Readings:
    """Readings of the account as a whole."""
    written = finite(sum(world.fleet.inflow.values()) * (864_000 + at))
    return {"sourceRecordWriteTotal": written, "byteTotal": written * 420}


def _apply(world: World, entity: Listed, at: float, found: Measured) -> None:
    for (part, metric), value in world.set_readings(entity, at).items():
        if part is None:
            # A metric that is told in two places is the same in both.
            if metric in found.inline:
                found.inline[metric] = value
            if metric in found.own or metric not in found.inline:
                found.own[metric] = value
        elif part[0] == "task":
            found.tasks.setdefault(int(part[1]), {})[metric] = value
        else:
            found.topics.setdefault(part[1], {})[metric] = value


def _source(world: World, source: Source, at: float) -> Measured:
    state = world.connector(source, at)
    courses = world.timeline.courses_of(source.id)
    reading = courses.reading if courses else NOTHING_SPECIAL
    read = progress(source.flow, reading, at, source.uptime)
    snapshot = _snapshot(world.timeline.of(source.id), at) if courses else _QUIET_SNAPSHOT
    written, tasks = _written(world, source, source.flow, at, read)
    written += snapshot.rows
    connected = state.status not in ("Broken", "Stopped", "Unassigned", "Starting")
    found = Measured()
    if source.debezium:
        found.own.update(_debezium(world, source, at, read, snapshot))
        found.own["StreamingConnected"] = int(connected)
        found.snapshots = [
            {"status": snapshot.word, "topic_id": topic, "submit_timestamp": None} for topic in source.topic_ids
        ]
    found.own["recordRetryTotal"] = None
    found.own["byteTotal"] = written * source.event_bytes
    found.own["sourceRecordWriteTotal"] = written
    found.own["recordSendTotal"] = None
    found.inline = {"connector_status": state.status, "latency": _latency(world, source, at, read)}
    if source.debezium:
        found.inline["state"] = "Snapshotting" if snapshot.running else "Streaming"
        found.inline["streamingState"] = "connected" if connected else "disconnected"
        found.inline["snapshotState"] = snapshot.word
    found.inline["sourceRecordWriteTotal"] = written
    found.tasks = {number: {"sourceRecordWriteTotal": tasks[number]} for number in state.tasks if number in tasks}
    shares = _shares(written, len(source.tables))
    for topic, share in zip(source.topic_ids, shares, strict=True):
        found.topics[topic] = {"sourceRecordWriteTotal": share, "byteTotal": share * source.event_bytes}
    return found


def _latency(world: World, source: Source, at: float, read: Progress) -> Value:
    """The delay of the newest event; it belongs to that event, and so stands still while there is none."""
    if read.idle_for is None:
        return -1 if source.debezium else None
    usual = source.lag_ms * (0.6 + 0.8 * noise(source.key, read.ever))
    return finite(usual + (world.lag_ms(source, at - read.idle_for) if world.timeline.of(source.id) else 0.0))


def _debezium(world: World, source: Source, at: float, read: Progress, snapshot: _Snapshot) -> Readings:
    # Of each 61 events 41 are inserts, 17 updates and 3 deletes, so that no counter ever falls.
    rounds, rest = divmod(read.events, 61)
    creates = rounds * 41 + min(rest, 41)
    updates = rounds * 17 + min(max(rest - 41, 0), 17)
    number = read.events
    text = f'position: {{lsn={number * 96}}}, key: {{"id": {number}, "email": "customer{number % 997}@example.com"}}'
    return {
        "SnapshotTotalNumberOfEventsSeen": snapshot.rows,
        "SnapshotMilliSecondsSinceLastEvent": snapshot.idle_ms,
        "StreamingMilliSecondsBehindSource": _latency(world, source, at, read),
        "StreamingTotalNumberOfCreateEventsSeen": creates,
        "StreamingTotalNumberOfUpdateEventsSeen": updates,
        "StreamingTotalNumberOfDeleteEventsSeen": read.events - creates - updates,
        "StreamingMilliSecondsSinceLastEvent": -1 if read.idle_for is None else finite(read.idle_for * 1000),
        "StreamingLastEvent": text if read.events else None,
        "SnapshotRunning": int(snapshot.running),
        "SnapshotCompleted": 0,  # as the documentation's own example, beside a snapshot that is completed
    }


def _written(
    world: World, entity: Source | Destination, flow: Flow, at: float, read: Progress
) -> tuple[int, dict[int, int]]:
    """Records written since the start: by the connector, and by each task."""
    courses = world.timeline.courses_of(entity.id)
    if courses is None or (courses.writing == courses.reading and not courses.of_task):
        shares = _shares(read.events, entity.tasks)
        return read.events, dict(enumerate(shares))
    events = progress(flow, courses.writing, at, entity.uptime).events
    tasks = dict(enumerate(_shares(events, entity.tasks)))
    for number, course in courses.of_task.items():
        if number in tasks:
            tasks[number] = _shares(progress(flow, course, at, entity.uptime).events, entity.tasks)[number]
    return sum(tasks.values()), tasks


def _shares(total: int, parts: int) -> list[int]:
    """A total in whole parts, the first the largest; each grows whenever the total does, or stays."""
    if parts <= 1:
        return [total] * parts
    rest = total // (parts + 1)
    return [total - rest * (parts - 1), *[rest] * (parts - 1)]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    word: str = "completed"
    running: bool = False
    rows: int = 0
    idle_ms: int = 0


_QUIET_SNAPSHOT = _Snapshot()


def _snapshot(incidents: list[Incident], at: float) -> _Snapshot:
    found = _QUIET_SNAPSHOT
    for incident in incidents:
        if incident.do == "restart" and incident.at <= at:
            found = _Snapshot(found.word, idle_ms=-1)
        if incident.do != "snapshot" or at < incident.at:
            continue
        outcome = incident.args.get("outcome", "completed")
        rows = float(incident.args.get("rows", 100_000))
        length = incident.until - incident.at if incident.until < 1e12 else 600.0
        done = (at - incident.at) / length
        stop = 0.4 if outcome == "hanging" else 1.0
        seen, idle = finite(rows * min(done, stop)), finite(max(0.0, done - stop) * length * 1000)
        if incident.holds(at):
            found = _Snapshot("running", True, seen, idle)
        else:
            found = _Snapshot("completed" if outcome == "hanging" else outcome, False, finite(rows), idle)
    return found


def _destination(world: World, destination: Destination, at: float) -> Measured:
    state = world.connector(destination, at)
    flow = Flow(max(world.fleet.inflow.get(destination.id, 0.0), 0.001), head=noise(destination.key, 0))
    courses = world.timeline.courses_of(destination.id)
    read = progress(flow, courses.reading if courses else NOTHING_SPECIAL, at, destination.uptime)
    sent, tasks = _written(world, destination, flow, at, read)
    jitter = noise(destination.key, int(at))
    lag = finite(flow.rate * 2 * jitter + world.backlog(destination, at))
    latency = finite(destination.latency_ms * (0.7 + 0.6 * jitter) + 1000 * world.backlog(destination, at) / flow.rate)
    letters = sum(
        float(i.args.get("rate", 5.0)) * (min(at, i.until) - i.at)
        for i in world.timeline.of(destination.id)
        if i.do == "dead_letters" and i.at <= at
    )
    found = Measured(
        own={
            "recordsLag": lag,
            "latency": latency,
            "recordSendTotal": sent,
            "recordRetryTotal": None,
            "deadletterqueueProduceRequests": finite(letters),
        },
        inline={
            "connector_status": state.status, "latency": latency, "recordsLag": lag, "sourceRecordWriteTotal": sent,
        },
        tasks={number: {"recordSendTotal": tasks[number]} for number in state.tasks if number in tasks},
    )  # fmt: skip
    topics = world.fleet.topics_into.get(destination.id, ())
    for topic, waiting, gone in zip(topics, _shares(lag, len(topics)), _shares(sent, len(topics)), strict=True):
        found.topics[topic] = {"recordsLag": waiting, "recordSendTotal": gone}
    return found


def _pipeline(world: World, pipeline: Pipeline, at: float) -> Measured:
    latency, lag = 0.0, 0
    source, destination = world.find(pipeline.source, at), world.find(pipeline.destination, at)
    if isinstance(source, Source):
        courses = world.timeline.courses_of(source.id)
        read = progress(source.flow, courses.reading if courses else NOTHING_SPECIAL, at, source.uptime)
        latency += max(0.0, float(_latency(world, source, at, read) or 0))
    if isinstance(destination, Destination):
        into = len(world.fleet.pipelines_into.get(destination.id, ())) or 1
        flow = max(world.fleet.inflow.get(destination.id, 0.0), 0.001)
        jitter, backlog = noise(destination.key, int(at)), world.backlog(destination, at)
        latency += destination.latency_ms * (0.7 + 0.6 * jitter) + 1000 * backlog / flow
        lag = finite((flow * 2 * jitter + backlog) / into)
    return Measured(own={"latency": finite(latency), "recordsLag": lag, "status": world.pipeline(pipeline, at)})


def _transform(world: World, transform: Transform, at: float) -> Measured:
    jitter = noise(transform.key, int(at))
    latency = finite(transform.latency_ms * (0.7 + 0.6 * jitter))
    return Measured(own={"latency": latency, "status": world.transform(transform, at)})
