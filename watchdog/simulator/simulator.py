"""The simulator as its users hold it: starts, stops, is asked, broken and moved by hand."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from watchdog.errors import ConfigError
from watchdog.simulator.api import Api
from watchdog.simulator.dialect import Dialect, Shape
from watchdog.simulator.exchange import Answer, Asked, error
from watchdog.simulator.faults import Fault, Faults, Kind, error_body
from watchdog.simulator.fleet import KIND_OF, Destination, Fleet, Listed, Source
from watchdog.simulator.scenario import Scenario
from watchdog.simulator.server import Server
from watchdog.simulator.tokens import Tokens
from watchdog.simulator.world import UNSET, Part, Value, World, describe, topic_id

#: Requests kept for assertions; a service that runs for days must not grow by them.
_KEPT_REQUESTS = 100_000
_SPOILED_WHOLE = frozenset({Kind.STATUS, Kind.EMPTY, Kind.HTML, Kind.MALFORMED, Kind.REDIRECT})


class Simulator:
    """A Streamkap API on a socket. A context manager; `start` and `stop` do the same by hand.

    `clock` gives seconds since the epoch and may be moved by hand; the world begins at its value when the simulator
    starts. `port` 0 takes a free one. `shape` is short for `dialect=Dialect(shape=…)`. `token_ttl` is in seconds.
    What `seed`, `sources`, `speed` and the dialect leave open, the scenario decides. Raises ConfigError where the
    scenario does not fit the fleet or the port cannot be had.
    """

    def __init__(
        self,
        fleet: Fleet | None = None,
        *,
        seed: int | None = None,
        sources: int | None = None,
        scenario: Scenario | None = None,
        shape: Shape | None = None,
        dialect: Dialect | None = None,
        clock: Callable[[], float] = time.time,
        speed: float | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        client_id: str = "simulator",
        secret: str = "simulator-secret",
        token_ttl: float = 3600.0,
    ) -> None:
        self.scenario = scenario = scenario or Scenario()
        if fleet is None:
            seed = seed if seed is not None else scenario.seed
            fleet = Fleet.generate(seed, sources if sources is not None else scenario.sources)
        incidents, faults = scenario.bind(fleet)
        dialect = dialect or scenario.dialect
        self.client_id, self.secret = client_id, secret
        self.speed = scenario.speed if speed is None else speed
        if not self.speed > 0:
            raise ConfigError(f"speed {self.speed} is not above 0")
        self.clock = clock
        self.tokens = Tokens(client_id, secret, token_ttl, clock)
        self.world = World(fleet, incidents)
        self._api = Api(
            self.world, self.tokens, clock(), self.speed, replace(dialect, shape=shape) if shape else dialect
        )
        self.faults = Faults(lambda: self.now)
        for fault in faults:
            self.faults.add(fault)
        self.requests: deque[Asked] = deque(maxlen=_KEPT_REQUESTS)
        self._host, self._port = host, port
        self._server: Server | None = None
        self._begun: float | None = None
        self._counted = 0
        self._lock = threading.Lock()

    # Life

    def start(self) -> None:
        """Listens from now on; the first time, this is instant 0 of the scenario."""
        if self._server is None:
            try:
                self._server = Server(self._handle, self._host, self._port)
            except (OSError, OverflowError) as error:
                what = f"cannot listen on {self._host}:{self._port}: {error}"
                raise ConfigError(f"{what}; choose another port, or 0 for a free one") from error
            self._port = self._server.address[1]  # the same one, should it start again
            if self._begun is None:
                self._begun = self._api.since = self.clock()
            self._server.start()

    def stop(self) -> None:
        """Ends every connection and the listening; can be started again, on the same port, while the world goes on."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL, without a slash at its end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def now(self) -> float:
        """Seconds of the scenario since the start."""
        return self._api.instant(self.clock())

    @property
    def fleet(self) -> Fleet:
        return self.world.fleet

    @property
    def dialect(self) -> Dialect:
        """How answers are worded; may be assigned while running."""
        return self._api.dialect

    @dialect.setter
    def dialect(self, dialect: Dialect) -> None:
        self._api.dialect = dialect

    # Making trouble

    def fail(self, path: str = "*", status: int | None = None, *, kind: Kind | str | None = None, **how: Any) -> Fault:
        """Lets requests whose path matches the glob go wrong, until `faults.remove(fault)` or `faults.clear()`.

        `status` alone answers with it; `kind` is one of `Kind`. `how`: method, times, after, at, until, detail, body,
        retry_after, delay, size, location, ids (see `Fault`).
        """
        if status is not None:
            how["status"] = status
        if how.get("retry_after") is not None:
            how["retry_after"] = str(how["retry_after"])
        for entity in how.get("ids", ()):
            self.find(entity)
        return self.faults.add(Fault(path, Kind(kind or Kind.STATUS), **how))

    def revoke_tokens(self) -> None:
        """The next request of everybody gets 401."""
        self.tokens.revoke()

    def set(self, entity: str, metric: str, value: Value, *, task: int | None = None, topic: str | None = None) -> None:
        """Pins a reading from now on, of the entity or of one of its tasks or topics."""
        self._pin(entity, metric, value, task, topic)

    def unset(self, entity: str, metric: str, *, task: int | None = None, topic: str | None = None) -> None:
        """Takes back what `set` or `state` pinned."""
        self._pin(entity, metric, UNSET, task, topic)

    def state(
        self,
        entity: str,
        status: Value | None = None,
        *,
        connector_status: Value | None = None,
        desired_state: Value | None = None,
        task_statuses: Mapping[int, Value] | None = None,
    ) -> None:
        """Pins the state of a connector (with its tasks'), a transform or a pipeline; what is not named stays."""
        found = self.find(entity)
        connector = isinstance(found, Source | Destination)
        status = connector_status if connector_status is not None else status
        if status is not None:
            self._pin(entity, "connector_status" if connector else "status", status)
        if desired_state is not None:
            self._pin(entity, "desired_state", desired_state)
        for task, value in (task_statuses or {}).items():
            self._pin(entity, "task_status", value, task)

    def rename(self, entity: str, name: str) -> None:
        """Changes the name, not the id; `find` goes on by the old name."""
        self._pin(entity, "name", name)

    def remove(self, entity: str) -> None:
        """From now on it is neither listed nor measured."""
        self._pin(entity, "exists", False)

    def restore(self, entity: str) -> None:
        """Takes back `remove`."""
        self._pin(entity, "exists", UNSET)

    def add(self, entity: Listed) -> None:
        """One entity more, from now on."""
        self.world.fleet = self.world.fleet.plus(entity)
        if self._begun is not None:
            self.world.pins.set(entity.id, "exists", False, -math.inf)
            self.world.pins.set(entity.id, "exists", True, self.now)

    def find(self, entity: str) -> Listed:
        """By `name`, `kind/name` or id. Raises KeyError with what would be accepted."""
        return find(self.world.fleet, entity)

    # Looking back

    def asked(self, path: str, method: str | None = None) -> list[Asked]:
        """Requests for exactly this path, in order."""
        return [a for a in list(self.requests) if a.path == path and method in (None, a.method)]

    def issue_token(self, ttl: float | None = None) -> str:
        """A ready access token."""
        return self.tokens.issue(ttl)

    def _pin(self, entity: str, metric: str, value: Any, task: int | None = None, topic: str | None = None) -> None:
        found = self.find(entity)
        part: Part = None
        if task is not None:
            part = ("task", str(task))
        elif topic is not None:
            part = ("topic", topic_id(found, topic))
        # What is set before the start has always been so.
        self.world.pins.set(found.id, metric, value, self.now if self._begun is not None else -math.inf, part)

    def _handle(self, method: str, target: str, authorization: str, content: bytes) -> tuple[Answer, Fault | None, str]:
        asked = Asked.parse(method, target, content, self.tokens.accepts(authorization), self.clock())
        self.requests.append(asked)
        with self._lock:
            self._counted += 1
            request_id = f"req-{self._counted:06d}"
        fault = self.faults.hit(method, asked.path)
        if fault is not None and fault.kind in _SPOILED_WHOLE:
            return _spoiled(fault, asked.path), None, request_id
        without = self._leaving_out(fault) if fault is not None and fault.kind is Kind.MISSING else None
        try:
            answer = self._api.answer(asked, without)
        except Exception as unexpected:  # a bug of ours must not look like silence to the client under test
            return error(500, f"the simulator failed: {unexpected!r}"), None, request_id
        if fault is not None and fault.kind is Kind.CONTENT_TYPE:
            answer = replace(answer, content_type="text/plain")
        return answer, fault, request_id

    def _leaving_out(self, fault: Fault) -> Callable[[Sequence[str]], Collection[str]]:
        named = {self.find(entity).id for entity in fault.ids}
        return lambda ids: named or set(ids[::2])


