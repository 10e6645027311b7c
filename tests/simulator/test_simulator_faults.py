"""Every fault does what it says, to the requests it names, as often as it says."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from watchdog.simulator import Simulator

PATH = "/sources/metrics"


@pytest.mark.parametrize(
    ("status", "how", "content_type", "contains"),
    [
        (401, {}, "application/json", '{"detail":"Unauthorized"}'),
        (403, {}, "application/json", "permission"),
        (404, {}, "application/json", '{"detail":"Metrics not found"}'),
        (422, {}, "application/json", '"loc":["query","page_size"]'),
        (429, {}, "application/json", "Too many requests"),
        (500, {}, "application/json", "KafkaConnectTimeout"),
        (500, {"detail": "boom"}, "application/json", '{"detail":"boom"}'),
        (500, {"body": "dict", "detail": "boom"}, "application/json", '{"detail":{"message":"boom","code":500}}'),
        (502, {}, "text/html", "502 Bad Gateway"),
        (503, {}, "text/html", "nginx"),
        (503, {"body": "empty"}, "application/json", ""),
        (504, {}, "text/html", "504 Gateway Time-out"),
    ],
)
def test_an_error_has_its_status_and_a_body_of_its_form(account, status, how, content_type, contains):
    acct = account()
    acct.sim.fail(PATH, status, **how)
    answer = acct.http.get(PATH)
    assert answer.status_code == status
    assert answer.headers["content-type"] == content_type
    assert contains in answer.text
    assert bool(answer.text) == bool(contains)
    assert answer.headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize(("given", "sent"), [(None, "1"), (7, "7"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2, ("", None)])
def test_too_many_requests_say_when_to_come_again(account, given, sent):
    acct = account()
    acct.sim.fail("*", 429, retry_after=given)
    assert acct.http.get("/sources").headers.get("retry-after") == sent


def test_a_fault_befalls_only_what_it_names_and_only_so_often(account):
    acct = account()
    fault = acct.sim.fail("/sources*", 503, times=2, after=1, method="GET")
    assert [acct.http.get("/sources").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert acct.http.get("/destinations").status_code == 200
    assert fault.hits == 2
    acct.sim.fail("/sources", 500)
    other = acct.sim.fail("/destinations", 500)
    acct.sim.faults.remove(other)
    assert acct.http.get("/destinations").status_code == 200
    acct.sim.faults.clear()
    assert acct.http.get("/sources").status_code == 200


def test_a_fault_holds_between_two_instants(account, clock):
    acct = account()
    acct.sim.fail(PATH, 503, at=10, until=20)
    found = []
    for instant in (9.9, 10, 19.9, 20):
        clock.to(instant)
        found.append(acct.http.get(PATH).status_code)
    assert found == [200, 503, 503, 200]


@pytest.mark.parametrize(
    ("kind", "raises"),
    [("reset", httpx.ReadError), ("truncate", httpx.RemoteProtocolError), ("hang", httpx.ReadTimeout)],
)
def test_a_connection_that_ends_badly(account, kind, raises):
    acct = account()
    acct.sim.fail(PATH, kind=kind, times=1)
    with pytest.raises(raises):
        acct.http.get(PATH, timeout=0.2)
    assert acct.http.get(PATH).status_code == 200


def test_slow_and_dripping_answers_are_honest_in_the_end(account):
    acct = account()
    honest = acct.http.get("/tags", params={"page_size": 1}).content
    acct.sim.fail("/tags", kind="slow", delay=0.05, times=1)
    begin = time.perf_counter()
    assert acct.http.get("/tags", params={"page_size": 1}).content == honest
    assert time.perf_counter() - begin >= 0.05
    acct.sim.fail("/tags", kind="drip", delay=0.0001, times=1)
    pieces = []
    with acct.http.stream("GET", "/tags", params={"page_size": 1}) as answer:
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == honest
    assert len(pieces) > 3


@pytest.mark.parametrize(
    ("kind", "how", "status", "content_type", "body"),
    [
        ("empty", {}, 200, "application/json", ""),
        ("html", {}, 200, "text/html", "<!doctype html>"),
        ("malformed", {}, 200, "application/json", '{"connector_metrics": {"66a0'),
        ("malformed", {"detail": '{"a": 1, "a": NaN}'}, 200, "application/json", '{"a": 1, "a": NaN}'),
        ("content_type", {}, 200, "text/plain", '{"account_metrics"'),
        ("redirect", {"location": "http://127.0.0.2:9/"}, 307, "application/json", ""),
    ],
)
def test_answers_that_are_none(account, kind, how, status, content_type, body):
    acct = account()
    acct.sim.fail(PATH, kind=kind, **how)
    answer = acct.http.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert answer.text.startswith(body)
    if kind == "redirect":
        assert answer.headers["location"] == f"http://127.0.0.2:9{PATH}"


def test_an_enormous_answer_is_as_long_as_it_says(account):
    acct = account()
    acct.sim.fail(PATH, kind="enormous", size=3_000_001)
    answer = acct.http.get(PATH)
    assert len(answer.content) == int(answer.headers["content-length"]) > 3_000_000
    assert answer.json()["connector_metrics"]


def test_a_good_answer_may_lack_entities_that_were_asked_for(account):
    acct = account()
    ids = [acct.id(name) for name in ("prod-orders", "prod-payments", "prod-catalog")]
    fault = acct.sim.fail("*metrics", kind="missing", ids=("prod-payments",))
    assert list(acct.post(PATH, {"ids": ids})["connector_metrics"]) == [ids[0], ids[2]]
    assert acct.http.get(f"/sources/{ids[1]}/metrics").status_code == 404
    acct.sim.faults.remove(fault)
    acct.sim.fail(PATH, kind="missing")
    assert list(acct.post(PATH, {"ids": ids})["connector_metrics"]) == [ids[1]]


def test_the_sign_in_can_fail_too(account):
    acct = account()
    acct.sim.fail("/auth/*", 502, times=1)
    body = {"client_id": acct.sim.client_id, "secret": acct.sim.secret}
    assert [acct.http.post("/auth/access-token", json=body).status_code for _ in range(2)] == [502, 200]


@pytest.mark.parametrize(("how", "says"), [({"kind": "bored"}, "bored"), ({"body": "poem"}, "write string, list")])
def test_a_fault_that_does_not_exist_is_refused(account, how, says):
    with pytest.raises(ValueError, match=says):
        account().sim.fail(PATH, **how)


def test_stopping_waits_for_nobody(clock):
    """A client that hangs, and one that is fed drop by drop, do not hold up the end; no thread stays behind."""
    before = threading.active_count()
    sim = Simulator(clock=clock)
    sim.start()
    sim.fail("/tags", kind="hang")
    sim.fail("/sources", kind="drip", delay=5)
    ended = []

    def ask(path):
        headers = {"Authorization": f"Bearer {sim.issue_token()}"}
        try:
            httpx.get(sim.url + path, headers=headers, timeout=30, trust_env=False)
        except httpx.TransportError:
            ended.append(path)

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/tags", "/sources")]
    for thread in threads:
        thread.start()
    while len(sim.requests) < 2:
        time.sleep(0.005)
    begin = time.perf_counter()
    sim.stop()
    assert time.perf_counter() - begin < 1.5
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["/sources", "/tags"]
    assert threading.active_count() == before


def test_what_was_asked_is_kept(account):
    acct = account()
    acct.post("/sources/metrics", {"ids": ["x"]}, level="task")
    (asked,) = acct.sim.asked("/sources/metrics", "POST")
    assert (asked.query, asked.body, asked.authorized) == ({"level": "task"}, {"ids": ["x"]}, True)
