"""The simulated API: one request in, one answer out; knows nothing of sockets."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from watchdog.streamkap.simulator import dialect as words
from watchdog.streamkap.simulator.dialect import Dialect, Sample
from watchdog.streamkap.simulator.faults import error_body
from watchdog.streamkap.simulator.fleet import TENANT, Destination, Listed, Pipeline, Source, Transform
from watchdog.streamkap.simulator.listings import Item, Listings
from watchdog.streamkap.simulator.measure import measure
from watchdog.streamkap.simulator.tokens import Tokens
from watchdog.streamkap.simulator.world import World

_PAGE_SIZE, _MAX_PAGE_SIZE = 10, 100
_MAX_POINTS = 2000
_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2592000.0}
_TIME_TYPES = ("timeseries", "latest", "timesummary")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; `body` is its JSON, or None; `at` is the clock's instant."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    authorized: bool = False
    at: float = 0.0

    @classmethod
    def parse(cls, method: str, target: str, content: bytes, authorized: bool, at: float) -> Asked:
        path, _, query = target.partition("?")
        found: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            # Lists may come as a,b or as a parameter said twice.
            found[name] = f"{found[name]},{value}" if name in found and name.endswith("ids") else value
        try:
            body = msgspec.json.decode(content) if content.strip() else None
        except msgspec.DecodeError:
            body = None
        return cls(method, path.rstrip("/") or "/", found, body, authorized, at)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and content type."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def error(status: int, detail: str | None = None, form: str | None = None) -> Answer:
    """An error in the form the API gives it."""
    body, content_type = error_body(status, form, detail)
    return Answer(status, body, content_type)


class _RefusedError(Exception):
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _Range:
    """Which instants of the clock a metrics request is about; one, unless it asks for a series."""

    instants: tuple[float, ...]
    series: bool


class Api:
    """Answers for a world. `since` is the clock's instant at the world's 0, `speed` the world's seconds per clock second."""

    def __init__(self, world: World, tokens: Tokens, since: float, speed: float, dialect: Dialect) -> None:
        self.world, self.tokens, self.since, self.speed, self.dialect = world, tokens, since, speed, dialect

    def instant(self, clock: float) -> float:
        """The world's instant at one of the clock."""
        return (clock - self.since) * self.speed

    def answer(self, asked: Asked, without: Callable[[Sequence[str]], set[str]] | None = None) -> Answer:
        """The honest answer; `without` names the ids a metrics answer leaves out."""
        for method, pattern, handle in _ROUTES:
            found = pattern.fullmatch(asked.path)
            if not found or asked.method not in method:
                continue
            if not asked.authorized and not asked.path.startswith("/auth/"):
                return error(401)
            try:
                document = handle(_Request(self, asked, without), **found.groupdict())
            except _RefusedError as refused:
                return refused.answer
            return Answer(200, msgspec.json.encode(document))
        if any(pattern.fullmatch(asked.path) for _, pattern, _ in _ROUTES):
            return error(405, "Method Not Allowed")
        return error(404, "Not Found")


