"""`/api/watchdog/v1` as a program meets it: objects, filters, pages, errors, acknowledging."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import msgspec
import pytest
from openapi_spec_validator import validate
from site_under_test import TOKEN, Site

from watchdog.web.v1 import schemas

BASE = "/api/watchdog/v1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four sources, of which the first fires and was told."""
    with Site(tmp_path_factory.mktemp("v1"), sources=4) as made:
        made.breaks(made.sources[0])
        made.until(lambda: made.told.messages)
        yield made


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{site.url}{BASE}/") as client:
        yield client


def items(api: httpx.Client, path: str) -> list[dict[str, object]]:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_an_entity_with_its_readings_and_what_the_rules_say(api: httpx.Client, site: Site) -> None:
    (found,) = items(api, f"entities?kind=source&name={site.sources[0]}")
    detail = msgspec.json.decode(api.get(f"entities/source/{found['id']}").content, type=schemas.EntityDetail)
    readings = {one.metric: (one.value, one.unit) for one in detail.readings}
    assert readings["StreamingMilliSecondsBehindSource"] == (900_000.0, "ms")
    assert (detail.name, detail.observed) == (site.sources[0], True)
    (alert,) = detail.alerts
    assert (alert.alert, alert.verdict, alert.state) == ("SourceBehind", "true", "firing")
    assert alert.reason == "StreamingMilliSecondsBehindSource is 15m (> 5m)"
    assert alert.since is not None and alert.since.utcoffset() is not None
    assert api.get(f"episodes/{alert.episode}").status_code == 200


def test_an_id_may_hold_a_slash(api: httpx.Client) -> None:
    (first, *_) = items(api, "entities?kind=task&limit=1")
    assert "/" in str(first["id"])
    for path in (f"entities/task/{first['id']}", f"entities/task/{str(first['id']).replace('/', '%2F')}"):
        assert api.get(path).json()["name"] == first["name"]


def test_an_episode_tells_its_story_and_who_was_told_but_no_url_of_a_target(api: httpx.Client, site: Site) -> None:
    (brief,) = items(api, "episodes?firing=true&alert=SourceBehind")
    site.until(lambda: api.get(f"episodes/{brief['id']}").json()["told"])
    answer = api.get(f"episodes/{brief['id']}")
    found = msgspec.json.decode(answer.content, type=schemas.EpisodeDetail)
    assert (found.value, found.unit, found.limit) == (900_000.0, "ms", 300_000.0)
    assert found.annotations["summary"] == f"{site.sources[0]} is 15m behind its source"
    assert found.labels["tags"], "a list stays a list"
    assert {one.what for one in found.story} >= {"began"}
    assert [(one.receiver, one.target) for one in found.told] == [("team", "json://127.0.0.1/…")]
    assert found.url == f"/alerts/{found.id}"
    assert "127.0.0.1:9" not in answer.text, "a target is shown by its scheme and host"


FILTERS = [
    ("by kind", "entities?kind=account", 1),
    ("by a glob over names", "entities?kind=source&name=*", 4),
    ("by a name that nobody has", "entities?name=no-such-*", 0),
    ("by a tag that nobody has", "entities?tag=no-such", 0),
    ("readings by metric", "readings?kind=source&metric=StreamingMilliSecondsBehindSource", 4),
    ("rules by what they iterate over", "rules?each=task", 1),
    ("rules by name", "rules?name=Never*", 1),
    ("alerts by state", "alerts?state=firing", 1),
    ("alerts by verdict", "alerts?alert=SourceBehind&verdict=false", 3),
    ("episodes that are over", "episodes?firing=false", 0),
    ("episodes by severity", "episodes?severity=critical", 0),
    ("episodes by kind", "episodes?kind=source", 1),
    ("silences by state", "silences?state=active", 0),
]


@pytest.mark.parametrize(("why", "path", "count"), FILTERS, ids=[row[0] for row in FILTERS])
def test_lists_are_filtered(api: httpx.Client, why: str, path: str, count: int) -> None:
    assert len(items(api, path)) == count, why


@pytest.mark.parametrize("path", ["entities", "readings", "metrics", "rules", "alerts"])
def test_pages_of_one_make_the_whole_list(api: httpx.Client, path: str) -> None:
    def keys(found: list[dict[str, object]]) -> list[object]:
        named = ("kind", "id", "entity_id", "metric", "alert", "name")
        return [tuple(one.get(name) for name in named) for one in found]

    whole = api.get(path, params={"limit": 12}).json()["items"]
    one_by_one, after = [], {}
    for _ in whole:
        page = api.get(path, params={"limit": 1, **after}).json()
        one_by_one += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert keys(one_by_one) == keys(whole)


def test_a_rule_with_its_terms_and_its_last_result(api: httpx.Client) -> None:
    rule = msgspec.json.decode(api.get("rules/SourceBehind").content, type=schemas.Rule)
    assert (rule.each, rule.severity, rule.firing) == ("source", "warning", 1)
    assert rule.params == {"limit": schemas.Param(300.0, "s")}
    assert rule.last is not None
    assert (rule.last.covers, rule.last.true, rule.last.false, rule.last.unknown) == (4, 1, 3, 0)


