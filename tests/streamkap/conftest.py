"""A Streamkap API in a table: what a path answers, and what was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest

from watchdog.readings.fleet import Entity, Fleet, Kind
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller
from watchdog.streamkap.signin import Credentials

#: 2030-12-31 09:00:00 UTC
NOW = 1_924_938_000.0
SOURCE, DESTINATION = "66a0000000000000000000a1", "66a0000000000000000000b1"
PIPELINE, TRANSFORM = "66a0000000000000000000c1", "66a0000000000000000000d1"
EMPTY = {f"{group}_metrics": {} for group in ("account", "connector", "inline", "task", "topic")}


@dataclass
class Asked:
    method: str
    path: str
    params: dict[str, str]
    body: Any
    token: str


@dataclass
class Api:
    """`answers[path]` is a JSON value, a Response, an exception, or a function of the request; paths without are 404."""

    answers: dict[str, Any] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    clock: float = 1000.0
    lasts: float = 3600.0
    tokens: int = 0
    pauses: list[float] = field(default_factory=list)
    valid: Callable[[str], bool] = lambda token: True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = msgspec.json.decode(request.content) if request.content else None
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        asked = Asked(request.method, request.url.path, dict(parse_qsl(request.url.query.decode())), body, token)
        with self._lock:
            self.log.append(asked)
        if asked.path == "/auth/access-token" and asked.path not in self.answers:
            with self._lock:
                self.tokens += 1
                made = {"accessToken": f"token-{self.tokens}", "expiresIn": self.lasts, "expires": "whenever", "refreshToken": "r"}
            return httpx.Response(200, json=made)
        if asked.path != "/auth/access-token" and not self.valid(token):
            return httpx.Response(401, json={"detail": "expired"})
        answer = self.answers.get(asked.path, httpx.Response(404, json={"detail": "Not found"}))
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, json=answer)

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.log if asked.path == path]

    def client(self, credentials: Credentials | None = None, **options: Any) -> StreamkapClient:
        return StreamkapClient(
            "https://api.example.test",
            credentials or Credentials("client", "s3cret-of-mine"),
            transport=httpx.MockTransport(self),
            clock=lambda: self.clock,
            pause=self.pauses.append,
            **options,
        )


def page(*items: Any) -> dict[str, Any]:
    return {"result": list(items), "page": 1, "page_size": 100, "total": len(items), "has_next": False}


def connector(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "name": name, "connector": "postgresql", "tenant_id": "ten-1", "tasks": [0], "topic_ids": [], "topics": [],
        "connector_status": "Active", "task_statuses": {"0": {"status": "RUNNING"}}, **more,
    }  # fmt: skip


@dataclass
class Account:
    """A small account: a source, a destination with two tasks, a pipeline of both, a transform; and a poller of it."""

    api: Api
    poller: Poller
    fleet: Fleet = field(default_factory=lambda: Fleet.of([], NOW))

    def poll(self, after: float = 0.0) -> Any:
        poll = self.poller.poll(NOW + after)
        if poll.listing is not None:
            entities: dict[Any, Entity] = {e.key: e for kind in Kind if kind is not Kind.CONNECTOR
                                           for e in self.fleet.table(kind).entities}  # fmt: skip
            entities.update({entity.key: entity for entity in poll.listing.entities})
            self.fleet = Fleet.of(entities.values(), NOW + after)
        return poll

    def seen(self, poll: Any) -> dict[str, dict[str, float | str]]:
        """Readings by entity, `source/orders-db`, without those that are nothing."""
        snapshot = poll.snapshot(self.fleet)
        return {
            f"{kind.value}/{entity.name}": {r.metric: r.value for r in snapshot.readings(entity.key) if r.value is not None}
            for kind in Kind if kind is not Kind.CONNECTOR for entity in self.fleet.table(kind).entities
        }  # fmt: skip

    def dark(self, poll: Any) -> set[str]:
        snapshot = poll.snapshot(self.fleet)
        return {
            f"{kind.value}/{entity.name}"
            for kind in Kind if kind is not Kind.CONNECTOR
            for entity, dark in zip(self.fleet.table(kind).entities, snapshot.unobserved(kind), strict=True) if dark
        }  # fmt: skip


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def account(api: Api) -> Account:
    topic = f"source_{SOURCE}.public.orders"
    source = connector(SOURCE, "orders-db", topic_ids=[topic], topics=["public.orders"], tags=["t1"], desired_state="Active")
    sink = connector(
        DESTINATION, "warehouse", connector="snowflake", tasks=[0, 1], topic_ids=[topic], topics=["public.orders"],
        task_statuses={"0": {"state": "RUNNING"}, "1": {"state": "FAILED"}},
    )  # fmt: skip
    api.answers |= {
        "/sources": page(source),
        "/destinations": page(sink),
        "/pipelines": page({"id": PIPELINE, "name": "orders", "tenant_id": "ten-1", "source": source, "destination": sink,
                            "transforms": [TRANSFORM], "tags": []}),
        "/transforms": page({"id": TRANSFORM, "name": "clean", "tags": ["t2"]}),
        "/transforms/details": page({"id": TRANSFORM, "name": "clean", "metrics": {"status": "RUNNING", "latency": 20}}),
        "/tags": page({"id": "t1", "name": "prod"}, {"id": "t2", "name": "eu"}),
        "/sources/metrics": {**EMPTY,
            "account_metrics": {"topic_count": 4},
            "connector_metrics": {SOURCE: {"StreamingMilliSecondsBehindSource": 840}},
            "inline_metrics": {SOURCE: {"connector_status": [{"timestamp": "2030-12-31 08:59:55", "value": "Active"}]}},
            "task_metrics": {SOURCE: {"0": {"sourceRecordWriteTotal": 5, "status": "RUNNING"}}},
            "topic_metrics": {SOURCE: {topic: {"sourceRecordWriteTotal": 4}}}},
        "/destinations/metrics": {**EMPTY,
            "connector_metrics": {DESTINATION: {"recordsLag": 7, "connector_status": "Active"}},
            "task_metrics": {DESTINATION: {"0": {"status": "RUNNING"}, "1": {"status": "FAILED"}}}},
        "/pipelines/metrics": {**EMPTY, "connector_metrics": {PIPELINE: {"status": "Active", "latency": 12, "recordsLag": 0}}},
    }  # fmt: skip
    return Account(api, Poller(api.client(), listing_every=300.0))


@pytest.fixture
def ids() -> Iterator[dict[str, str]]:
    yield {"source": SOURCE, "destination": DESTINATION, "pipeline": PIPELINE, "transform": TRANSFORM}