class _Request:
    """One request being answered: everything it sees is of one instant."""

    def __init__(self, api: Api, asked: Asked, without: Callable[[Sequence[str]], set[str]] | None) -> None:
        self.api, self.asked, self.without = api, asked, without
        self.world, self.dialect = api.world, api.dialect
        self.at = api.instant(asked.at)
        self.listings = Listings(api.world, api.dialect, self.at, asked.at)

    # Sign-in

    def sign_in(self) -> Item:
        body = self._object("client_id", "secret")
        return self.api.tokens.sign_in(body["client_id"], body["secret"]) or self._refuse(401, "Invalid credentials")

    def refresh(self) -> Item:
        body = self._object("refresh_token")
        return self.api.tokens.refresh(body["refresh_token"]) or self._refuse(401, "Invalid refresh token")

    # Listings

    def sources(self) -> Item:
        return self._page(self._filtered(self.listings.sources()), self.listings.connector)

    def destinations(self) -> Item:
        return self._page(self._filtered(self.listings.destinations()), self.listings.connector)

    def pipelines(self) -> Item:
        found = self._filtered(self.listings.pipelines())
        for end in ("source", "destination"):
            if wanted := self._csv(f"{end}_id"):
                found = [pipeline for pipeline in found if getattr(pipeline, end) in wanted]
        return self._page(found, self.listings.pipeline)

    def transforms(self) -> Item:
        return self._page(self._filtered(self.listings.transforms()), self.listings.transform)

    def transform_details(self) -> Item:
        return self._page(self._filtered(self.listings.transforms()), self.listings.transform_details)

    def one_source(self, id: str) -> Item:
        return self._page([s for s in self.listings.sources() if s.id == id], self.listings.connector)

    def one_destination(self, id: str) -> Item:
        return self._page([d for d in self.listings.destinations() if d.id == id], self.listings.connector)

    def one_pipeline(self, id: str) -> Item:
        return self._page([p for p in self.listings.pipelines() if p.id == id], self.listings.pipeline)

    def one_transform(self, id: str) -> Item:
        return self._page([t for t in self.listings.transforms() if t.id == id], self.listings.transform)

    def job_status(self, id: str) -> Item:
        found = self.world.find(id, self.at)
        if not isinstance(found, Transform):
            self._refuse(400, "Transform not found")  # not 404: the API words it so
        began = self.world.transform_ran_since(found, self.at)
        start = datetime.fromtimestamp(self.asked.at - (self.at - began) / self.api.speed, UTC)
        return {
            "id": id,
            "job_name": self.world.name(found, self.at),
            "status": self.world.transform(found, self.at),
            "start_time": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def topics(self) -> Item:
        found = self.listings.topics()
        query = self.asked.query
        if kind := query.get("entity_type"):
            found = [topic for topic in found if topic["entity"]["entity_type"] == kind]
        if owners := self._csv("entity_id"):
            found = [topic for topic in found if topic["entity"]["entity_id"] in owners]
        if wanted := self._csv("topic_id"):
            found = [topic for topic in found if topic["id"] in wanted]
        if part := query.get("partial_name"):
            found = [topic for topic in found if part in topic["name"]]
        if query.get("include_dlq", "true").lower() == "false":
            found = [topic for topic in found if not topic["name"].endswith("deadletterqueue")]
        return self._page(found, lambda topic: topic)

    def tags(self) -> Item:
        wanted = self._csv("tag_ids")
        return self._page([tag for tag in self.listings.tags() if not wanted or tag["id"] in wanted], lambda tag: tag)

    # Metrics

    def source_metrics(self) -> Item:
        return self._bulk(self.listings.sources())

    def destination_metrics(self) -> Item:
        return self._bulk(self.listings.destinations())

    def pipeline_metrics(self) -> Item:
        return self._bulk(self.listings.pipelines())

    def of_source(self, id: str) -> Item:
        return self._one(id, Source)

    def of_destination(self, id: str) -> Item:
        return self._one(id, Destination)

    def of_pipeline(self, id: str) -> Item:
        return self._one(id, Pipeline)

    def _bulk(self, known: Sequence[Listed]) -> Item:
        """Query and body together; what the body names wins."""
        body = self.asked.body if isinstance(self.asked.body, dict) else {}
        level = self._choice("level", ("connector", "task", "topic"))
        times = self._range()
        ids, single = self._ids(body)
        tenants = _texts(body.get("tenant_ids")) or self._csv("tenant_ids")
        if tenants and TENANT not in tenants:
            known = []
        if ids is not None:
            by_id = {entity.id: entity for entity in known}
            known = [by_id[id] for id in dict.fromkeys(ids) if id in by_id]
        known = self._cut(known)
        if self.without:
            left_out = self.without([entity.id for entity in known])
            known = [entity for entity in known if entity.id not in left_out]
        found = [(entity, self._samples(entity, times)) for entity in known]
        if snapshot := self.asked.query.get("snapshot"):
            found = [(e, s) for e, s in found if s and s[-1][1].inline.get("snapshotState") == snapshot]
        first, size = self._whole("topic_list_from", 0), self._whole("topic_list_size", None)
        topics = slice(first, None if size is None else (first or 0) + size)
        flow = sum(self.world.fleet.inflow.values())
        account = {"sourceRecordWriteTotal": round(flow * (864_000 + self.at)), "byteTotal": round(flow * 420 * (864_000 + self.at))}
        return words.bulk(
            self.dialect, found, dict(account), level=level, topics=topics, single=single, series=times.series
        )

    def _one(self, id: str, kind: type[Listed]) -> Item:
        entity = self.world.find(id, self.at)
        left_out = self.without([id]) if self.without else set()
        if not isinstance(entity, kind) or id in left_out:
            self._refuse(404, "Metrics not found")
        # The endpoint of a pipeline knows the latest only.
        times = _Range((self.asked.at,), False) if isinstance(entity, Pipeline) else self._range()
        samples = self._samples(entity, times)
        if not samples:
            self._refuse(404, "Metrics not found")
        return words.one(self.dialect, entity, samples, series=times.series)

    def _samples(self, entity: Listed, times: _Range) -> list[Sample]:
        instants = times.instants
        if not times.series and self.dialect.shape == "B":
            instants = (self.asked.at - 60, self.asked.at)  # a list of points is more than one point
        found = []
        for clock in instants:
            at = self.api.instant(clock)
            measured = measure(self.world, entity, at)
            if measured is not None:
                seen = self.world.measured_at(entity, at)
                found.append((words.stamp(self.api.since + seen / self.api.speed), measured))
        return found

    def _range(self) -> _Range:
        kind = self._choice("time_type", _TIME_TYPES) or "latest"
        if kind != "timeseries":
            return _Range((self.asked.at,), False)
        until = self._instant("timestamp_to", self.asked.at)
        since = self._instant("timestamp_from", until - 86_400)
        unit = self._choice("time_unit", tuple(_SECONDS))
        step = (self._whole("time_interval", 1) or 1) * _SECONDS[unit or "minute"]
        if since > until:
            self._refuse(400, "timestamp_from is after timestamp_to")
        until = min(until, self.asked.at)
        if (until - since) / step > _MAX_POINTS and unit is None:
            step = (until - since) / _MAX_POINTS
        count = math.floor((until - since) / step)
        if count > 20 * _MAX_POINTS:
            self._refuse(400, "too many points; choose a longer time_interval")
        return _Range(tuple(until - step * back for back in range(count, -1, -1)), True)

    # Parameters

    def _ids(self, body: Mapping[str, Any]) -> tuple[list[str] | None, bool]:
        """The ids asked for (None: all), and whether it is a single one."""
        found = _texts(body.get("ids")) or self._csv("ids")
        if not found and self.asked.query.get("id"):
            found = [self.asked.query["id"]]
        return (found, len(found) == 1) if found else (None, False)

    def _cut(self, known: Sequence[Listed]) -> Sequence[Listed]:
        """`from` is the id to begin with, `size` how many; `page` counts in sizes."""
        size, page = self._whole("size", None), self._whole("page", 1) or 1
        if first := self.asked.query.get("from"):
            numbers = [number for number, entity in enumerate(known) if entity.id == first]
            known = known[numbers[0] :] if numbers else []
        if size is None:
            return known
        return known[(page - 1) * size : page * size]

    def _filtered(self, found: Sequence[Any]) -> list[Any]:
        query = self.asked.query
        if ids := self._csv("id"):
            found = [entity for entity in found if entity.id in ids]
        if part := query.get("partial_name"):
            found = [entity for entity in found if part.lower() in self.world.name(entity, self.at).lower()]
        if plugins := self._csv("connector"):
            found = [entity for entity in found if getattr(entity, "connector", None) in plugins]
        if tags := self._csv("tag_ids"):
            found = [entity for entity in found if set(tags) & set(entity.tags)]
        if states := self._csv("status"):
            found = [entity for entity in found if str(self._status(entity)) in states]
        if query.get("sort") == "name":
            found = sorted(found, key=lambda entity: self.world.name(entity, self.at))
        if query.get("sort_dir") == "desc":
            found = list(reversed(found))
        return list(found)

    def _status(self, entity: Listed) -> object:
        if isinstance(entity, Source | Destination):
            return self.world.connector(entity, self.at).status
        return self.world.transform(entity, self.at) if isinstance(entity, Transform) else self.world.pipeline(entity, self.at)

    def _page(self, found: Sequence[Any], item: Callable[[Any], Item]) -> Item:
        page = self._whole("page", 1, least=1) or 1
        size = self._whole("page_size", _PAGE_SIZE, least=1, most=_MAX_PAGE_SIZE) or _PAGE_SIZE
        tells = self.dialect.paging
        return {
            "result": [item(entity) for entity in found[(page - 1) * size : page * size]],
            "page": page,
            "page_size": size,
            "total": len(found) if tells in ("both", "total") else None,
            "has_next": page * size < len(found) if tells in ("both", "has_next") else None,
        }

    def _csv(self, name: str) -> list[str]:
        return _texts(self.asked.query.get(name))

    def _choice(self, name: str, among: Sequence[str]) -> str | None:
        value = self.asked.query.get(name)
        if value and value not in among:
            self._mistake(name, f"Input should be {', '.join(map(repr, among))}", "enum")
        return value or None

    def _whole(self, name: str, otherwise: int | None, *, least: int = 0, most: int | None = None) -> int | None:
        text = self.asked.query.get(name)
        if text is None or text == "":
            return otherwise
        try:
            value = int(text)
        except ValueError:
            self._mistake(name, "Input should be a valid integer, unable to parse string as an integer", "int_parsing")
        if value < least:
            self._mistake(name, f"Input should be greater than or equal to {least}", "greater_than_equal")
        if most is not None and value > most:
            self._mistake(name, f"Input should be less than or equal to {most}", "less_than_equal")
        return value

    def _instant(self, name: str, otherwise: float) -> float:
        text = self.asked.query.get(name)
        if not text:
            return otherwise
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self._refuse(400, f"{name} is not an ISO 8601 instant")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

    def _object(self, *names: str) -> Mapping[str, Any]:
        body = self.asked.body
        for name in names:
            if not isinstance(body, dict) or not isinstance(body.get(name), str):
                self._mistake(name, "Field required", "missing", place="body")
        return body  # type: ignore[no-any-return]

    def _mistake(self, name: str, message: str, kind: str, place: str = "query") -> Any:
        found = {"type": kind, "loc": [place, name], "msg": message, "input": self.asked.query.get(name)}
        raise _RefusedError(Answer(422, msgspec.json.encode({"detail": [found]})))

    def _refuse(self, status: int, detail: str) -> Any:
        raise _RefusedError(error(status, detail))


def _texts(value: object) -> list[str]:
    """A list, or a text with commas; blanks are none."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(part).strip() for part in parts if str(part).strip()]


def _route(methods: str, path: str, handle: Callable[..., Item]) -> tuple[tuple[str, ...], re.Pattern[str], Callable[..., Item]]:
    return tuple(methods.split("|")), re.compile(path.replace("{id}", "(?P<id>[^/]+)")), handle


_ROUTES = (
    _route("POST", "/auth/access-token", _Request.sign_in),
    _route("POST", "/auth/access-token/refresh", _Request.refresh),
    _route("GET", "/sources", _Request.sources),
    _route("GET", "/destinations", _Request.destinations),
    _route("GET", "/pipelines", _Request.pipelines),
    _route("GET", "/transforms", _Request.transforms),
    _route("GET", "/transforms/details", _Request.transform_details),
    _route("GET", "/topics/details", _Request.topics),
    _route("GET", "/tags", _Request.tags),
    _route("GET|POST", "/sources/metrics", _Request.source_metrics),
    _route("GET|POST", "/destinations/metrics", _Request.destination_metrics),
    _route("GET|POST", "/pipelines/metrics", _Request.pipeline_metrics),
    _route("GET", "/sources/{id}/metrics", _Request.of_source),
    _route("GET", "/destinations/{id}/metrics", _Request.of_destination),
    _route("GET", "/pipelines/{id}/metrics", _Request.of_pipeline),
    _route("GET", "/transforms/{id}/job_status", _Request.job_status),
    _route("GET", "/sources/{id}", _Request.one_source),
    _route("GET", "/destinations/{id}", _Request.one_destination),
    _route("GET", "/pipelines/{id}", _Request.one_pipeline),
    _route("GET", "/transforms/{id}", _Request.one_transform),
)
