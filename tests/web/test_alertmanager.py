"""`/api/v2` as programs for Alertmanager meet it: the contract, filters, the lives of silences, the configuration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import alertmanager_contract as contract
import httpx
import pytest
import yaml
from site_under_test import TOKEN, Site

from watchdog.configuration.files import load_texts
from watchdog.web.alertmanager.configuration import configuration

BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("v2"), sources=3) as made:
        made.streamkap.rename(made.streamkap.fleet.sources[1].id, '<b>"\'&')
        made.breaks(made.sources[0])
        made.breaks(made.sources[2])
        yield made


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{site.url}/api/v2/", headers=BEARER) as client:
        yield client


@pytest.fixture
def silence(api: httpx.Client, site: Site) -> Iterator[str]:
    """The id of a silence over the first source, which holds its alert."""
    id_ = post(api, matchers=[matcher("name", site.sources[0])]).json()["silenceID"]
    site.until(lambda: held(api) == {site.sources[0]})
    yield id_
    api.delete(f"silence/{id_}")
    site.until(lambda: not held(api))


def held(api: httpx.Client) -> set[str]:
    return {one["labels"]["name"] for one in api.get("alerts", params={"active": "false"}).json()}


def matcher(name: str, value: str, *, regex: bool = False, equal: bool = True) -> dict[str, object]:
    return {"name": name, "value": value, "isRegex": regex, "isEqual": equal}


def at(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def post(api: httpx.Client, **fields: object) -> httpx.Response:
    body = {"matchers": [matcher("alertname", "X")], "startsAt": at(0), "endsAt": at(3600), "createdBy": "eva", "comment": "known"}
    return api.post("silences", json={**body, **fields})


@pytest.mark.parametrize("path", contract.ANSWERS)
def test_answers_keep_the_contract(api: httpx.Client, silence: str, path: str) -> None:
    answer = api.get(path.replace("{silenceID}", silence))
    assert answer.headers["content-type"] == "application/json"
    assert contract.complaints(contract.ANSWERS[path], answer.json()) == []


@pytest.mark.system
@pytest.mark.parametrize("path", contract.ANSWERS)
def test_answers_keep_the_published_description(api: httpx.Client, silence: str, path: str) -> None:
    spec = contract.debian()
    if spec is None:
        pytest.skip(f"Alertmanager's description is not here: apt-get install {contract.PACKAGE}")
    answer = api.get(path.replace("{silenceID}", silence))
    assert contract.complaints(contract.described(spec, path), answer.json()) == []


def test_an_alert_carries_its_labels_as_text_and_leads_to_its_page(api: httpx.Client, site: Site) -> None:
    (alert,) = api.get("alerts", params={"filter": f'name="{site.sources[0]}"'}).json()
    assert alert["labels"]["tags"].startswith(",") and alert["labels"]["tags"].endswith(",")
    assert alert["annotations"]["summary"] == f"{site.sources[0]} is 15m behind its source"
    assert httpx.get(alert["generatorURL"]).status_code == 200
    assert datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC), "it holds as long as it fires"


FILTERS = [
    ("everything", {}, 2),
    ("a matcher", {"filter": "alertname=SourceBehind"}, 2),
    ("that matches nothing", {"filter": "alertname!=SourceBehind"}, 0),
    ("two of them", {"filter": ["alertname=~Source.+", "kind=task"]}, 0),
    ("one value of a list", {"filter": "tags=~.*,production,.*"}, 2),
    ("a receiver", {"receiver": "te.m"}, 2),
    ("a receiver's name is matched whole", {"receiver": "tea"}, 0),
    ("receivers have no labels", {"receiver_matchers": "owner=me"}, 0),
    ("without the active ones", {"active": "false"}, 1),
    ("without the silenced ones", {"silenced": "false"}, 1),
    ("without the suppressed ones", {"inhibited": "false"}, 2),
    ("neither", {"active": "false", "silenced": "false"}, 0),
]


@pytest.mark.parametrize(("why", "asked", "count"), FILTERS, ids=[row[0] for row in FILTERS])
def test_alerts_and_groups_are_filtered_alike(api: httpx.Client, silence: str, why: str, asked: dict, count: int) -> None:
    assert len(api.get("alerts", params=asked).json()) == count, why
    assert sum(len(one["alerts"]) for one in api.get("alerts/groups", params=asked).json()) == count, why


MISTAKES = [
    ("a filter that is none", "alerts?filter=nothing", "filter: 'nothing' is not a matcher"),
    ("a receiver that is no pattern", "alerts/groups?receiver=(", "receiver: '(' is not a regular expression"),
    ("a switch that is neither", "alerts?silenced=maybe", "silenced: 'maybe' is neither true nor false"),
    ("a filter of silences", "silences?filter=", "is not a matcher"),
]


@pytest.mark.parametrize(("why", "path", "said"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_wrong_question_is_answered_with_why(api: httpx.Client, why: str, path: str, said: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, said in answer.json()) == (400, True), answer.text


SILENCES = [
    ("no matcher", {"matchers": []}, 400),
    ("only one that matches nothing at all", {"matchers": [matcher("a", "")]}, 400),
    ("a pattern that is none", {"matchers": [matcher("a", "(", regex=True)]}, 400),
    ("an end that has passed", {"endsAt": at(-5)}, 400),
    ("an end before its start", {"startsAt": at(7200)}, 400),
    ("an end nobody lives to see", {"endsAt": "9999-12-31T23:59:59-12:00"}, 400),
    ("a NUL", {"comment": "a\0b"}, 400),
    ("no author", {"createdBy": None}, 400),
    ("an id there is none of", {"id": NOBODY}, 404),
]


@pytest.mark.parametrize(("why", "fields", "status"), SILENCES, ids=[row[0] for row in SILENCES])
def test_what_makes_no_silence(api: httpx.Client, why: str, fields: dict, status: int) -> None:
    answer = post(api, **fields)
    assert (answer.status_code, type(answer.json())) == (status, str), why


def test_a_silence_is_changed_replaced_and_ended(api: httpx.Client) -> None:
    first = post(api).json()["silenceID"]
    kept = api.get(f"silence/{first}").json()
    assert (kept["status"]["state"], kept["createdBy"], kept["matchers"]) == ("active", "eva", [matcher("alertname", "X")])
    longer = post(api, id=first, startsAt=kept["startsAt"], endsAt=at(7200)).json()["silenceID"]
    assert longer == first, "what is to come can be changed"
    other = post(api, id=first, startsAt=kept["startsAt"], matchers=[matcher("alertname", "Y")]).json()["silenceID"]
    assert other != first, "what was held back stays known"
    assert api.get(f"silence/{first}").json()["status"]["state"] == "expired"
    assert api.delete(f"silence/{other}").status_code == 200
    again = post(api, id=other).json()["silenceID"]
    assert again not in (first, other), "what is over does not come back"
    api.delete(f"silence/{again}")


def test_silences_are_listed_by_state_and_matcher(api: httpx.Client) -> None:
    later = post(api, startsAt=at(600), matchers=[matcher("alertname", "Later", regex=True)]).json()["silenceID"]
    now = post(api).json()["silenceID"]
    over = post(api).json()["silenceID"]
    api.delete(f"silence/{over}")
    ids = [one["id"] for one in api.get("silences").json()]
    assert ids.index(now) < ids.index(later) < ids.index(over)
    listed = lambda **asked: {one["id"] for one in api.get("silences", params=asked).json()} & {later, now, over}  # noqa: E731
    assert listed(expired="false", pending="false") == {now}
    assert listed(active="false", expired="false") == {later}
    assert listed(filter="alertname=~Later") == {later}, "a silence that has this very matcher"
    assert listed(filter="alertname=Later") == set()
    for id_ in (later, now):
        api.delete(f"silence/{id_}")


def test_methods_and_paths_there_are_none_of(api: httpx.Client) -> None:
    assert (api.post("alerts", json=[]).status_code, api.post("alerts", json=[]).headers["allow"]) == (405, "GET, HEAD")
    assert api.put("silences", json={}).headers["allow"] == "GET, HEAD, POST"
    assert api.get(f"silence/{NOBODY}").status_code == api.delete(f"silence/{NOBODY}").status_code == 404
    assert api.post("silences", content=b"{}").status_code == 415


def test_who_suppresses_an_alert_is_named_by_its_fingerprint(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("inhibited")
    with Site(folder, sources=1) as site:
        rules = (folder / "rules.yaml").read_text().replace("  - alert: TaskFailed", '    suppresses: ["Task*"]\n  - alert: TaskFailed')
        (folder / "rules.yaml").write_text(rules)
        httpx.post(f"{site.url}/-/reload", headers=BEARER)
        site.breaks(site.sources[0])
        task = site.streamkap.fleet.sources[0].id
        site.streamkap.state(task, task_statuses={0: "FAILED"})
        alerts = f"{site.url}/api/v2/alerts"
        site.until(lambda: httpx.get(alerts, params={"active": "false"}).json())
        (held,) = httpx.get(alerts, params={"active": "false"}).json()
        (holder,) = httpx.get(alerts, params={"inhibited": "false"}).json()
        assert (held["labels"]["alertname"], held["status"]["inhibitedBy"]) == ("TaskFailed", [holder["fingerprint"]])


ROUTES = """
rules: [{alert: A, each: source, expr: m > 1}]
receivers: {oncall: {to: ["json://10.0.0.1/secret"]}, team: {to: ["json://10.0.0.2/"]}, lead: {to: ["json://10.0.0.3/"]}}
routes:
  - where: {severity: critical, tags: [batch, "!test*"]}
    to: [oncall, team]
    group_by: [name]
    group_wait: 0s
    continue: true
  - where: {name: ["prod-*", orders]}
    to: [lead]
    repeat_interval: 0s
  - to: [team]
