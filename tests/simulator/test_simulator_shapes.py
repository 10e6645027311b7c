"""Bulk metrics: every shape tells the same values; parameters cut them as documented."""

from __future__ import annotations

from typing import Any

import pytest

from watchdog.simulator import Dialect

GROUPS = {"account_metrics", "connector_metrics", "inline_metrics", "task_metrics", "topic_metrics"}


def newest(leaf: Any) -> Any:
    return leaf[-1]["value"] if isinstance(leaf, list) else leaf


def plain(document: dict[str, Any], id: str, shape: str) -> dict[tuple[str, ...], Any]:
    """(group, part, metric) to value, written for each shape on its own, unlike the client's tolerant reader."""

    def unwrap(leaves: dict[str, Any]) -> dict[str, Any]:
        return leaves["data"] if shape == "wrapped" else leaves

    found: dict[tuple[str, ...], Any] = {}
    for group, part in (("connector", ""), ("inline", ""), ("task", "task_id"), ("topic", "topic_id")):
        content = document[f"{group}_metrics"]
        if shape == "rows":
            for row in content:
                if row.get("connector_id", row.get("id")) == id:
                    keys = {"id", "connector_id", "task_id", "topic_id", "timestamp"}
                    found |= {(group, row.get(part, ""), k): v for k, v in row.items() if k not in keys}
            continue
        inside = content if shape == "flat" else content[id]
        parts = inside if part else {"": inside}
        for name, leaves in parts.items():
            found |= {(group, name, metric): newest(leaf) for metric, leaf in unwrap(leaves).items()}
    return found


@pytest.mark.parametrize("path", ["sources", "destinations"])
@pytest.mark.parametrize("shape", ["B", "rows", "wrapped", "flat"])
def test_every_shape_tells_the_same_values(account, path, shape):
    acct = account()
    acct.clock.to(30)
    name = "prod-inventory" if path == "sources" else "warehouse"
    id = acct.id(name)
    expected = plain(acct.get(f"/{path}/metrics", ids=id), id, "A")
    acct.sim.dialect = Dialect(shape=shape)
    found = acct.get(f"/{path}/metrics", ids=id)
    assert found.keys() == GROUPS
    assert plain(found, id, shape) == expected
    assert {group for group, _, _ in expected} == {"connector", "inline", "task", "topic"}


def test_variant_a_has_scalars_inside_and_points_inline(account):
    acct = account()
    id = acct.id("prod-orders")
    found = acct.get("/sources/metrics", ids=id)
    assert found["connector_metrics"][id]["StreamingConnected"] == 1
    assert found["connector_metrics"][id]["recordSendTotal"] is None
    assert found["inline_metrics"][id]["connector_status"] == [{"timestamp": "2030-03-17 17:46:40", "value": "Active"}]
    assert isinstance(found["inline_metrics"][id]["latency"][0]["value"], str)


def test_flat_is_keyed_again_for_several_ids(account):
    acct = account(shape="flat")
    ids = [acct.id("prod-orders"), acct.id("prod-payments")]
    assert acct.get("/sources/metrics", ids=",".join(ids))["connector_metrics"].keys() == set(ids)


def test_the_documented_empty_answer_leaves_the_endpoints_of_one_entity(account):
    acct = account(shape="empty")
    assert acct.get("/sources/metrics") == {group: {} for group in GROUPS}
    assert acct.post("/destinations/metrics", {"ids": [acct.id("warehouse")]}) == {group: {} for group in GROUPS}
    data = acct.source("prod-orders")
    assert data["StreamingMilliSecondsBehindSource"] > 0
    assert data["state"] == "Streaming"
    assert data["snapshotStatus"][0]["status"] == "completed"
    assert acct.destination("warehouse")["recordsLag"] >= 0
    assert acct.pipeline("prod-orders-to-warehouse")["status"] == "Active"


def test_wording_of_numbers_states_and_tasks(account):
    odd = Dialect(numeric_strings=True, states_in_metrics=False, int_task_keys=True, unknown_fields=True)
    acct = account(dialect=odd)
    id = acct.id("prod-inventory")
    found = acct.get("/sources/metrics", ids=id)
    assert found["connector_metrics"][id]["StreamingConnected"] == "1"
    assert "connector_status" not in found["inline_metrics"][id]
    assert [row["task"] for row in found["task_metrics"][id]] == [0, 1]
    assert "futureMetric" in found["connector_metrics"][id]
    acct.sim.dialect = Dialect(booleans=True)
    assert acct.get("/sources/metrics", ids=id)["connector_metrics"][id]["StreamingConnected"] is True


