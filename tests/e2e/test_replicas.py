"""Two replicas on one PostgreSQL: one leads, the other shows what it writes, lets people act, and takes over."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

LAG = "StreamingMilliSecondsBehindSource"
TOKEN = "a-token-for-this-test"


def replica(running_in, folder: Path, postgresql: str, name: str, port: int, rules: str):
    folder.mkdir()
    made = running_in(folder)
    made.rules(rules)
    made.env = {
        "WATCHDOG_DATABASE_URL": postgresql,
        "WATCHDOG_LISTEN": f"127.0.0.1:{port}",
        "WATCHDOG_NAME": name,
        "WATCHDOG_WEB_TOKEN": TOKEN,
    }
    made.start()
    return made


def test_the_one_that_stands_by_has_pages_and_takes_over(
    tmp_path, postgresql, streamkap, running_in, free_ports, wait_until, rules_text
):
    source = streamkap.fleet.sources[0]
    one, other = free_ports
    signed = {"Authorization": f"Bearer {TOKEN}"}

    def asked(port: int, path: str, **how: object) -> httpx.Response | None:
        try:
            return httpx.request(str(how.pop("method", "GET")), f"http://127.0.0.1:{port}{path}", **how)
        except httpx.TransportError:
            return None

    def shows(port: int, path: str, what: str) -> bool:
        found = asked(port, path)
        return found is not None and what in found.text

    first = replica(running_in, tmp_path / "first", postgresql, "first", one, rules_text)
    wait_until(lambda: shows(one, "/readyz", "ok"))
    second = replica(running_in, tmp_path / "second", postgresql, "second", other, rules_text)
    wait_until(lambda: shows(other, "/healthz", "ok, standing by"))
    wait_until(lambda: shows(other, "/readyz", "ok"))
    streamkap.set(source.id, LAG, 900_000)
    wait_until(lambda: shows(other, "/", "Firing: 1 to look at"))
    page = asked(other, "/")
    assert page is not None
    assert "This replica stands by; first leads" in page.text
    assert "StreamingMilliSecondsBehindSource is 15m (&gt; 5m)" in re.sub("<[^>]*>", "", page.text)
    assert shows(other, "/rules", "Behind")
    alerts = asked(other, "/api/v2/alerts")
    assert alerts is not None
    assert [one["labels"]["alertname"] for one in alerts.json()] == ["Behind"]

    episode = page.text.split('href="/alerts/')[1].split('"')[0]
    acknowledged = asked(other, f"/alerts/{episode}/ack", method="POST", headers=signed, data={"author": "ann"})
    assert acknowledged is not None
    assert acknowledged.status_code == 303
    wait_until(lambda: shows(one, "/", "acknowledged by ann"), what="the leader has heard of it")

    first.kill()
    wait_until(lambda: not shows(other, "/healthz", "standing by") and shows(other, "/healthz", "ok"))
    wait_until(lambda: shows(other, "/", "acknowledged by ann") and not shows(other, "/", "stands by"))
    streamkap.set(source.id, LAG, 500)
    wait_until(lambda: shows(other, "/", "Nothing fires"))
    second.close()
