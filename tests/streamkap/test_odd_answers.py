"""One odd name or value costs nothing but itself."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import httpx
import msgspec
import pytest

from watchdog.errors import ShapeError
from watchdog.readings.fleet import Kind
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.wire import Wire

NAMES = ['we"ird\\x', 'kafka.producer{topic="a"}', "a\nb\x07", "", "__class__", "None", "é\u2028", "x" * 10_000, "id", "task_metrics",
         "connector_metrics", "value", "timestamp", "0"]  # fmt: skip
VALUES = [{"a": []}, [], [[]], [{"value": {"deep": 1}}], {"value": None}, 10**400, "text", True, None, {"timestamp": "never", "value": 5}]


@pytest.mark.parametrize("name", NAMES, ids=repr)
@pytest.mark.parametrize("group", ["connector_metrics", "task_metrics"])
def test_an_odd_metric_name_costs_nobody_a_reading(account: Any, ids: dict[str, str], name: str, group: str) -> None:
    account.poll()
    odd: dict[str, Any] = {name: 1, "StreamingMilliSecondsBehindSource": 840}
    answer = {"connector_metrics": {ids["source"]: {"StreamingMilliSecondsBehindSource": 840, "connector_status": "Active"}},
              "task_metrics": {ids["source"]: {"0": {"sourceRecordWriteTotal": 5, "task_status": "RUNNING"}}}}  # fmt: skip
    answer[group] = {ids["source"]: odd if group == "connector_metrics" else {"0": odd}}
    account.api.answers["/sources/metrics"] = answer
    poll = account.poll(30)
    assert not poll.failures
    seen = account.seen(poll)
    place = "source/orders-db" if group == "connector_metrics" else "task/orders-db/0"
    assert seen[place]["StreamingMilliSecondsBehindSource"] == 840.0
    assert seen["destination/warehouse"]["recordsLag"] == 7.0


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_odd_value_costs_only_itself(account: Any, ids: dict[str, str], value: Any) -> None:
    account.poll()
    account.api.answers["/sources/metrics"] = {
        "connector_metrics": {ids["source"]: {"odd": value, "StreamingMilliSecondsBehindSource": 840, "connector_status": "Active"}},
        "task_metrics": {ids["source"]: {"0": {"odd": value, "sourceRecordWriteTotal": 5, "task_status": "RUNNING"}}},
    }
    poll = account.poll(30)
    assert not poll.failures
    assert account.seen(poll)["source/orders-db"]["StreamingMilliSecondsBehindSource"] == 840.0
    assert account.seen(poll)["task/orders-db/0"]["sourceRecordWriteTotal"] == 5.0
    snapshot = poll.snapshot(account.fleet)
    for metric in ("odd", "StreamingMilliSecondsBehindSource"):
        snapshot.column(Kind.SOURCE, metric)


@pytest.mark.parametrize(
    ("value", "dropped"),
    [({"a": []}, 1), ([[1]], 1), ([{"value": {"deep": 1}}], 1), (10**400, 1), ({"timestamp": "never", "value": 5}, 1),
     (None, 0), ([], 0), ("", 0), ("text", 0), (5, 0), (True, 0), ([{"timestamp": "2030-12-31 09:00:00", "value": None}], 0)],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_read_is_counted_with_a_sample(account: Any, ids: dict[str, str], value: Any, dropped: int) -> None:
    account.poll()
    account.api.answers["/sources/metrics"] = {
        "connector_metrics": {ids["source"]: {"odd\n": value, "latency": 840, "connector_status": "Active"}},
        "task_metrics": {ids["source"]: {"0": {"task_status": "RUNNING"}}},
    }
    found = account.poll(30).failures.dropped
    assert found.count == dropped
    assert ("odd\\n" in found.sample) == bool(dropped)
    assert found.sample.isprintable() and len(found.sample) < 200


def test_a_text_in_place_of_a_known_number_is_counted(account: Any, ids: dict[str, str]) -> None:
    account.poll()
    account.api.answers["/sources/metrics"] = {"connector_metrics": {ids["source"]: {"recordsLag": "many", "connector_status": "Active"}}}
    assert account.poll(30).failures.dropped.count == 1


def test_an_empty_list_counts_only_after_ten_minutes_of_such(account: Any) -> None:
    """The API has lost its list more often than somebody has deleted everything at once."""
    account.poll()
    account.api.answers["/sources"] = {"result": [], "page": 1, "page_size": 100, "total": 0, "has_next": False}
    for after in (300, 330, 899):
        listing = account.poll(after).listing
        assert listing is None or Kind.SOURCE not in listing.complete
    assert Kind.SOURCE in account.poll(900).listing.complete


def test_a_hundred_thousand_levels_deep_is_no_answer_and_hurts_nobody_else(account: Any) -> None:
    account.poll()
    account.api.answers["/sources/metrics"] = httpx.Response(200, content=b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    poll = account.poll(30)
    assert "source/orders-db" in account.dark(poll)
    assert account.seen(poll)["destination/warehouse"]["recordsLag"] == 7.0


class _Packed(httpx.BaseTransport):
    def __init__(self, coding: str, body: bytes) -> None:
        self.coding, self.body, self.read = coding, body, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        def parts() -> Any:
            for start in range(0, len(self.body), 4096):
                self.read += 4096
                yield self.body[start : start + 4096]

        return httpx.Response(200, headers={"content-encoding": self.coding}, content=parts())


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _raw_deflate)])
def test_a_body_is_bounded_while_it_unpacks(coding: str, pack: Any) -> None:
    small = msgspec.json.encode({"fine": 1})
    wire = Wire("http://127.0.0.1:1", transport=_Packed(coding, pack(small)), max_body=10_000)
    assert wire.send("GET", "/x", Budget.of(5, lambda: 0.0)).body == small
    bomb = _Packed(coding, pack(b"0" * 50_000_000))
    with pytest.raises(ShapeError, match="larger than 10000 bytes"):
        Wire("http://127.0.0.1:1", transport=bomb, max_body=10_000).send("GET", "/x", Budget.of(5, lambda: 0.0))
    assert bomb.read < len(bomb.body), "the rest was not even read"


@pytest.mark.parametrize(("coding", "why"), [("br", "compressed as 'br'"), ("gzip", "compression is broken")])
def test_what_cannot_be_unpacked_is_named(coding: str, why: str) -> None:
    wire = Wire("http://127.0.0.1:1", transport=_Packed(coding, b"abcd"))
    with pytest.raises(ShapeError, match=why):
        wire.send("GET", "/x", Budget.of(5, lambda: 0.0))