@pytest.mark.parametrize(
    ("why", "query", "body", "expected"),
    [
        ("all of them without ids", {}, None, 12),
        ("one id", {"id": "prod-orders"}, None, 1),
        ("ids with commas", {"ids": "prod-orders,prod-payments"}, None, 2),
        ("ids in a body", {}, {"ids": ["prod-orders", "prod-payments"]}, 2),
        ("ids in a body as a text", {}, {"ids": "prod-orders,prod-payments"}, 2),
        ("the body wins", {"ids": "prod-orders,prod-payments"}, {"ids": ["prod-catalog"]}, 1),
        ("an unknown id is no error", {"ids": "nobody,prod-orders"}, None, 1),
        ("our tenant", {"tenant_ids": "ten-1,ten-2"}, None, 12),
        ("another tenant", {"tenant_ids": "ten-2"}, None, 0),
        ("another tenant in the body", {}, {"tenant_ids": ["ten-2"]}, 0),
        ("the first five", {"size": 5}, None, 5),
        ("five from the eleventh on", {"size": 5, "from": "prod-catalog"}, None, 3),
        ("by snapshot", {"snapshot": "running"}, None, 0),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_which_entities_are_answered(account, method, why, query, body, expected):
    acct = account()

    def ids(value: Any) -> Any:
        if isinstance(value, list):
            return [ids(item) for item in value]
        names = {source.name: source.id for source in acct.sim.fleet.sources}
        return ",".join(names.get(part, part) for part in value.split(",")) if isinstance(value, str) else value

    query = {name: ids(value) for name, value in query.items()}
    body = {name: ids(value) for name, value in body.items()} if body else None
    answer = acct.http.request(method, "/sources/metrics", params=query, json=body)
    assert len(answer.json()["connector_metrics"]) == expected, why


def test_level_and_topic_list_cut_the_answer(account):
    acct = account()
    id = acct.id("prod-orders")
    for level, expected in [("connector", {"connector_metrics", "inline_metrics"}), ("task", {"task_metrics"})]:
        found = acct.get("/sources/metrics", ids=id, level=level)
        assert {group for group, content in found.items() if content} == expected
    found = acct.get("/sources/metrics", ids=id, topic_list_from=1, topic_list_size=1)
    assert list(found["topic_metrics"][id]) == [f"source_{id}.public.order_items"]


@pytest.mark.parametrize("query", [{"time_type": "soon"}, {"level": "sky"}, {"size": "x"}, {"topic_list_from": "-1"}])
def test_a_wrong_parameter_is_422(account, query):
    answer = account().http.get("/sources/metrics", params=query)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *query]


def test_a_series_ends_with_the_latest_and_its_counters_grow(account):
    acct = account()
    acct.clock.to(3600)
    id = acct.id("prod-orders")
    since = "2030-03-17T17:46:40Z"
    query = {"time_type": "timeseries", "timestamp_from": since, "time_unit": "minute", "time_interval": 10}
    series = acct.get(f"/sources/{id}/metrics", **query)["data"]
    points = series["sourceRecordWriteTotal"]
    assert [point["timestamp"] for point in points][:2] == ["2030-03-17 17:46:40", "2030-03-17 17:56:40"]
    assert len(points) == 7
    assert [p["value"] for p in points] == sorted({p["value"] for p in points})
    assert points[-1]["value"] == acct.source("prod-orders")["sourceRecordWriteTotal"]
    bulk = acct.get("/sources/metrics", ids=id, **query)
    assert bulk["connector_metrics"][id]["sourceRecordWriteTotal"] == points
    refused = acct.http.get(f"/sources/{id}/metrics", params=query | {"timestamp_to": "2029-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["detail"]) == (400, "timestamp_from is after timestamp_to")


def test_a_big_account_answers_in_chunks_quickly(account):
    acct = account(sources=2000)
    ids = [source.id for source in acct.sim.fleet.sources]
    found = [acct.post("/sources/metrics", {"ids": ids[at : at + 500]}) for at in range(0, 2000, 500)]
    assert sum(len(answer["connector_metrics"]) for answer in found) == 2000
