"""The simulated API: one request in, one answer out; knows nothing of sockets."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from watchdog.simulator import dialect as words
from watchdog.simulator.dialect import Dialect, Sample
from watchdog.simulator.exchange import Answer, Asked, RefusedError, error
from watchdog.simulator.fleet import TENANT, Destination, Listed, Pipeline, Source, Transform
from watchdog.simulator.listings import Item, Listings
from watchdog.simulator.measure import measure, measure_account
from watchdog.simulator.parameters import Parameters, Range, refuse, texts
from watchdog.simulator.tokens import Tokens
from watchdog.simulator.world import World

_PAGE_SIZE, _MAX_PAGE_SIZE = 10, 100


class Api:
    """Answers for a world; `since` is the clock's instant at its 0, `speed` its seconds per second of the clock."""

    def __init__(self, world: World, tokens: Tokens, since: float, speed: float, dialect: Dialect) -> None:
        self.world, self.tokens, self.since, self.speed, self.dialect = world, tokens, since, speed, dialect

    def instant(self, clock: float) -> float:
        """The world's instant at one of the clock."""
        return (clock - self.since) * self.speed

    def answer(self, asked: Asked, without: Callable[[Sequence[str]], Collection[str]] | None = None) -> Answer:
        """The honest answer; `without` names the ids a metrics answer leaves out."""
        for method, pattern, handle in _ROUTES:
            found = pattern.fullmatch(asked.path)
            if not found or asked.method not in method:
                continue
            if not asked.authorized and not asked.path.startswith("/auth/"):
                return error(401)
            try:
                document = handle(_Request(self, asked, without), **found.groupdict())
            except RefusedError as refused:
                return refused.answer
            return Answer(200, msgspec.json.encode(document))
        if any(pattern.fullmatch(asked.path) for _, pattern, _ in _ROUTES):
            return error(405, "Method Not Allowed")
        return error(404, "Not Found")


