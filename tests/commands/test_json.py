"""`--json` of the commands prints the objects of the API: read here by the types the API's description is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

from site_under_test import TOKEN, Site

from watchdog.web.v1 import schemas


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    folder = tmp_path_factory.mktemp("json")
    with Site(folder, sources=2) as made:
        made.breaks(made.sources[0])
        made.until(lambda: made.told.messages)
        yield made, folder


@pytest.fixture
def command(site: tuple[Site, Path]) -> Callable[..., Any]:
    """What a command prints with `--json`, beside the running service."""
    streamkap, folder = site[0].streamkap, site[1]
    env = {"PATH": os.environ["PATH"], "STREAMKAP_HOST": streamkap.url, "STREAMKAP_CLIENT_ID": streamkap.client_id,
           "STREAMKAP_SECRET": streamkap.secret, "WATCHDOG_RULES": str(folder / "rules.yaml"),
           "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/watchdog.db", "WATCHDOG_WEB_TOKEN": TOKEN}  # fmt: skip

    def run(*words: str, code: int = 0, listen: str = site[0].url.removeprefix("http://")) -> Any:
        env["WATCHDOG_LISTEN"] = listen
        done = subprocess.run([sys.executable, "-m", "watchdog", *words, "--json"], env=env, cwd=folder, capture_output=True,
                              text=True, check=False)  # fmt: skip
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    return run


def read(value: Any, kind: Any) -> Any:
    """The value as this type; anything missing or of another kind fails. Nothing may be in it that the type lacks."""
    found = msgspec.convert(value, kind)
    assert msgspec.to_builtins(found).keys() == value.keys() if isinstance(value, dict) else True
    return found


def test_status_is_the_apis(site: tuple[Site, Path], command: Callable[..., Any]) -> None:
    printed = command("status", code=1)
    found = read(printed, schemas.Status)
    (episode,) = httpx.get(f"{site[0].url}/api/watchdog/v1/status").json()["firing"]
    assert printed["firing"][0].keys() == episode.keys()
    assert (found.firing[0].id, found.firing[0].alert) == (episode["id"], "SourceBehind")
    assert found.firing[0].current


def test_status_without_a_service_says_that_its_readings_are_old(command: Callable[..., Any]) -> None:
    assert not read(command("status", code=1, listen="127.0.0.1:1"), schemas.Status).firing[0].current


def test_poll_prints_entities_as_the_api_answers_them(site: tuple[Site, Path], command: Callable[..., Any]) -> None:
    printed = command("poll")["entities"]
    names = {read(one, schemas.Entity).name for one in printed}
    answered = httpx.get(f"{site[0].url}/api/watchdog/v1/entities?limit=1000").json()["items"]
    assert names == {one["name"] for one in answered if one["kind"] != "watchdog"}


def test_metrics_silences_and_the_story_of_an_alert(site: tuple[Site, Path], command: Callable[..., Any]) -> None:
    api = f"{site[0].url}/api/watchdog/v1"
    assert command("metrics", "recordsLag") == [httpx.get(f"{api}/metrics/recordsLag").json()]
    made = command("silence", "add", "alertname=X", "--for", "1h", "--author", "eva")
    assert read(made, schemas.Silence).state == "active"
    assert httpx.get(f"{api}/silences/{made['id']}").json() == made
    assert command("silence", "list") == [made]
    (over,) = command("silence", "expire", made["id"])
    assert (read(over, schemas.Silence).state, over["id"]) == ("expired", made["id"])
    story = command("explain", "SourceBehind", site[0].sources[0], code=1)
    assert [read(one, schemas.Episode).alert for one in story["episodes"]] == ["SourceBehind"]
    assert {read(one, schemas.Told).receiver for one in story["told"]} == {"team"}
    assert "began" in {read(one, schemas.Line).what for one in story["story"]}
    said = command("ack", "SourceBehind", site[0].sources[0], "--author", "eva")
    assert read(said, schemas.Episode).acknowledged.author == "eva"


def test_audit_is_the_apis(site: tuple[Site, Path], command: Callable[..., Any]) -> None:
    made = command("silence", "add", "alertname=X", "--for", "1h", "--author", "eva")
    command("silence", "expire", made["id"])
    printed = command("audit", "--action", "silence")
    first, last = (read(one, schemas.AuditEntry) for one in printed[-2:])
    assert (first.who, first.via, first.subject) == ("eva", "terminal", 'made: alertname="X"')
    assert last.subject == 'expired: alertname="X"'
    answered = httpx.get(f"{site[0].url}/api/watchdog/v1/audit?action=silence").json()["items"]
    assert answered[::-1] == printed


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """Also where the umask would let everybody read them."""
    (tmp_path / "rules.yaml").write_text("rules: [{alert: A, each: source, expr: recordsLag > 5}]\n")
    env = {"PATH": os.environ["PATH"], "STREAMKAP_HOST": "http://127.0.0.1:1", "STREAMKAP_TOKEN": "x", "WATCHDOG_LISTEN": "off",
           "WATCHDOG_RULES": "rules.yaml", "WATCHDOG_POLL_EVERY": "1s"}  # fmt: skip
    started = subprocess.Popen([sys.executable, "-m", "watchdog", "run", "--record", "polls.jsonl"], env=env, cwd=tmp_path,
                               stderr=subprocess.PIPE, umask=0, text=True)  # fmt: skip
    assert started.stderr is not None
    try:
        for line in started.stderr:
            if "poll judged" in line or ("poll" in line and "failed" in line):
                break
    finally:
        started.terminate()
        started.communicate(timeout=10)
    made = {one.name: oct(one.stat().st_mode & 0o777) for one in tmp_path.iterdir() if one.name != "rules.yaml"}
    assert {"watchdog.db", "polls.jsonl"} <= made.keys()
    assert set(made.values()) == {"0o600"}
