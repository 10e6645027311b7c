"""Polling Streamkap: every kind at once, within one budget; a failed request leaves its entities unobserved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from watchdog.errors import ApiError, SignInError
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.poll import Dropped, Failures, Listing
from watchdog.readings.snapshot import Flags, Floats, Snapshot
from watchdog.streamkap.budget import Budget, together
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.collection import CollectionPoll, CollectionResult
from watchdog.streamkap.decode import Layer, Layers, newest_readings
from watchdog.streamkap.entities import EntityBuilder, name_of, pipelines_by_member
from watchdog.streamkap.metrics_answer import Group
from watchdog.streamkap.transforms import TransformPoll


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Whose answer failed, of one kind. `all` where nothing is known, not even who exists.

    `known` are those that were asked for: nobody asked for an entity outside, so nothing can be said about it either.
    """

    ids: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    all: bool = False

    def __contains__(self, id: str) -> bool:
        return self.all or id in self.ids or id not in self.known

    def flags(self, ids: Sequence[str]) -> Flags:
        """Per id, whether it is in the dark; quick where nobody is."""
        if not self.all and not self.ids and self.known.issuperset(ids):
            return np.zeros(len(ids), dtype=np.bool_)
        return np.fromiter((id in self for id in ids), dtype=np.bool_, count=len(ids))


@dataclass(frozen=True, slots=True)
class StreamkapPoll:
    """What one poll of the API brought; see watchdog.readings.poll.Poll."""

    at: float
    layers: Layers
    dark: Mapping[Kind, Unobserved]
    listing: Listing | None = None
    failures: Failures = field(default_factory=Failures)
    account_dark: bool = False

    def snapshot(self, fleet: Fleet) -> Snapshot:
        """This poll's readings in the rows of a fleet."""
        return self.layers.snapshot(fleet, self._unobserved(fleet))

    def answered(self, fleet: Fleet) -> dict[Kind, Floats]:
        """Per row the instant of its newest reading in this poll, NaN where it had none.

        What a listing told does not count for sources, destinations and pipelines.
        """
        real = (kind for kind in fleet.tables if kind not in (Kind.CONNECTOR, Kind.WATCHDOG))
        return {kind: newest_readings(self.layers, fleet, kind) for kind in real}

    def _unobserved(self, fleet: Fleet) -> dict[Kind, Flags]:
        flags = {kind: dark.flags(fleet.table(kind).ids) for kind, dark in self.dark.items()}
        connectors = np.concatenate([flags[Kind.SOURCE], flags[Kind.DESTINATION]])
        for kind in (Kind.TASK, Kind.TOPIC):
            flags[kind] = np.zeros(len(fleet.table(kind)), dtype=np.bool_)
            edges = fleet.edges(kind, "connector")
            if edges is not None and connectors.any():
                flags[kind][edges.parents] = connectors[edges.children]
        flags[Kind.ACCOUNT] = np.full(len(fleet.table(Kind.ACCOUNT)), self.account_dark, dtype=np.bool_)
        return flags


logger = logging.getLogger(__name__)

#: How long to wait before asking again for names of tags that the API did not tell.
_TAGS_AGAIN = 300.0

_CONNECTORS = (Kind.SOURCE, Kind.DESTINATION)


