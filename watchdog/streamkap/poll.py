"""Polling Streamkap: every kind at once, within one budget; what fails is told and leaves entities unobserved."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from watchdog.errors import ApiError, SignInError
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.streamkap import parallel
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.census import Census, name_of, pipelines_by_member
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.decode import Layer, Layers
from watchdog.streamkap.found import Group
from watchdog.streamkap.lane import Lane, LaneResult
from watchdog.streamkap.observed import Darkness, StreamkapPoll
from watchdog.streamkap.transforms import TransformLane

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
        self._census = Census()
        self._lanes: dict[Kind, Lane] = {
            kind: Lane(kind, client, listing_every) for kind in (Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE)
        }
        self._lanes[Kind.TRANSFORM] = TransformLane(client, listing_every)
        self._tags_failed_at: float | None = None

    def poll(self, at: float) -> StreamkapPoll:
        """Everything as of `at`, seconds since the epoch. Raises no ApiError, takes no longer than its budget."""
        budget = self._client.budget()
        try:
            self._client.sign_in(budget)
        except ApiError as error:
            return self._nothing(at, error)
        lanes = list(self._lanes.values())
        read = parallel.together(lambda lane: lane.poll(at, budget), lanes, threads=len(lanes), budget=budget)
        results = {
            lane.kind: LaneResult(errors=[result], dark=set(lane.items)) if isinstance(result, ApiError) else result
            for lane, result in zip(lanes, read, strict=True)
        }
        errors = [error for result in results.values() for error in result.errors]
        return StreamkapPoll(
            at=at,
            layers=self._layers(at, results),
            dark={kind: self._darkness(self._lanes[kind], result) for kind, result in results.items()},
            listing=self._listing(at, results, budget),
            failures=failures_of(errors),
            account_dark=any(result.dark for kind, result in results.items() if kind is not Kind.TRANSFORM),
        )

    def stop(self) -> None:
        """Let a poll under way in another thread end soon."""
        self._client.stop()

    def _nothing(self, at: float, error: ApiError) -> StreamkapPoll:
        dark = {kind: Darkness(all=True) for kind in self._lanes}
        return StreamkapPoll(at, Layers(at, {}), dark, failures=failures_of([error]), account_dark=True)

    def _layers(self, at: float, results: Mapping[Kind, LaneResult]) -> Layers:
        layers: dict[Kind, list[Layer]] = {}
        for result in results.values():
            for kind, found in result.layers.items():
                layers.setdefault(kind, []).extend(found)
            account = result.found.groups[Group.ACCOUNT].get("")
            if account:
                layers.setdefault(Kind.ACCOUNT, []).append(Layer({"account": account}))
        return Layers(at, layers)

    def _darkness(self, lane: Lane, result: LaneResult) -> Darkness:
        return Darkness(frozenset(result.dark), frozenset(lane.items), all=not lane.items and not lane.was_listed)

    # Listing

    def _listing(self, at: float, results: Mapping[Kind, LaneResult], budget: Budget) -> Listing | None:
        """Entities of what was listed in this poll, with names from what was listed before."""
        listed = {kind: result.listed for kind, result in results.items() if result.listed is not None}
        if not any(pages.items or pages.complete for pages in listed.values()):
            return None
        self._resolve_tags(at, budget)
        pipelines = self._lanes[Kind.PIPELINE]
        memberships = (
            pipelines_by_member(pipelines.items.values()) if pipelines.items or pipelines.was_listed else None
        )
        entities: list[Entity] = [self._census.account(kind for kind, lane in self._lanes.items() if lane.was_listed)]
        for kind, pages in listed.items():
            if kind in _CONNECTORS:
                lane = self._lanes[kind]
                parts = lane.children.of(lane.items.values())
                entities += self._census.connectors(kind, pages.items, parts, memberships)
            elif kind is Kind.PIPELINE:
                entities += self._census.pipelines(pages.items, self._names())
            else:
                entities += self._census.transforms(pages.items, memberships)
        complete = {kind for kind, pages in listed.items() if pages.complete}
        if complete.issuperset(_CONNECTORS) and not any(results[kind].dark for kind in _CONNECTORS):
            # Only then is it known which tasks and topics the metrics name besides those listed.
            complete |= {Kind.TASK, Kind.TOPIC}
        return Listing(entities, frozenset(complete))

    def _names(self) -> dict[EntityKey, str]:
        return {
            EntityKey(kind, id): name_of(item) for kind in _CONNECTORS for id, item in self._lanes[kind].items.items()
        }

    def _resolve_tags(self, at: float, budget: Budget) -> None:
        """Names of tags not met before. Without them the ids stay as they are: no reason to call a poll failed."""
        items = (item for lane in self._lanes.values() for item in lane.items.values())
        if not self._census.tags.unnamed(items):
            return
        if self._tags_failed_at is not None and 0 <= at - self._tags_failed_at < _TAGS_AGAIN:
            return
        self._tags_failed_at = at
        try:
            self._census.tags.names.update(self._client.tags(budget))
        except ApiError as error:
            logger.warning("tags keep their ids, their names could not be read", extra={"error": str(error)})


def failures_of(errors: Sequence[ApiError]) -> Failures:
    """Each failure once: a hundred chunks that fail alike are one."""
    distinct = {_gist(error): error for error in reversed(errors)}
    return Failures(tuple(reversed(distinct.values())), any(isinstance(error, SignInError) for error in errors))


def _gist(error: ApiError) -> str:
    return str(error).replace(f"(request id {error.request_id})", "")