def find(fleet: Fleet, entity: str) -> Listed:
    """An entity by `name`, `kind/name` or id. Raises KeyError with what would be accepted."""
    if entity in fleet.by_id:
        return fleet.by_id[entity]
    kind, _, name = entity.rpartition("/")
    found = [e for e in fleet.all if e.name == name and kind in ("", KIND_OF[type(e)])]
    if len(found) == 1:
        return found[0]
    if found:
        raise KeyError(f"{entity!r} is ambiguous; write {' or '.join(map(describe, found))}")
    raise KeyError(f"{entity!r} is not in the fleet; there are {_some(map(describe, fleet.all))}")


def _some(names: Iterable[str], most: int = 10) -> str:
    known = list(names)
    return ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")


def _spoiled(fault: Fault, path: str) -> Answer:
    if fault.kind is Kind.EMPTY:
        return Answer(200, b"")
    if fault.kind is Kind.HTML:
        return Answer(200, b"<!doctype html><title>Maintenance</title><p>We are back soon.</p>", "text/html")
    if fault.kind is Kind.MALFORMED:
        return Answer(200, (fault.detail or '{"connector_metrics": {"66a0').encode())
    if fault.kind is Kind.REDIRECT:
        return Answer(307, b"", headers={"Location": fault.location.rstrip("/") + path})
    body, content_type = error_body(fault.status, fault.body, fault.detail)
    retry_after = "1" if fault.retry_after is None and fault.status == 429 else fault.retry_after
    return Answer(fault.status, body, content_type, {"Retry-After": retry_after} if retry_after else {})