class Poller:
    """Polls one account. Lists every `listing_every` seconds, and sooner where a poll gives reason to.

    Not to be used by two threads at once, except for `stop`.
    """

    def __init__(self, client: StreamkapClient, *, listing_every: float = 300.0) -> None:
        self._client = client
        self._entity_builder = EntityBuilder()
        self._collections: dict[Kind, CollectionPoll] = {
            kind: CollectionPoll(kind, client, listing_every) for kind in (Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE)
        }
        self._collections[Kind.TRANSFORM] = TransformPoll(client, listing_every)
        self._tags_failed_at: float | None = None

    def poll(self, at: float) -> StreamkapPoll:
        """Everything as of `at`, seconds since the epoch. Raises no ApiError, takes no longer than its budget."""
        budget = self._client.budget()
        try:
            self._client.sign_in(budget)
        except ApiError as error:
            return self._nothing(at, error)
        collections = list(self._collections.values())
        read = together(lambda one: one.poll(at, budget), collections, threads=len(collections), budget=budget)
        results = {
            one.kind: CollectionResult(errors=[result], dark=set(one.items)) if isinstance(result, ApiError) else result
            for one, result in zip(collections, read, strict=True)
        }
        errors = [error for result in results.values() for error in result.errors]
        return StreamkapPoll(
            at=at,
            layers=self._layers(at, results),
            dark={kind: self._unobserved(self._collections[kind], result) for kind, result in results.items()},
            listing=self._listing(at, results, budget),
            failures=replace(
                failures_of(errors), dropped=sum((one.dropped for one in results.values()), start=Dropped())
            ),
            account_dark=any(result.dark for kind, result in results.items() if kind is not Kind.TRANSFORM),
        )

    def stop(self) -> None:
        """Let a poll under way in another thread end soon."""
        self._client.stop()

    def _nothing(self, at: float, error: ApiError) -> StreamkapPoll:
        dark = {kind: Unobserved(all=True) for kind in self._collections}
        return StreamkapPoll(at, Layers(at, {}), dark, failures=failures_of([error]), account_dark=True)

    def _layers(self, at: float, results: Mapping[Kind, CollectionResult]) -> Layers:
        layers: dict[Kind, list[Layer]] = {}
        for result in results.values():
            for kind, found in result.layers.items():
                layers.setdefault(kind, []).extend(found)
            account = result.found.groups[Group.ACCOUNT].get("")
            if account:
                layers.setdefault(Kind.ACCOUNT, []).append(Layer({"account": account}))
        return Layers(at, layers)

    def _unobserved(self, collection: CollectionPoll, result: CollectionResult) -> Unobserved:
        known = frozenset(collection.items)
        return Unobserved(frozenset(result.dark), known, all=not known and not collection.was_listed)

    # Listing

    def _listing(self, at: float, results: Mapping[Kind, CollectionResult], budget: Budget) -> Listing | None:
        """Entities of what was listed in this poll, with names from what was listed before."""
        listed = {kind: result.listed for kind, result in results.items() if result.listed is not None}
        if not any(pages.items or pages.complete for pages in listed.values()):
            return None
        self._resolve_tags(at, budget)
        pipelines = self._collections[Kind.PIPELINE]
        memberships = (
            pipelines_by_member(pipelines.items.values()) if pipelines.items or pipelines.was_listed else None
        )
        ever_listed = (kind for kind, collection in self._collections.items() if collection.was_listed)
        entities: list[Entity] = [self._entity_builder.account(ever_listed)]
        for kind, pages in listed.items():
            if kind in _CONNECTORS:
                collection = self._collections[kind]
                parts = collection.children.of(collection.items.values())
                entities += self._entity_builder.connectors(kind, pages.items, parts, memberships)
            elif kind is Kind.PIPELINE:
                entities += self._entity_builder.pipelines(pages.items, self._names())
            else:
                entities += self._entity_builder.transforms(pages.items, memberships)
        complete = {kind for kind, pages in listed.items() if pages.complete}
        if complete.issuperset(_CONNECTORS) and not any(results[kind].dark for kind in _CONNECTORS):
            # Only then is it known which tasks and topics the metrics name besides those listed.
            complete |= {Kind.TASK, Kind.TOPIC}
        return Listing(entities, frozenset(complete))

    def _names(self) -> dict[EntityKey, str]:
        return {
            EntityKey(kind, id): name_of(item)
            for kind in _CONNECTORS
            for id, item in self._collections[kind].items.items()
        }

    def _resolve_tags(self, at: float, budget: Budget) -> None:
        """Names of tags not met before. Without them the ids stay as they are: no reason to call a poll failed."""
        items = (item for collection in self._collections.values() for item in collection.items.values())
        if not self._entity_builder.tags.unnamed(items):
            return
        if self._tags_failed_at is not None and 0 <= at - self._tags_failed_at < _TAGS_AGAIN:
            return
        self._tags_failed_at = at
        try:
            self._entity_builder.tags.names.update(self._client.tags(budget))
        except ApiError as error:
            logger.warning("tags keep their ids, their names could not be read", extra={"error": str(error)})


def failures_of(errors: Sequence[ApiError]) -> Failures:
    """Each failure once: a hundred chunks that fail alike are one."""
    distinct = {_gist(error): error for error in reversed(errors)}
    return Failures(tuple(reversed(distinct.values())), any(isinstance(error, SignInError) for error in errors))


def _gist(error: ApiError) -> str:
    return str(error).replace(f"(request id {error.request_id})", "")
