"""Bulk metrics read to their end, whatever page sizes the API has.

How the API pages these answers is not published, so every request names its sizes, and whoever a short answer leaves
out is asked for again. What was learned (a maximum, a way to the next page) is remembered for later polls.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchdog.errors import ApiError, ShapeError
from watchdog.streamkap import client
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.client import ENTITIES, TOPICS, Chunk, StreamkapClient
from watchdog.streamkap.metrics_answer import Found, Group
from watchdog.streamkap.queries import MetricsQuery
from watchdog.streamkap.shapes import recognise

logger = logging.getLogger(__name__)

#: Rounds after which answers that bring ever more are given up.
_MOST_ROUNDS = 1000
#: Adjustments of the sizes within one poll.
_MOST_LESSONS = 12
_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class Failed:
    """Requests that failed, and whom they would have answered for."""

    errors: list[ApiError] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def add(self, error: ApiError, ids: Iterable[str]) -> None:
        self.errors.append(error)
        self.ids.update(ids)


class BulkReader:
    """Reads the latest metrics of one collection of entities."""

    def __init__(self, of: client.Collection, api: StreamkapClient, *, every: float) -> None:
        self._of = of
        self._api = api
        self._every = every  #: seconds after which what was found to be the end is doubted again
        self._size = ENTITIES  #: entities a request asks for, until the API names a smaller maximum
        self._topics = TOPICS  #: topics of a connector a request asks for, likewise
        self._silent: dict[str, float] = {}  #: who a repeated request did not bring either, and until when that counts
        self._ends: dict[str, tuple[int, float]] = {}  #: topics of a connector that proved to be all, until when

    def read(
        self,
        at: float,
        ids: Sequence[str],
        known: Collection[str],
        into: Found,
        budget: Budget,
        topics: Mapping[str, Collection[str]] | None = None,
    ) -> Failed:
        """Add everything the API has about `ids` to `into`; returns the requests that failed.

        `known` are all ids that may appear, `topics` those listed for each connector that has any (None: there are no
        topics in this collection).
        """
        failed = Failed()
        self._entities(at, ids, known, into, budget, failed)
        if topics is not None:
            self._all_topics(at, ids, known, into, budget, failed, topics)
        return failed

    # Entities

    def _entities(
        self, at: float, ids: Sequence[str], known: Collection[str], into: Found, budget: Budget, failed: Failed
    ) -> None:
        chunks = self._ask(ids, budget, failed)
        room: dict[tuple[str, ...], int] = {}  # how many entities an answer held
        for chunk in chunks:
            self._take(chunk, known, into, failed)
            room[chunk.ids] = sum(id in into.answered for id in chunk.ids)
        # an answer about nobody has no further pages: it is in a shape that nobody knows
        chunks = [chunk for chunk in chunks if not into.answered.isdisjoint(chunk.ids)]
        rest = [
            id for chunk in chunks for id in chunk.ids
            if id not in into.answered and id not in failed.ids and self._silent.get(id, 0.0) <= at
        ]  # fmt: skip
        for _ in range(_MOST_ROUNDS):
            if not rest:
                break
            before = len(rest)
            for chunk in self._ask(rest, budget, failed):
                self._take(chunk, known, into, failed)
            left = [id for id in rest if id not in into.answered and id not in failed.ids]
            if len(left) == before:
                rest = self._further_pages(chunks, rest, known, into, budget, failed)
                break
            came = set(rest).difference(left)
            # an answer that left out whom the next one brought had room for no more
            self._size = min([self._size, *(count for part, count in room.items() if not came.isdisjoint(part))])
            rest = left
        for id in rest:
            self._silent[id] = at + self._every
        for id in into.answered & self._silent.keys():
            del self._silent[id]

    def _ask(self, ids: Sequence[str], budget: Budget, failed: Failed) -> list[Chunk]:
        """The answers to requests for these ids; one that names a maximum is asked again within it."""
        answered: list[Chunk] = []
        left: Sequence[str] = list(ids)
        for _ in range(_MOST_LESSONS):
            parts = [tuple(left[start : start + self._size]) for start in range(0, len(left), self._size)]
            again: list[str] = []
            sizes = self._size, self._topics
            for chunk in self._api.metrics_of_parts(self._of, parts, budget, self._query):
                if not isinstance(chunk.answer, ApiError):
                    answered.append(chunk)
                elif self._learn_maximum(chunk.answer, sizes):
                    again += chunk.ids
                else:
                    failed.add(chunk.answer, chunk.ids)
            if not again:
                return answered
            left = again
        failed.add(ShapeError(f"/{self._of}/metrics: the API accepts no page size"), left)
        return answered

    def _query(self, ids: Sequence[str]) -> MetricsQuery:
        return MetricsQuery(time_type="latest", size=max(1, len(ids)), topic_list_size=self._topics)

    def _learn_maximum(self, error: ApiError, asked: tuple[int, int]) -> bool:
        """Whether the API refused a size, and a smaller one is known now."""
        text = str(error)
        if error.status not in (400, 422) or "size" not in text:
            return False
        about_topics = "topic_list_size" in text
        size = asked[1] if about_topics else asked[0]
        smaller = [n for n in map(int, _NUMBER.findall(text.split("size", 1)[1])) if 0 < n < size]
        learned = max(smaller, default=size // 2)
        if learned < 1:
            return False
        if about_topics:
            self._topics = min(self._topics, learned)
        else:
            self._size = min(self._size, learned)
        return True

    def _further_pages(
        self, chunks: Sequence[Chunk], rest: list[str], known: Collection[str], into: Found, budget: Budget,
        failed: Failed,
    ) -> list[str]:
        """Whoever is still missing after a walk through numbered pages, and one from id to id."""
        missing = set(rest)
        for chunk in chunks:
            if missing.isdisjoint(chunk.ids):
                continue
            for turn in (self._by_number, self._by_cursor):
                turn(chunk, known, into, budget, failed)
                missing -= into.answered
                if missing.isdisjoint(chunk.ids):
                    break
        return [id for id in rest if id in missing and id not in failed.ids]

    def _by_number(self, chunk: Chunk, known: Collection[str], into: Found, budget: Budget, failed: Failed) -> None:
        for page in range(2, _MOST_ROUNDS):
            if not self._brings(chunk, replace(self._query(chunk.ids), page=page), known, into, budget, failed):
                return
        failed.add(ShapeError(f"/{self._of}/metrics: its pages never end"), chunk.ids)

    def _by_cursor(self, chunk: Chunk, known: Collection[str], into: Found, budget: Budget, failed: Failed) -> None:
        for _ in range(_MOST_ROUNDS):
            last = next((id for id in reversed(chunk.ids) if id in into.answered), None)
            if last is None:
                return
            query = replace(self._query(chunk.ids), from_=last)
            if not self._brings(chunk, query, known, into, budget, failed):
                return
        failed.add(ShapeError(f"/{self._of}/metrics: its pages never end"), chunk.ids)

    def _brings(
        self, chunk: Chunk, query: MetricsQuery, known: Collection[str], into: Found, budget: Budget, failed: Failed
    ) -> bool:
        """Whether another page has anybody new."""
        (answer,) = self._api.metrics_of_parts(self._of, [chunk.ids], budget, lambda ids: query)
        if isinstance(answer.answer, ApiError):
            if answer.answer.status not in (400, 404, 422):  # those mean: there is no such page
                failed.add(answer.answer, [id for id in chunk.ids if id not in into.answered])
            return False
        page = Found()
        self._take(answer, known, page, failed)
        new = page.answered - into.answered
        if new:
            into.merge(page, new)
        return bool(new)

    def _take(self, chunk: Chunk, known: Collection[str], into: Found, failed: Failed) -> None:
        try:
            recognise(chunk.answer, known, into, only=chunk.ids[0] if len(chunk.ids) == 1 else None)
        except Exception as cause:  # whatever an answer holds, it must not cost the other answers
            logger.exception("an answer of the API could not be read", extra={"of": self._of})
            what = f"/{self._of}/metrics: the answer could not be read ({type(cause).__name__})"
            failed.add(ShapeError(what), chunk.ids)

    # Topics

    def _all_topics(
        self,
        at: float,
        ids: Sequence[str],
        known: Collection[str],
        into: Found,
        budget: Budget,
        failed: Failed,
        listed: Mapping[str, Collection[str]],
    ) -> None:
        """Further pages of the topics of connectors that may have more than the first."""
        seen = set(into.keys(Group.TOPIC))
        counts = Counter(key.partition("/")[0] for key in seen)
        some = counts.keys() | listed.keys()
        open_ones = {
            id: counts[id]
            for id in (ids if some else ())
            if id in some
            and (counts[id] or id in into.answered)
            and id not in failed.ids
            and self._may_have_more(at, id, counts[id], len(listed.get(id, ())))
        }
        for _ in range(_MOST_ROUNDS):
            if not open_ones:
                return
            groups = [[id for id, count in open_ones.items() if count == size] for size in set(open_ones.values())]
            asked = [tuple(group) for group in groups]
            came = self._topic_pages(asked, open_ones, known, into, seen, budget, failed)
            idle = [group for group in asked if not came.keys() & set(group)]
            # a page may count over all connectors that were asked for: alone, both ways are the same
            alone = [(id,) for group in idle if len(group) > 1 for id in group]
            if alone:
                came.update(self._topic_pages(alone, open_ones, known, into, seen, budget, failed))
            for id in list(open_ones):
                if id in failed.ids:
                    del open_ones[id]
                elif id in came:
                    open_ones[id] += came[id]
                elif (id,) in asked or (id,) in alone:
                    self._ends[id] = open_ones.pop(id), at + self._every
        failed.add(ShapeError(f"/{self._of}/metrics: its pages of topics never end"), open_ones)

    def _may_have_more(self, at: float, id: str, count: int, listed: int) -> bool:
        """Where the listing names topics, as long as fewer of them came; else until it was tried in vain."""
        if count >= listed > 0 or count == listed == 0:
            return False
        end, until = self._ends.get(id, (-1, 0.0))
        return count != end or at >= until

    def _topic_pages(
        self,
        parts: Sequence[tuple[str, ...]],
        starts: Mapping[str, int],
        known: Collection[str],
        into: Found,
        seen: set[str],
        budget: Budget,
        failed: Failed,
    ) -> Counter[str]:
        """How many new topics the next page of each connector brought."""
        came: Counter[str] = Counter()
        parts = [part[start : start + self._size] for part in parts for start in range(0, len(part), self._size)]

        def query(ids: Sequence[str]) -> MetricsQuery:
            return replace(self._query(ids), topic_list_from=starts[ids[0]])

        for chunk in self._api.metrics_of_parts(self._of, parts, budget, query):
            if isinstance(chunk.answer, ApiError):
                if chunk.answer.status not in (400, 404, 422):
                    failed.add(chunk.answer, chunk.ids)
                continue
            page = Found()
            self._take(chunk, known, page, failed)
            new = {key: metrics for key, metrics in page.spread(Group.TOPIC).items() if key not in seen}
            into.groups[Group.TOPIC].update(new)
            seen.update(new)
            came.update(key.partition("/")[0] for key in new)
        return came