"""


def test_receivers_and_routes_in_alertmanagers_words() -> None:
    text = configuration(load_texts({"rules.yaml": ROUTES}, {}, unset_out=True))
    made = yaml.safe_load(text)
    assert "10.0.0.1" not in text
    assert made["receivers"] == [{"name": "oncall"}, {"name": "team"}, {"name": "lead"}]
    assert made["route"]["receiver"] == "team"
    critical = {"matchers": ['severity="critical"', 'tags=~"(.*,(batch),.*)"', 'tags!~"(.*,(test[^,]*),.*)"'], "group_by": ["name"],
                "group_wait": "0s", "group_interval": "5m", "repeat_interval": "4h", "continue": True}  # fmt: skip
    assert made["route"]["routes"] == [
        {"receiver": "oncall", **critical},
        {"receiver": "team", **critical},
        {"receiver": "lead", "matchers": ['name=~"prod-.*|orders"'], "group_by": ["alertname"], "group_wait": "30s", "group_interval": "5m"},
        {"receiver": "team", "group_by": ["alertname"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"},
    ]


def test_without_receivers_alerts_show_on_the_page() -> None:
    made = yaml.safe_load(configuration(load_texts({"r.yaml": "rules: [{alert: A, each: source, expr: m > 1}]"}, {}, unset_out=True)))
    assert made == {"route": {"receiver": "page"}, "receivers": [{"name": "page"}]}
