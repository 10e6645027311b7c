"""The web from outside: probes, metrics as Prometheus' own tool reads them, pages with hostile names, who may do what."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

#: Set by the tests that need one.
TOKEN = "a-token-for-this-test"


def test_the_page_tells_what_fires_and_a_hostile_name_stays_text(web):
    client = web()
    page = client.get("/")
    assert page.status_code == 200
    assert "Firing: 1 to look at" in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "StreamingMilliSecondsBehindSource is 15m (&gt; 5m)" in re.sub("<[^>]+>", "", page.text), "marked, and whole"
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    link = page.text.split('href="/alerts/')[1].split('"')[0]
    episode = client.get(f"/alerts/{link}")
    story = re.sub("<[^>]+>", "", episode.text.partition('id="story"')[2])
    assert "Firing" in story and "StreamingMilliSecondsBehindSource is 15m" in story
    assert client.get("/alerts/none").status_code == 404
    assert client.get("/healthz").status_code == 200


def test_nothing_can_be_changed_without_a_token_being_set(web):
    client = web()
    assert client.post("/-/reload").status_code == 403


@pytest.mark.parametrize(
    ("why", "headers", "status"),
    [
        ("without a token", {}, 401),
        ("with a wrong one", {"Authorization": "Bearer nope"}, 401),
        ("with it", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("from another site's page", {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}, 403),
    ],
)
def test_a_change_needs_the_token(web, why, headers, status):
    client = web(WATCHDOG_WEB_TOKEN=TOKEN)
    assert client.post("/-/reload", headers=headers).status_code == status, why
    assert client.get("/-/reload", headers=headers).status_code == 405, "GET changes nothing"


@pytest.mark.system
def test_promtool_finds_nothing_wrong_with_the_metrics(web):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    client = web()
    metrics = client.get("/metrics")
    assert 'watchdog_alerts{alertname="Behind",severity="warning",state="firing"} 1.0' in metrics.text
    checked = subprocess.run([promtool, "check", "metrics"], input=metrics.text, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