MISTAKES = [
    ("an unknown parameter", "entities?knd=source", 400, "knd", "did you mean 'kind'?"),
    ("a kind that is none", "entities?kind=sauce", 400, "sauce", "write one of source"),
    ("a parameter given twice", "entities?kind=source&kind=task", 400, "task", "given twice"),
    ("an empty parameter", "entities?name=", 400, "", "a text of 1 to 500 characters"),
    ("too large a page", "entities?limit=1001", 400, "1001", "a number from 1 to 1000"),
    ("a page that was not named before", "episodes?after=5", 400, "5", "the `next` of the page before"),
    ("neither true nor false", "episodes?firing=maybe", 400, "maybe", "true or false"),
    ("no such path", "nothing", 404, f"{BASE}/nothing", "there is nothing here"),
    ("no such entity", "entities/source/nobody", 404, "nobody", "there is no source 'nobody'"),
    ("no such kind", "entities/sauce/x", 404, "sauce", "write one of source"),
    ("no such episode", f"episodes/{NOBODY}", 404, NOBODY, "there is no episode"),
    ("no id of an episode", "episodes/x", 404, "x", "a UUID"),
    ("no such rule", "rules/Nothing", 404, "Nothing", "there is no rule 'Nothing'"),
    ("no such silence", f"silences/{NOBODY}", 404, NOBODY, "there is no silence"),
    ("a NUL", "episodes/%00", 404, "\0", "a UUID"),
]


@pytest.mark.parametrize(("why", "path", "status", "found", "said"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_answered_with_what_was_found(
    api: httpx.Client, why: str, path: str, status: int, found: str, said: str
) -> None:
    answer = api.get(path)
    problem = msgspec.json.decode(answer.content, type=schemas.Problem)
    assert (answer.status_code, problem.found) == (status, found), why
    assert said in problem.error
    assert answer.headers["content-type"] == "application/json"


def test_methods_that_a_path_has_not(api: httpx.Client) -> None:
    answer = api.put("silences", json={}, headers=BEARER)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["accepted"] == "GET, HEAD"
    answer = api.get(f"episodes/{NOBODY}/acknowledge")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert api.options("entities").status_code == 405, "no other origin is let in"


def test_head_is_get_without_a_body_and_an_etag_saves_the_body(api: httpx.Client) -> None:
    whole, head = api.get("metrics"), api.head("metrics")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == whole.headers["etag"]
    again = api.get("metrics", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.get("metrics", headers={"If-None-Match": '"other"'}).status_code == 200


BODIES = [
    ("no type", {"content": b'{"author": "eva"}'}, 415, "the body has to be JSON"),
    ("a form", {"data": {"author": "eva"}}, 415, "the body has to be JSON"),
    ("no JSON", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
    ("no author", {"json": {}}, 400, "missing required field `author`"),
    ("a blank author", {"json": {"author": " "}}, 400, "author: "),
    ("a NUL", {"json": {"author": "e\0va"}}, 400, "author: "),
    ("an unknown field", {"json": {"author": "eva", "commnt": "x"}}, 400, "unknown field `commnt`"),
    ("a list", {"json": []}, 400, "Expected `object`"),
    ("a huge one", {"json": {"author": "eva", "comment": "x" * 2_000_000}}, 413, "too large"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "sent", "status", "said"), BODIES, ids=[row[0] for row in BODIES])
def test_a_body_that_is_not_what_it_should_be(
    api: httpx.Client, why: str, sent: dict[str, object], status: int, said: str
) -> None:
    sent = {**sent, "headers": {**BEARER, **sent.get("headers", {})}}  # type: ignore[dict-item]
    answer = api.post(f"episodes/{NOBODY}/acknowledge", **sent)  # type: ignore[arg-type]
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


def test_acknowledging_counts_once_and_not_after_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Site(tmp_path_factory.mktemp("ack"), sources=1) as site, httpx.Client(base_url=f"{site.url}{BASE}/") as api:
        site.breaks(site.sources[0])
        (found,) = items(api, "episodes?firing=true")
        path = f"episodes/{found['id']}/acknowledge"
        assert api.post(path, json={"author": "eva"}).status_code == 401
        first = api.post(path, json={"author": "eva", "comment": "on it"}, headers=BEARER)
        assert first.json()["acknowledged"]["author"] == "eva"
        again = api.post(path, json={"author": "max"}, headers=BEARER)
        assert (again.status_code, again.json()["acknowledged"]["author"]) == (200, "eva"), "the first word counts"
        assert "acknowledged" in {one["what"] for one in api.get(f"episodes/{found['id']}").json()["story"]}
        site.mends(site.sources[0])
        over = api.post(path, json={"author": "max"}, headers=BEARER)
        assert (over.status_code, over.json()["accepted"]) == (409, "an episode that fires")
        assert api.get("status").json()["firing"] == []


def test_what_a_failed_request_would_have_told_is_not_made_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Site(tmp_path_factory.mktemp("dark"), sources=1) as site, httpx.Client(base_url=f"{site.url}{BASE}/") as api:
        site.breaks(site.sources[0])
        site.streamkap.fail("/sources*metrics", 500)
        site.until(lambda: items(api, "alerts?verdict=unobserved"))
        (alert,) = items(api, "alerts?alert=SourceBehind")
        assert (alert["verdict"], alert["state"], alert["reason"], alert["value"]) == ("unobserved", "firing", "", None)
        (source,) = items(api, "entities?kind=source")
        assert source["observed"] is False
        result = api.get("rules/SourceBehind").json()["last"]
        assert (result["true"], result["unobserved"]) == (0, 1)
        (episode,) = items(api, "episodes?firing=true")
        assert episode["reason"] == "StreamingMilliSecondsBehindSource is 15m (> 5m)", "it stays as it was seen last"


def test_the_description_is_openapi_and_names_every_path_that_is_answered(api: httpx.Client) -> None:
    described = api.get("openapi.json").json()
    validate(described)
    assert described["openapi"].startswith("3.1")
    for path, operations in described["paths"].items():
        for method in operations:
            filled = path.replace("{kind}", "source").replace("{", "").replace("}", "")
            assert api.request(method, filled.removeprefix("/"), headers=BEARER).status_code != 405, path