class _Request:
    """One request being answered: everything it sees is of one instant."""

    def __init__(self, api: Api, asked: Asked, without: Callable[[Sequence[str]], Collection[str]] | None) -> None:
        self.api, self.asked, self.without = api, asked, without
        self.world, self.dialect = api.world, api.dialect
        self.at = api.instant(asked.at)
        self.given = Parameters(asked)
        self.listings = Listings(api.world, api.dialect, self.at, asked.at)

    # Sign-in

    def sign_in(self) -> Item:
        body = self.given.fields("client_id", "secret")
        return self.api.tokens.sign_in(body["client_id"], body["secret"]) or refuse(401, "Invalid credentials")

    def refresh(self) -> Item:
        body = self.given.fields("refresh_token")
        return self.api.tokens.refresh(body["refresh_token"]) or refuse(401, "Invalid refresh token")

    # Listings

    def sources(self) -> Item:
        return self._page(self._filtered(self.listings.sources()), self.listings.connector)

    def destinations(self) -> Item:
        return self._page(self._filtered(self.listings.destinations()), self.listings.connector)

    def pipelines(self) -> Item:
        found = self._filtered(self.listings.pipelines())
        for end in ("source", "destination"):
            if wanted := self.given.csv(f"{end}_id"):
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
            refuse(400, "Transform not found")  # not 404: the API words it so
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
        if owners := self.given.csv("entity_id"):
            found = [topic for topic in found if topic["entity"]["entity_id"] in owners]
        if wanted := self.given.csv("topic_id"):
            found = [topic for topic in found if topic["id"] in wanted]
        if part := query.get("partial_name"):
            found = [topic for topic in found if part in topic["name"]]
        if query.get("include_dlq", "true").lower() == "false":
            found = [topic for topic in found if not topic["name"].endswith("deadletterqueue")]
        return self._page(found, lambda topic: topic)

    def tags(self) -> Item:
        wanted = self.given.csv("tag_ids")
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
        level = self.given.choice("level", ("connector", "task", "topic"))
        times = self.given.range()
        ids, single = self._ids(body)
        tenants = texts(body.get("tenant_ids")) or self.given.csv("tenant_ids")
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
        first, size = self.given.whole("topic_list_from", 0), self.given.whole("topic_list_size", None)
        topics = slice(first, None if size is None else (first or 0) + size)
        account = measure_account(self.world, self.at)
        return words.bulk(self.dialect, found, account, level=level, topics=topics, single=single, series=times.series)

    def _one(self, id: str, kind: type[Listed]) -> Item:
        entity = self.world.find(id, self.at)
        left_out = self.without([id]) if self.without else set()
        if not isinstance(entity, kind) or id in left_out:
            refuse(404, "Metrics not found")
        # The endpoint of a pipeline knows the latest only.
        times = Range((self.asked.at,), False) if isinstance(entity, Pipeline) else self.given.range()
        samples = self._samples(entity, times)
        if not samples:
            refuse(404, "Metrics not found")
        return words.one(self.dialect, entity, samples, series=times.series)

    def _samples(self, entity: Listed, times: Range) -> list[Sample]:
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

    # Which entities

    def _ids(self, body: Mapping[str, Any]) -> tuple[list[str] | None, bool]:
        """The ids asked for (None: all), and whether it is a single one."""
        found = texts(body.get("ids")) or self.given.csv("ids")
        if not found and self.asked.query.get("id"):
            found = [self.asked.query["id"]]
        return (found, len(found) == 1) if found else (None, False)

    def _cut(self, known: Sequence[Listed]) -> Sequence[Listed]:
        """`from` is the id to begin with, `size` how many; `page` counts in sizes."""
        size, page = self.given.whole("size", None), self.given.whole("page", 1) or 1
        if first := self.asked.query.get("from"):
            numbers = [number for number, entity in enumerate(known) if entity.id == first]
            known = known[numbers[0] :] if numbers else []
        if size is None:
            return known
        return known[(page - 1) * size : page * size]

    def _filtered(self, found: Sequence[Any]) -> list[Any]:
        query = self.asked.query
        if ids := self.given.csv("id"):
            found = [entity for entity in found if entity.id in ids]
        if part := query.get("partial_name"):
            found = [entity for entity in found if part.lower() in self.world.name(entity, self.at).lower()]
        if plugins := self.given.csv("connector"):
            found = [entity for entity in found if getattr(entity, "connector", None) in plugins]
        if tags := self.given.csv("tag_ids"):
            found = [entity for entity in found if set(tags) & set(entity.tags)]
        if states := self.given.csv("status"):
            found = [entity for entity in found if str(self._status(entity)) in states]
        if query.get("sort") == "name":
            found = sorted(found, key=lambda entity: self.world.name(entity, self.at))
        if query.get("sort_dir") == "desc":
            found = list(reversed(found))
        return list(found)

    def _status(self, entity: Listed) -> object:
        if isinstance(entity, Source | Destination):
            return self.world.connector(entity, self.at).status
        if isinstance(entity, Transform):
            return self.world.transform(entity, self.at)
        return self.world.pipeline(entity, self.at)

    def _page(self, found: Sequence[Any], item: Callable[[Any], Item]) -> Item:
        page = self.given.whole("page", 1, least=1) or 1
        size = self.given.whole("page_size", _PAGE_SIZE, least=1, most=_MAX_PAGE_SIZE) or _PAGE_SIZE
        tells = self.dialect.paging
        return {
            "result": [item(entity) for entity in found[(page - 1) * size : page * size]],
            "page": page,
            "page_size": size,
            "total": len(found) if tells in ("both", "total") else None,
            "has_next": page * size < len(found) if tells in ("both", "has_next") else None,
        }


_Route = tuple[tuple[str, ...], re.Pattern[str], Callable[..., Item]]


def _route(methods: str, path: str, handle: Callable[..., Item]) -> _Route:
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
