"""Requests: sign-in, errors, retries, lists to their last page, GET and POST."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from watchdog.errors import ApiError, ShapeError, SignInError
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.queries import MetricsQuery
from watchdog.streamkap.signin import Credentials

HTML = httpx.Response(502, html="<html><body>Bad Gateway</body></html>")


def ask(api: Any, **options: Any) -> Any:
    client = api.client(**options)
    return client.request("GET", "/x", client.budget())


def caught(api: Any, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as raised:
        ask(api, **options)
    return raised.value


# Errors


@pytest.mark.parametrize(("why", "answer", "kind", "status", "transient", "says"), [
    ("a detail is told", httpx.Response(404, json={"detail": "Metrics not found"}), ApiError, 404, False, "Metrics not found"),
    ("so is the lack of a permission", httpx.Response(403, json={"detail": "read:source_metrics"}), ApiError, 403, False, "read:"),
    ("mistakes are told by place", httpx.Response(422, json={"detail": [{"loc": ["query", "page_size"], "msg": "no integer",
     "type": "int", "input": "s3cret-of-mine"}]}), ApiError, 422, False, "query.page_size: no integer"),
    ("an object has a message", httpx.Response(400, json={"detail": {"message": "no such job", "x": 1}}), ApiError, 400, False,
     "no such job"),
    ("an object without one tells its keys", httpx.Response(400, json={"detail": {"a": 1}}), ApiError, 400, False, "a"),
    ("HTML is called so", HTML, ApiError, 502, True, "an HTML page"),
    ("nothing is called so", httpx.Response(503), ApiError, 503, True, "an empty answer"),
    ("too many requests", httpx.Response(429, headers={"retry-after": "9"}, json={}), ApiError, 429, True, "429"),
    ("a plain 500 is final", httpx.Response(500, json={"detail": "boom"}), ApiError, 500, False, "boom"),
    ("trouble of Kafka Connect passes", httpx.Response(500, json={"detail": "KafkaConnectTimeout: request timed out"}), ApiError,
     500, True, "KafkaConnectTimeout"),
    ("a detail that is a number", httpx.Response(400, json={"detail": 7}), ApiError, 400, False, "7"),
    ("a list instead of an object", httpx.Response(400, json=[1, {"loc": 5, "msg": "x"}]), ApiError, 400, False, "400"),
    ("200 with HTML", httpx.Response(200, html="<html>login</html>"), ShapeError, 200, True, "an HTML page"),
    ("200 with nothing", httpx.Response(200), ShapeError, 200, True, "empty"),
    ("200 cut short", httpx.Response(200, content=b'{"result": [1, 2'), ShapeError, 200, True, "cut short"),
    ("200 nested without end", httpx.Response(200, content=b"[" * 100_000), ShapeError, 200, True, "no JSON"),
    ("200 in no encoding", httpx.Response(200, content=b'{"a": "\xff\xfe"}'), ShapeError, 200, True, "no JSON"),
    ("a time-out", httpx.ReadTimeout("slow"), ApiError, None, True, "no complete answer in time"),
    ("a reset", httpx.ReadError("reset by peer"), ApiError, None, True, "the connection broke"),
    ("no connection", httpx.ConnectError("refused"), ApiError, None, True, "no connection"),
    ("a broken answer", httpx.RemoteProtocolError("illegal header"), ApiError, None, True, "illegal header"),
    ("a redirect elsewhere", httpx.Response(302, headers={"location": "https://evil.example/x"}), ApiError, 302, False,
     "evil.example"),
    ("a redirect to http", httpx.Response(307, headers={"location": "http://api.example.test/x"}), ApiError, 307, False, "refused"),
    ("a redirect nowhere", httpx.Response(302), ApiError, 302, False, "nowhere"),
    ("a redirect in a circle", httpx.Response(307, headers={"location": "/x"}), ApiError, None, False, "redirects"),
])  # fmt: skip
def test_every_failure_is_one_typed_error(
    api: Any, why: str, answer: Any, kind: type[ApiError], status: int | None, transient: bool, says: str
) -> None:
    api.answers["/x"] = answer
    error = caught(api)
    assert type(error) is kind or (kind is ApiError and "in time" in says), why
    assert (error.status, error.transient) == (status, transient), why
    assert says in str(error)
    assert "GET /x" in str(error)
    assert "s3cret" not in str(error)
    assert "token-1" not in str(error)


def test_the_request_id_is_told(api: Any) -> None:
    api.answers["/x"] = httpx.Response(404, headers={"X-Request-Id": "req-77"}, json={"detail": "no"})
    error = caught(api)
    assert error.request_id == "req-77"
    assert "req-77" in str(error)


def test_what_the_api_repeats_of_our_secrets_is_not_told(api: Any) -> None:
    api.answers["/x"] = lambda asked: httpx.Response(400, json={"detail": f"bad token {asked.token} of s3cret-of-mine"})
    assert str(caught(api)) == "GET /x: 400: bad token ••• of •••"


def test_long_details_are_cut(api: Any) -> None:
    api.answers["/x"] = httpx.Response(400, json={"detail": "a" * 10_000})
    assert len(str(caught(api))) < 300


@pytest.mark.parametrize(("body", "value"), [
    (b'{"a": 1, "a": 2}', {"a": 2}),
    (b'{"a": 1e999}', {"a": float("inf")}),
    (b'{"a": NaN}', {"a": pytest.approx(float("nan"), nan_ok=True)}),
    (b'{"a": "\\ud800"}', {"a": "?"}),
    (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    (b'{"a": ' + b"9" * 5000 + b"}", {"a": float("inf")}),
])  # fmt: skip
def test_odd_json_costs_no_answer(api: Any, body: bytes, value: Any) -> None:
    api.answers["/x"] = httpx.Response(200, content=body)
    assert ask(api) == value


def test_an_enormous_answer_is_refused(api: Any) -> None:
    api.answers["/x"] = httpx.Response(200, content=b"[" + b"1," * 1000 + b"1]")
    error = caught(api, max_body=1000)
    assert isinstance(error, ShapeError)
    assert "larger than 1000 bytes" in str(error)
    assert not error.transient


def test_redirects_within_the_host_are_followed(api: Any) -> None:
    api.answers |= {"/x": httpx.Response(307, headers={"location": "/y?z=1"}), "/y": {"ok": True}}
    assert ask(api) == {"ok": True}
    assert api.log[-1].params == {"z": "1"}


@pytest.mark.parametrize("host", ["http://api.example.test", "ftp://x", "api.example.test", "https://u:p@api.example.test", ""])
def test_hosts_that_would_endanger_the_token(host: str) -> None:
    with pytest.raises(ValueError, match=r"https://"):
        StreamkapClient(host, Credentials(token="t"))


# Retries


@pytest.mark.parametrize(("why", "answers", "tries", "pauses"), [
    ("a gateway's hiccup", [HTML, HTML, {"ok": 1}], 3, 2),
    ("a reset", [httpx.ReadError("reset"), {"ok": 1}], 2, 1),
    ("a short Retry-After is honoured", [httpx.Response(429, headers={"retry-after": "3"}), {"ok": 1}], 2, 1),
    ("a long one is left to the next poll", [httpx.Response(429, headers={"retry-after": "60"})], 1, 0),
    ("three times is enough", [HTML, HTML, HTML], 3, 2),
    ("what is wrong stays wrong", [httpx.Response(400, json={})], 1, 0),
    ("a time-out has used its time", [httpx.ReadTimeout("slow")], 1, 0),
    ("cut short", [httpx.Response(200, content=b"{"), {"ok": 1}], 2, 1),
])  # fmt: skip
def test_quick_retries(api: Any, why: str, answers: list[Any], tries: int, pauses: int) -> None:
    rest = iter(answers)
    api.answers["/x"] = lambda asked: next(rest)
    if answers[-1] == {"ok": 1}:
        assert ask(api) == {"ok": 1}, why
    else:
        caught(api)
    assert len(api.asked("/x")) == tries, why
    assert len(api.pauses) == pauses, why
    if "short Retry" in why:
        assert api.pauses == [3.0]


def test_retries_end_with_the_budget(api: Any) -> None:
    def slow(asked: Any) -> Any:
        api.clock += 9.9
        return HTML

    api.answers["/x"] = slow
    caught(api, timeout=10.0)
    assert len(api.asked("/x")) == 2


# Sign-in


def test_a_token_is_renewed_a_minute_before_its_end(api: Any) -> None:
    api.answers["/x"] = {}
    client = api.client()
    for after, token in ((0, "token-1"), (3539, "token-1"), (3540, "token-2"), (7079, "token-2"), (7081, "token-3")):
        api.clock = 1000.0 + after
        client.request("GET", "/x", client.budget())
        assert api.log[-1].token == token, after


@pytest.mark.parametrize(("lasts", "after", "renewed"), [
    (61, 0.9, False), (61, 1.0, True),
    (30, 14.9, False), (30, 15.0, True),  # shorter than the minute: at half its life
    (None, 1e6, False), ("soon", 1e6, False), (-5, 1e6, False), (True, 1e6, False),  # unknown: a 401 will tell
])  # fmt: skip
def test_odd_lifetimes(api: Any, lasts: Any, after: float, renewed: bool) -> None:
    api.answers["/x"], api.lasts = {}, lasts
    client = api.client()
    client.request("GET", "/x", client.budget())
    api.clock += after
    client.request("GET", "/x", client.budget())
    assert api.tokens == 1 + renewed


def test_after_a_401_the_request_is_replayed_once_with_a_new_token(api: Any) -> None:
    api.answers["/x"] = {"ok": 1}
    client = api.client()
    client.request("POST", "/x", client.budget(), body={"ids": ["a"]})
    api.valid = lambda token: token != "token-1"
    assert client.request("POST", "/x", client.budget(), body={"ids": ["a"]}) == {"ok": 1}
    assert [asked.token for asked in api.asked("/x")] == ["token-1", "token-1", "token-2"]
    assert api.log[-1].body == {"ids": ["a"]}


def test_a_second_401_means_refused(api: Any) -> None:
    api.valid = lambda token: False
    error = caught(api)
    assert isinstance(error, SignInError)
    assert (error.status, len(api.asked("/x")), api.tokens) == (401, 2, 2)


def test_a_static_token_is_never_renewed(api: Any) -> None:
    api.answers["/x"] = {}
    ask(api, credentials=Credentials(token="ready-made"))
    assert api.log[-1].token == "ready-made"
    api.valid = lambda token: False
    error = caught(api, credentials=Credentials(token="ready-made"))
    assert isinstance(error, SignInError)
    assert "ready-made" not in str(error)
    assert api.asked("/auth/access-token") == []


@pytest.mark.parametrize(("answer", "kind", "status"), [
    (httpx.Response(401, json={"detail": "Invalid credentials"}), SignInError, 401),
    (httpx.Response(403, json={"detail": "no"}), SignInError, 403),
    (httpx.Response(422, json={"detail": [{"loc": ["body", "secret"], "msg": "too short", "input": "s3cret-of-mine"}]}),
     SignInError, 422),
    (httpx.Response(503, html="<html>"), ApiError, 503),
    (httpx.Response(200, json={"token": "x"}), ShapeError, None),
    (httpx.Response(200, json={"accessToken": "two\nlines"}), ShapeError, None),
    (httpx.Response(200, json=[]), ShapeError, None),
    (httpx.ConnectError("refused"), ApiError, None),
])  # fmt: skip
def test_sign_in_that_fails(api: Any, answer: Any, kind: type[ApiError], status: int | None) -> None:
    api.answers["/auth/access-token"] = answer
    error = caught(api)
    assert type(error) is kind
    assert error.status == status
    assert "s3cret" not in str(error)
    assert api.asked("/x") == []


def test_many_threads_make_one_sign_in(api: Any) -> None:
    ready = threading.Barrier(8)
    api.answers["/x"] = {"ok": 1}
    client = api.client()

    def one(number: int) -> Any:
        ready.wait()
        return client.request("GET", "/x", client.budget())

    assert client.together(one, range(8), client.budget()) == [{"ok": 1}] * 8
    assert api.tokens == 1
    api.valid = lambda token: token != "token-1"
    client.together(one, range(8), client.budget())
    assert api.tokens == 2


def test_credentials_do_not_show() -> None:
    for credentials in (Credentials("client", "hush"), Credentials(token="hush")):
        assert "hush" not in repr(credentials) + str(credentials)
    with pytest.raises(ValueError, match="token"):
        Credentials("client")


# Lists


def listing(count: int, page_size: int = 100, **envelope: Any) -> Any:
    items = [{"id": f"{n:024x}", "name": f"c{n}"} for n in range(count)]

    def answer(asked: Any) -> dict[str, Any]:
        page, size = int(asked.params["page"]), min(page_size, int(asked.params["page_size"]))
        here = items[(page - 1) * size : page * size]
        made = {"result": here, "page": page, "page_size": size, "total": count, "has_next": page * size < count}
        return {key: value for key, value in {**made, **envelope}.items() if value != "left out"}

    return answer


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 1234])
@pytest.mark.parametrize("envelope", [
    {}, {"total": None}, {"has_next": None}, {"total": None, "has_next": None}, {"has_next": "left out", "total": "left out"},
])  # fmt: skip
@pytest.mark.parametrize("page_size", [100, 10])
def test_an_account_is_seen_whole(api: Any, count: int, envelope: dict[str, Any], page_size: int) -> None:
    api.answers["/sources"] = listing(count, page_size, **envelope)
    client = api.client()
    pages = client.sources(client.budget())
    assert len(pages.items) == count
    assert pages.complete
    assert all(asked.params["page_size"] == "100" for asked in api.asked("/sources"))


@pytest.mark.parametrize(("why", "answer", "seen"), [
    ("a page that repeats for ever", lambda asked: {"result": [{"id": "a"}] * 100, "has_next": True}, 1),
    ("fewer than promised", lambda asked: {"result": [{"id": "a"}] if asked.params["page"] == "1" else [], "total": 7}, 1),
    ("an error on the second page", lambda asked: listing(250)(asked) if asked.params["page"] != "2" else HTML, 150 + 50 - 50),
    ("no list at all", lambda asked: {"detail": "later"}, 0),
    ("null for a list", lambda asked: {"result": None}, 0),
])  # fmt: skip
def test_lists_that_prove_nothing(api: Any, why: str, answer: Any, seen: int) -> None:
    api.answers["/sources"] = answer
    client = api.client()
    pages = client.sources(client.budget())
    assert len(pages.items) == seen, why
    assert not pages.complete, why


def test_items_without_an_id_are_passed_over(api: Any) -> None:
    api.answers["/sources"] = {"result": [{"id": "a"}, {"name": "b"}, 7, None, {"_id": "c"}, {"id": 5}], "total": 6, "has_next": False}
    client = api.client()
    assert [item["id"] for item in client.sources(client.budget()).items] == ["a", "c", "5"]


# Metrics


EVERYTHING = MetricsQuery(
    id="i", topic_list_from=0, topic_list_size=5, from_="k", size=3, level="task", page=2, timestamp_to=1_924_938_000.0,
    timestamp_from=1_924_934_400, time_unit="minute", time_interval=5, time_type="timeseries", tenant_ids=["t1", "t2"],
    ids=["a", "b"], snapshot="running", sort="latency", sort_dir="desc",
)  # fmt: skip


def test_every_query_parameter_is_reachable(api: Any) -> None:
    api.answers["/sources/metrics"] = {}
    client = api.client()
    client.metrics("sources", EVERYTHING, client.budget())
    assert api.log[-1].params == {
        "id": "i", "topic_list_from": "0", "topic_list_size": "5", "from": "k", "size": "3", "level": "task", "page": "2",
        "timestamp_to": "2030-12-31T09:00:00Z", "timestamp_from": "2030-12-31T08:00:00Z", "time_unit": "minute",
        "time_interval": "5", "time_type": "timeseries", "tenant_ids": "t1,t2", "ids": "a,b", "snapshot": "running",
        "sort": "latency", "sort_dir": "desc",
    }  # fmt: skip


def test_post_asks_the_same_as_get(api: Any) -> None:
    api.answers["/sources/metrics"] = {}
    client = api.client()
    client.metrics("sources", EVERYTHING, client.budget(), post=False)
    client.metrics("sources", EVERYTHING, client.budget(), post=True)
    get, post = api.asked("/sources/metrics")
    assert (get.method, post.method, get.body) == ("GET", "POST", None)
    assert post.body == {"ids": ["a", "b"], "tenant_ids": ["t1", "t2"]}
    assert {**post.params, "ids": "a,b", "tenant_ids": "t1,t2"} == get.params


@pytest.mark.parametrize(("count", "methods"), [(1, ["GET"]), (50, ["GET"]), (51, ["POST"]), (500, ["POST"]), (1001, ["GET", "POST", "POST"])])
def test_many_ids_go_in_chunks(api: Any, count: int, methods: list[str]) -> None:
    api.answers["/sources/metrics"] = {}
    client = api.client(tenant_ids=["ten-1"])
    ids = [f"{n:024x}" for n in range(count)]
    chunks = client.metrics_of_all("sources", ids, client.budget())
    assert [id for chunk in chunks for id in chunk.ids] == ids
    assert sorted(asked.method for asked in api.asked("/sources/metrics")) == methods
    for asked in api.asked("/sources/metrics"):
        assert asked.params["time_type"] == "latest"
        assert (asked.params.get("tenant_ids") or asked.body["tenant_ids"]) in ("ten-1", ["ten-1"])


def test_one_failed_chunk_is_one_failed_chunk(api: Any) -> None:
    api.answers["/sources/metrics"] = lambda asked: HTML if f"{0:024x}" in asked.body["ids"] else {"account_metrics": {}}
    client = api.client()
    chunks = client.metrics_of_all("sources", [f"{n:024x}" for n in range(1000)], client.budget())
    assert [isinstance(chunk.answer, ApiError) for chunk in chunks] == [True, False]
