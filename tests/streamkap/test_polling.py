"""What a poll sees, lists, and leaves in the dark."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from watchdog.errors import SignInError
from watchdog.readings.fleet import EntityKey, Kind

DOWN = httpx.Response(500, json={"detail": "boom"})
EVERYBODY = {
    "source/orders-db", "destination/warehouse", "task/orders-db/0", "task/warehouse/0", "task/warehouse/1",
    "topic/orders-db/public.orders", "topic/warehouse/public.orders", "pipeline/orders", "transform/clean", "account/account",
}  # fmt: skip


def test_everything_is_seen(account: Any) -> None:
    poll = account.poll()
    assert not poll.failures
    assert account.dark(poll) == set()
    assert account.seen(poll) == {
        "source/orders-db": {"StreamingMilliSecondsBehindSource": 840.0, "connector_status": "Active", "desired_state": "Active"},
        "destination/warehouse": {"recordsLag": 7.0, "connector_status": "Active"},
        "task/orders-db/0": {"sourceRecordWriteTotal": 5.0, "status": "RUNNING", "task_status": "RUNNING"},
        "task/warehouse/0": {"status": "RUNNING", "task_status": "RUNNING"},
        "task/warehouse/1": {"status": "FAILED", "task_status": "FAILED"},
        "topic/orders-db/public.orders": {"sourceRecordWriteTotal": 4.0},
        "topic/warehouse/public.orders": {},
        "pipeline/orders": {"status": "Active", "latency": 12.0, "recordsLag": 0.0},
        "transform/clean": {"status": "RUNNING", "transform_status": "RUNNING", "latency": 20.0},
        "account/account": {"topic_count": 4.0},
    }
    assert {f"{e.key.kind}/{e.name}" for e in poll.listing.entities} == EVERYBODY
    assert poll.listing.complete == set(Kind) - {Kind.CONNECTOR, Kind.ACCOUNT, Kind.WATCHDOG}


def test_labels(account: Any, ids: dict[str, str]) -> None:
    account.poll()
    source = account.fleet.entity(EntityKey(Kind.SOURCE, ids["source"]))
    assert source.labels == {"kind": "source", "name": "orders-db", "connector": "postgresql", "tags": ("prod",),
                             "pipelines": ("orders",), "tenant": "ten-1"}  # fmt: skip
    task = account.fleet.entity(EntityKey(Kind.TASK, f"{ids['destination']}/1"))
    assert (task.labels["task"], task.labels["kind"], task.connector) == ("1", "destination", (Kind.DESTINATION, ids["destination"]))
    pipeline = account.fleet.entity(EntityKey(Kind.PIPELINE, ids["pipeline"]))
    assert (pipeline.labels["source"], pipeline.labels["destination"]) == ("orders-db", "warehouse")
    assert {str(member) for member in pipeline.members} == {f"{k}/{ids[k]}" for k in ("source", "destination", "transform")}
    assert account.fleet.entity(EntityKey(Kind.TRANSFORM, ids["transform"])).labels["tags"] == ("eu",)


def test_tags_without_names_keep_their_ids_and_fail_nothing(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/tags"] = DOWN
    poll = account.poll()
    assert not poll.failures
    assert account.fleet.entity(EntityKey(Kind.SOURCE, ids["source"])).labels["tags"] == ("t1",)


@pytest.mark.parametrize(("path", "dark"), [
    ("/sources/metrics", {"source/orders-db", "task/orders-db/0", "topic/orders-db/public.orders", "account/account"}),
    ("/destinations/metrics",
     {"destination/warehouse", "task/warehouse/0", "task/warehouse/1", "topic/warehouse/public.orders", "account/account"}),
    ("/pipelines/metrics", {"pipeline/orders", "account/account"}),
    ("/transforms/details", {"transform/clean"}),
])  # fmt: skip
def test_whoever_a_failed_request_would_have_answered_for_is_unobserved(account: Any, path: str, dark: set[str]) -> None:
    account.poll()
    account.api.answers[path] = DOWN
    poll = account.poll(30)
    assert account.dark(poll) == dark
    assert [error.status for error in poll.failures.errors] == [500]
    assert account.dark(account.poll(60)) == dark


def test_when_everything_fails_everybody_is_unobserved(account: Any) -> None:
    account.poll()
    account.api.answers = {"/auth/access-token": httpx.Response(200, json={"accessToken": "t", "expiresIn": 60})}
    account.api.valid = lambda token: False
    poll = account.poll(30)
    assert account.dark(poll) == EVERYBODY
    assert poll.failures.refused
    assert poll.listing is None


def test_credentials_refused_at_the_first_poll(account: Any) -> None:
    account.api.answers["/auth/access-token"] = httpx.Response(401, json={"detail": "Invalid s3cret-of-mine"})
    poll = account.poll()
    assert poll.failures.refused
    [error] = poll.failures.errors
    assert isinstance(error, SignInError)
    assert "s3cret" not in str(error)
    assert len(account.api.log) == 1


def test_ids_missing_from_a_good_answer_are_no_reading_not_unobserved(account: Any, ids: dict[str, str]) -> None:
    account.poll()
    account.api.answers["/sources/metrics"] = {"connector_metrics": {}}
    poll = account.poll(30)
    assert account.dark(poll) == set()
    assert account.seen(poll)["source/orders-db"] == {"connector_status": "Active", "desired_state": "Active"}
    answered = poll.answered(account.fleet)
    assert [str(answered[kind][0]) for kind in (Kind.SOURCE, Kind.DESTINATION)] == ["nan", str(poll.at)]


def test_a_listed_state_does_not_count_as_being_measured_but_a_tasks_only_state_does(account: Any) -> None:
    account.api.answers["/sources/metrics"] = {"connector_metrics": {}}
    poll = account.poll()
    answered = poll.answered(account.fleet)
    assert str(answered[Kind.SOURCE][0]) == "nan"
    assert answered[Kind.TASK].tolist() == [poll.at] * 3


def test_metrics_that_carry_states_are_listed_only_every_five_minutes(account: Any) -> None:
    counts = []
    for minute in (0, 1, 2, 4.9, 5, 6):
        before = len(account.api.asked("/sources"))
        account.poll(minute * 60)
        counts.append(len(account.api.asked("/sources")) - before)
    assert counts == [1, 0, 0, 0, 1, 0]


def test_without_states_in_the_metrics_they_are_listed_at_every_poll(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/sources/metrics"] = {"connector_metrics": {ids["source"]: {"latency": 1}}}
    for n in range(3):
        poll = account.poll(30 * n)
        assert account.seen(poll)["source/orders-db"]["connector_status"] == "Active"
        assert account.seen(poll)["task/orders-db/0"] == {"task_status": "RUNNING"}
    assert len(account.api.asked("/sources")) == 3
    assert len(account.api.asked("/pipelines")) == 1
    account.api.answers["/sources"] = DOWN
    assert "source/orders-db" in account.dark(account.poll(90))


def test_a_failed_listing_keeps_polling_the_ids_of_the_one_before(account: Any) -> None:
    account.poll()
    account.api.answers |= dict.fromkeys(("/sources", "/destinations", "/pipelines", "/transforms"), DOWN)
    poll = account.poll(400)
    assert poll.listing is None
    assert len(poll.failures.errors) == 4
    assert account.dark(poll) == set()
    assert account.seen(poll)["destination/warehouse"]["recordsLag"] == 7.0


def test_a_state_listed_long_ago_is_no_reading_of_now(account: Any) -> None:
    account.poll()
    account.api.answers["/sources"] = DOWN
    assert "desired_state" in account.seen(account.poll(400))["source/orders-db"]
    assert "desired_state" not in account.seen(account.poll(700))["source/orders-db"]


def test_an_answer_without_anything_recognisable_leads_to_the_endpoint_of_each_entity(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/sources/metrics"] = {"connector_metrics": {}}
    account.api.answers[f"/sources/{ids['source']}/metrics"] = {"data": {"latency": "12", "StreamingLastEvent": "key: 5"},
                                                                "metadata": {"latency": {"name": "Latency", "unit": "ms"}}}  # fmt: skip
    for n in range(3):
        poll = account.poll(30 * n)
        assert account.seen(poll)["source/orders-db"]["latency"] == 12.0
        assert "StreamingLastEvent" not in account.seen(poll)["source/orders-db"]
    assert len(account.api.asked("/sources/metrics")) == 1, "remembered"
    account.poll(400)
    assert len(account.api.asked("/sources/metrics")) == 2, "and tried again from time to time"
    account.api.answers[f"/sources/{ids['source']}/metrics"] = DOWN
    assert "source/orders-db" in account.dark(account.poll(430))


def test_nobody_is_asked_alone_at_every_poll_who_never_answers(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/sources/metrics"] = {"connector_metrics": {}}
    for n in range(10):
        account.poll(30 * n)
    assert len(account.api.asked(f"/sources/{ids['source']}/metrics")) == 1


def test_an_entity_missing_from_the_readings_causes_a_listing_at_the_next_poll(account: Any) -> None:
    account.poll()
    account.api.answers["/pipelines/metrics"] = {"connector_metrics": {}}
    account.poll(30)
    assert len(account.api.asked("/pipelines")) == 1
    account.poll(60)
    assert len(account.api.asked("/pipelines")) == 2


def test_a_new_task_or_topic_in_the_readings_causes_a_listing_and_is_watched(account: Any, ids: dict[str, str]) -> None:
    account.poll()
    metrics = account.api.answers["/destinations/metrics"]
    queue = f"destination_{ids['destination']}.streamkap.deadletterqueue"
    metrics["topic_metrics"] = {ids["destination"]: {queue: {"messages_in": 3}}}
    account.poll(30)
    poll = account.poll(60)
    assert account.seen(poll)["topic/warehouse/streamkap.deadletterqueue"] == {"messages_in": 3.0}
    metrics["topic_metrics"] = {}
    poll = account.poll(400)
    assert queue in "".join(str(entity.key) for entity in poll.listing.entities), "silence is not the end of it"
    poll = account.poll(4000)
    assert queue not in "".join(str(entity.key) for entity in poll.listing.entities)


def test_topics_may_be_named_by_name(account: Any, ids: dict[str, str]) -> None:
    account.poll()
    account.api.answers["/sources/metrics"]["topic_metrics"] = {ids["source"]: {"public.orders": {"messages_in": 9}}}
    assert account.seen(account.poll(30))["topic/orders-db/public.orders"] == {"messages_in": 9.0}


def test_who_vanishes_is_listed_at_every_poll_until_that_is_certain(account: Any) -> None:
    kept = account.api.answers["/sources"]
    other = {**kept["result"][0], "id": "66a0000000000000000000a2", "name": "other"}
    account.api.answers["/sources"] = {**kept, "result": [*kept["result"], other], "total": 2}
    account.poll()
    account.api.answers["/sources"] = kept
    account.poll(300)
    listed = []
    for after in (330, 360, 390, 420, 450):
        before = len(account.api.asked("/sources"))
        account.poll(after)
        listed.append(len(account.api.asked("/sources")) - before)
    assert listed == [1, 1, 0, 0, 0], "missing from three complete listings that span a minute"


def test_a_listing_cut_short_completes_nothing(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/sources"] = {**account.api.answers["/sources"], "total": 9}
    poll = account.poll()
    assert Kind.SOURCE not in poll.listing.complete
    assert Kind.TASK not in poll.listing.complete
    assert Kind.DESTINATION in poll.listing.complete
    assert any(entity.key.id == ids["source"] for entity in poll.listing.entities)


def test_transforms_without_details_are_asked_job_by_job(account: Any, ids: dict[str, str]) -> None:
    account.api.answers["/transforms/details"] = httpx.Response(404, json={"detail": "Not found"})
    account.api.answers[f"/transforms/{ids['transform']}/job_status"] = {"id": "x", "status": "FAILED", "start_time": None}
    poll = account.poll()
    assert not poll.failures
    assert account.seen(poll)["transform/clean"] == {"transform_status": "FAILED"}
    account.api.answers[f"/transforms/{ids['transform']}/job_status"] = httpx.Response(400, json={"detail": "Job not found"})
    poll = account.poll(30)
    assert account.seen(poll)["transform/clean"] == {}
    assert account.dark(poll) == set()


def test_a_first_poll_that_fails_says_nothing_about_entities_remembered_from_before(account: Any) -> None:
    account.poll()
    second = type(account)(account.api, type(account.poller)(account.api.client()), account.fleet)
    account.api.answers["/destinations"] = DOWN
    assert second.dark(second.poll(30)) == {"destination/warehouse", "task/warehouse/0", "task/warehouse/1",
                                            "topic/warehouse/public.orders"}  # fmt: skip
