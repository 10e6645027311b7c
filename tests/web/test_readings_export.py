"""`/metrics/readings`: the last poll's readings as OpenMetrics, read by the real Prometheus."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from site_under_test import TOKEN, Site

from watchdog.configuration.export import export_selector
from watchdog.errors import SettingsError
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.presence import Presence
from watchdog.readings.snapshot import Column, Snapshot, SparseReadings
from watchdog.rules.selector import Selector
from watchdog.web.readings_export import MOST, TooManyError, exposition

ROOT = Path(__file__).parents[2]
SOURCE, TASK = EntityKey(Kind.SOURCE, "s1"), EntityKey(Kind.TASK, "s1/0")
FLEET = Presence.of([
    Entity(SOURCE, {"kind": "source", "name": 'a "quoted"\n\\ name', "tags": ("prod", "eu"), "tenant": ""}),
    Entity(TASK, {"kind": "task", "name": "orders/0", "task": "0"}, connector=SOURCE),
], 0.0).fleet  # fmt: skip


def _samples(
    readings: dict[EntityKey, dict[str, float | str]], where: str = "{}"
) -> dict[str, list[tuple[dict[str, str], float]]]:
    found = SparseReadings()
    for key, metrics in readings.items():
        for metric, value in metrics.items():
            found.put(key, metric, value, 60.0)
    selected = export_selector(where)
    assert selected is not None
    text = exposition(found.snapshot(60.0, FLEET), selected).decode()
    families = text_string_to_metric_families(text)
    return {
        sample.name: [(one.labels, one.value) for one in family.samples]
        for family in families
        for sample in family.samples
    }


def test_a_sample_has_the_labels_of_its_entity() -> None:
    assert _samples({SOURCE: {"recordsLag": 12.5}}) == {
        "streamkap_recordsLag": [
            ({"id": "s1", "kind": "source", "name": 'a "quoted"\n\\ name', "tags": "prod,eu"}, 12.5)
        ]
    }


def test_a_text_is_a_label() -> None:
    assert _samples({TASK: {"task_status": "FAILED"}}) == {
        "streamkap_task_status": [
            ({"id": "s1/0", "kind": "task", "name": "orders/0", "task": "0", "value": "FAILED"}, 1.0)
        ]
    }


def test_only_the_selected_and_only_what_was_read() -> None:
    readings: dict[EntityKey, dict[str, float | str]] = {
        SOURCE: {"recordsLag": 1.0},
        TASK: {"recordsLag": 2.0, "byteTotal": 7.0},
    }
    assert {name: len(found) for name, found in _samples(readings).items()} == {
        "streamkap_recordsLag": 2,
        "streamkap_byteTotal": 1,
    }
    assert list(_samples(readings, "{kind: source}")) == ["streamkap_recordsLag"]
    assert _samples(readings, "{name: nobody}") == {}


def test_names_are_made_fit_and_stay_apart() -> None:
    odd: dict[EntityKey, dict[str, float | str]] = {SOURCE: {'we"ird.name': 1.0, "we_ird_name": 2.0, "é": 3.0}}
    assert {name: found[0][1] for name, found in _samples(odd).items()} == {
        "streamkap_we_ird_name": 1.0,
        "streamkap__": 3.0,
    }


@pytest.mark.parametrize(("rows", "refused"), [(MOST, False), (MOST + 1, True)])
def test_more_samples_than_one_answer_may_have_are_refused(rows: int, refused: bool) -> None:
    fleet = Presence.of(
        [Entity(EntityKey(Kind.SOURCE, str(row)), {"kind": "source"}) for row in range(rows)], 0.0
    ).fleet
    snapshot = Snapshot(0.0, fleet, build=lambda kind, metric: Column(np.zeros(len(fleet.table(kind)))),
                        describe=lambda key: [], names=lambda kind: ["lag"] if kind is Kind.SOURCE else [])  # fmt: skip
    if refused:
        with pytest.raises(TooManyError):
            exposition(snapshot, Selector())
    else:
        assert exposition(snapshot, Selector()).count(b"streamkap_lag{") == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{knd: source}", "WATCHDOG_EXPORT: where: unknown label 'knd'; did you mean 'kind'"),
        ("source", "WATCHDOG_EXPORT: where: .*mapping.*write labels and patterns, e.g. {kind: source"),
        ("{kind: [}", "WATCHDOG_EXPORT: "),
    ],
)
def test_a_mistake_in_the_setting_says_what_is_accepted(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        export_selector(text)


@pytest.mark.parametrize("text", ["{kind: source}", '{"kind": ["source", "task"]}', "{}"])
def test_it_is_written_in_yaml_or_json(text: str) -> None:
    assert export_selector(text) is not None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), WATCHDOG_EXPORT="{}") as site:
        site.breaks(site.sources[0])
        yield site


@pytest.fixture(scope="module")
def scraped(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that scrapes the site as docs/grafana.md says."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    target = site.url.removeprefix("http://")
    jobs = [{"job_name": job, "metrics_path": path, "scrape_interval": "1s", "authorization": {"credentials": TOKEN},
             "static_configs": [{"targets": [target]}]} for job, path in (("watchdog", "/metrics"), ("streamkap", "/metrics/readings"))]  # fmt: skip
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/") as client,
    ):
        try:
            _until(lambda: len(_query(client, 'up{job="streamkap"} == 1')) == 1)
            yield client
        finally:
            process.kill()


def _query(client: httpx.Client, query: str) -> list[dict[str, object]]:
    try:
        answer = client.get("query", params={"query": query}).json()
    except httpx.HTTPError:
        return []
    assert answer["status"] == "success", answer
    found: list[dict[str, object]] = answer["data"]["result"]
    return found


def _until(true, timeout: float = 30.0) -> None:
    ends = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < ends, "Prometheus has not scraped it"
        time.sleep(0.1)


def test_promtool_reads_it(site: Site) -> None:
    """It also says that Streamkap's names are not written in snake_case, and nothing else."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    text = httpx.get(f"{site.url}/metrics/readings").text
    assert text.endswith("# EOF\n")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    said = {line.partition(" ")[2] for line in checked.stderr.splitlines()}
    assert said == {"metric names should be written in 'snake_case' not 'camelCase'"}


def test_prometheus_has_every_sample(site: Site, scraped: httpx.Client) -> None:
    text = httpx.get(f"{site.url}/metrics/readings").text
    written = sum(line.startswith("streamkap_") for line in text.splitlines())
    (counted,) = _query(scraped, 'count({__name__=~"streamkap_.*"})')
    assert int(counted["value"][1]) == written > 50  # type: ignore[index]


def test_every_query_of_the_dashboard_finds_something(scraped: httpx.Client) -> None:
    dashboard = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) == 8
    for query in queries:
        exists = re.sub(r'name=~"\$source"|state="firing"|value!="RUNNING"', "", query).replace("[5m]", "[30s]")
        _until(lambda exists=exists: bool(_query(scraped, exists)))


def test_without_the_setting_it_says_how(tmp_path: Path) -> None:
    with Site(tmp_path, sources=1) as site:
        answer = httpx.get(f"{site.url}/metrics/readings")
    assert (answer.status_code, answer.text) == (
        404, "no readings are exported; set WATCHDOG_EXPORT to whose, e.g. {kind: source}, or {} for all\n")  # fmt: skip
