"""Bulk metrics are read to their end whatever pages the API has, and an end that was not reached is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from watchdog.readings.fleet import Kind

IDS = [f"{n:024x}" for n in range(1, 31)]
TOPICS = [f"public.t{n}" for n in range(5)]
FULL = 30 * 5


@dataclass(frozen=True)
class Paging:
    """How an API pages its bulk metrics. Sizes are entities; `topic` likewise for topics of a connector."""

    default: int | None = None
    most: int | None = None
    clip: bool = False
    topic_default: int | None = None
    topic_most: int | None = None
    topic_clip: bool = False
    topics_over_all: bool = False
    ids_matter: bool = True
    turn: str = ""  # "page", "from" (the last id before), or none


def answering(how: Paging) -> Callable[[Any], Any]:
    def refused(name: str, most: int) -> httpx.Response:
        mistake = {"loc": ["query", name], "msg": f"must be at most {most}", "type": "value_error"}
        return httpx.Response(422, json={"detail": [mistake]})

    def answer(asked: Any) -> Any:
        given = asked.params
        body = asked.body or {}
        wanted = body.get("ids") or given.get("ids", "").split(",")
        size = int(given["size"]) if "size" in given else how.default
        topics = int(given["topic_list_size"]) if "topic_list_size" in given else how.topic_default
        if how.most is not None and size is not None and size > how.most:
            if not how.clip:
                return refused("size", how.most)
            size = how.most
        if how.topic_most is not None and topics is not None and topics > how.topic_most:
            if not how.topic_clip:
                return refused("topic_list_size", how.topic_most)
            topics = how.topic_most
        found = [id for id in IDS if id in wanted] if how.ids_matter else list(IDS)
        if how.turn == "from" and given.get("from"):
            found = [id for id in found if id > given["from"]]
        if how.turn == "page" and size is not None:
            first = (int(given.get("page", 1)) - 1) * size
            found = found[first:]
        found = found[:size]
        first = int(given.get("topic_list_from", 0))
        last = None if topics is None else first + topics
        if how.topics_over_all:
            pairs = [(id, topic) for id in found for topic in TOPICS][first:last]
        else:
            pairs = [(id, topic) for id in found for topic in TOPICS[first:last]]
        shown: dict[str, dict[str, Any]] = {}
        for id, topic in pairs:
            shown.setdefault(id, {})[topic] = {"recordsLag": 1}
        return {"connector_metrics": {id: {"connector_status": "Active", "latency": 1} for id in found}, "topic_metrics": shown}

    return answer


@pytest.fixture
def fleet(account: Any) -> Iterator[Any]:
    items = [{"id": id, "name": f"s{n}", "connector": "postgresql", "tasks": [], "topic_ids": TOPICS, "topics": TOPICS}
             for n, id in enumerate(IDS)]  # fmt: skip
    account.api.answers["/sources"] = {"result": items, "page": 1, "page_size": 100, "total": len(items), "has_next": False}
    yield account


def read(account: Any, after: float = 0.0) -> tuple[int, int, set[str]]:
    """Sources and topics with readings, and who is unobserved."""
    poll = account.poll(after)
    snapshot = poll.snapshot(account.fleet)
    sources = int(snapshot.column(Kind.SOURCE, "latency").present.sum())
    topics = int(snapshot.column(Kind.TOPIC, "recordsLag").present.sum())
    return sources, topics, account.dark(poll)


@pytest.mark.parametrize(
    "how",
    [
        Paging(),
        Paging(default=1),
        Paging(default=10),
        Paging(default=50),
        Paging(default=5, most=7),
        Paging(default=5, most=7, clip=True),
        Paging(most=1, clip=True),
        Paging(default=10, most=10, clip=True, ids_matter=False, turn="page"),
        Paging(default=10, most=10, clip=True, ids_matter=False, turn="from"),
        Paging(topic_default=1),
        Paging(topic_default=1, topic_most=2),
        Paging(topic_most=1, topic_clip=True),
        Paging(topic_most=4, topic_clip=True, topics_over_all=True),
        Paging(default=10, topic_default=2),
        Paging(default=3, most=4, topic_default=1, topic_most=3),
        Paging(default=3, most=4, clip=True, topic_default=1, topic_most=3, topic_clip=True),
    ],
    ids=str,
)
def test_every_source_and_topic_has_its_reading_at_the_first_poll_and_later(fleet: Any, how: Paging) -> None:
    fleet.api.answers["/sources/metrics"] = answering(how)
    fleet.poll()  # lists; topics are known to the fleet afterwards
    assert read(fleet, 30) == (30, FULL, set())
    assert read(fleet, 60) == (30, FULL, set())


def test_what_was_learned_is_not_learned_again(fleet: Any) -> None:
    fleet.api.answers["/sources/metrics"] = answering(Paging(default=5, most=7, topic_default=1, topic_most=2))
    fleet.poll()
    before = len(fleet.api.asked("/sources/metrics"))
    fleet.poll(30)
    sizes = [int(asked.params["size"]) for asked in fleet.api.asked("/sources/metrics")[before:]]
    assert max(sizes) <= 7
    assert all(int(asked.params["topic_list_size"]) <= 2 for asked in fleet.api.asked("/sources/metrics")[before:])


def test_complete_answers_are_asked_for_once(fleet: Any) -> None:
    fleet.api.answers["/sources/metrics"] = answering(Paging())
    for after in (0, 30, 60):
        fleet.poll(after)
    assert len(fleet.api.asked("/sources/metrics")) == 3


def test_who_stays_silent_is_not_asked_for_at_every_poll(fleet: Any) -> None:
    def answer(asked: Any) -> Any:
        found = answering(Paging())(asked)
        found["connector_metrics"].pop(IDS[3], None)
        found["topic_metrics"].pop(IDS[3], None)
        return found

    fleet.api.answers["/sources/metrics"] = answer
    fleet.poll()
    before = len(fleet.api.asked("/sources/metrics"))
    for after in (30, 60, 90):
        assert read(fleet, after) == (29, FULL - 5, set())
    assert len(fleet.api.asked("/sources/metrics")) - before == 3


@pytest.mark.parametrize("status", [500, 503])
def test_a_page_that_fails_leaves_only_its_own_unobserved(fleet: Any, status: int) -> None:
    whole = answering(Paging(most=10))

    def answer(asked: Any) -> Any:
        ids = asked.params.get("ids", "").split(",")
        return httpx.Response(status, json={"detail": "boom"}) if IDS[0] in ids and len(ids) <= 10 else whole(asked)

    fleet.api.answers["/sources/metrics"] = answer
    fleet.poll()
    sources, topics, dark = read(fleet, 30)
    assert (sources, topics) == (20, 100)
    assert {name for name in dark if name.startswith("source/")} == {f"source/s{n}" for n in range(10)}


def test_a_page_of_topics_that_fails_leaves_its_connectors_unobserved(fleet: Any) -> None:
    whole = answering(Paging(topic_most=2, topic_clip=True))

    def answer(asked: Any) -> Any:
        return httpx.Response(503) if asked.params.get("topic_list_from") == "2" else whole(asked)

    fleet.api.answers["/sources/metrics"] = answer
    fleet.poll()
    assert "source/s0" in read(fleet, 30)[2]


def test_pages_that_repeat_themselves_end(fleet: Any) -> None:
    """An API that does not know `topic_list_from` answers the same page for ever."""
    same = answering(Paging(topic_most=2, topic_clip=True))

    def answer(asked: Any) -> Any:
        asked.params.pop("topic_list_from", None)
        return same(asked)

    fleet.api.answers["/sources/metrics"] = answer
    fleet.poll()
    assert read(fleet, 30)[:2] == (30, 60)


def test_an_api_that_refuses_every_size_is_unobserved_not_silent(fleet: Any) -> None:
    mistake = {"detail": [{"loc": ["query", "size"], "msg": "unexpected", "type": "value_error"}]}
    fleet.api.answers["/sources/metrics"] = httpx.Response(422, json=mistake)
    assert "source/s0" in fleet.dark(fleet.poll())
