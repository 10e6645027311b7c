"""`watchdog init` makes a folder that works, and `watchdog doctor` says what it lacks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from sinks.http import HttpSink, Reply
from sinks.slack import SlackWorkspace

from watchdog.commands.init import init
from watchdog.errors import ConfigError
from watchdog.simulator import Simulator

ROOT = Path(__file__).parents[2]


def command(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "watchdog", *words], cwd=folder, env={"PATH": os.environ["PATH"], **env},
                          capture_output=True, text=True, check=False)  # fmt: skip


def test_an_empty_folder_gets_settings_rules_with_tests_and_a_compose_file(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "new" / "watchdog"
    assert init(folder) == 0
    assert {one.relative_to(folder / "rules") for one in (folder / "rules").rglob("*.yaml")} == {
        one.relative_to(ROOT / "rules") for one in (ROOT / "rules").rglob("*.yaml")
    }
    settings = (folder / "settings.env").read_text()
    (token,) = [line for line in settings.splitlines() if line.startswith("WATCHDOG_WEB_TOKEN=")]
    assert len(token.partition("=")[2]) == 32
    assert oct((folder / "settings.env").stat().st_mode & 0o777) == "0o600"
    assert "build:" not in (folder / "compose.yaml").read_text()
    assert "watchdog doctor" in capsys.readouterr().out
    assert command(folder, "test").returncode == 0


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"holds mine.txt already; name an empty folder or a new one"):
        init(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(done.stdout)["findings"]:
        found.setdefault(one["part"], []).append((one["state"], one["text"]))
    return found


def test_a_deployment_that_works_is_told_so(tmp_path: Path) -> None:
    init(tmp_path / "w")
    with Simulator(sources=2) as streamkap, socket.create_server(("127.0.0.1", 0)) as receiver:
        done = command(tmp_path / "w", "doctor", "--json", STREAMKAP_HOST=streamkap.url, STREAMKAP_CLIENT_ID=streamkap.client_id,
                       STREAMKAP_SECRET=streamkap.secret, SLACK_URL=f"json://127.0.0.1:{receiver.getsockname()[1]}/hook",
                       WATCHDOG_HEARTBEAT_URL=f"http://127.0.0.1:{receiver.getsockname()[1]}/ping/secret")  # fmt: skip
    assert done.returncode == 0, done.stdout
    found = findings(done)
    assert {part for part, lines in found.items() for state, _ in lines if state != "OK"} <= {"settings", "public URL"}
    assert {"API", "clock", "database", "disk", "rules", "receivers", "heartbeat"} <= found.keys()
    assert "secret" not in done.stdout


@pytest.mark.parametrize(
    ("env", "code", "part", "says"),
    [
        ({"STREAMKAP_HOST": "http://127.0.0.1:1"}, 3, "API", "no connection to port 1"),
        ({"STREAMKAP_HOST": "https://api.invalid"}, 3, "API", "the name 'api.invalid' is not known here; check DNS"),
        ({"WATCHDOG_POLL_EVERY": "soon"}, 2, "settings", "WATCHDOG_POLL_EVERY='soon' is not a duration"),
        ({"WATCHDOG_CA_FILE": "nowhere.pem"}, 2, "settings", "WATCHDOG_CA_FILE='nowhere.pem' cannot be read"),
        ({"WATCHDOG_CA_FILE": "compose.yaml"}, 2, "settings", "holds no certificate; write PEM"),
    ],
)
def test_what_does_not_work_is_named_with_its_remedy(
    tmp_path: Path, env: dict[str, str], code: int, part: str, says: str
) -> None:
    init(tmp_path / "w")
    done = command(tmp_path / "w", "doctor", "--json", **env)
    assert done.returncode == code
    assert any(state == "FAIL" and says in text for state, text in findings(done)[part])


def test_a_companys_certificates_are_trusted_beside_the_systems(tmp_path: Path) -> None:
    """In a process of its own, since they are trusted for good."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    code = (
        "import os, ssl, sys; from pathlib import Path; from watchdog.app.certificates import trust; "
        "before = len(ssl.create_default_context().get_ca_certs()); trust(Path(sys.argv[1])); import httpx, requests; "
        "own = [c for c in ssl.create_default_context().get_ca_certs() if 'trustme' in str(c)]; "
        "print(len(own), len([c for c in httpx.create_ssl_context().get_ca_certs() if 'trustme' in str(c)]), "
        "requests.Session().merge_environment_settings('https://a', {}, None, None, None)['verify'] == os.environ['SSL_CERT_FILE'], "
        "len(ssl.create_default_context().get_ca_certs()) > 50)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ca.pem")], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout.split() == ["1", "1", "True", "True"], done.stderr


@pytest.mark.parametrize(
    ("status", "app_token_fits", "code", "pagerduty", "slack"),
    [
        (200, True, 0, ("OK", "answers to PAGERDUTY_API_TOKEN"), ("OK", "gives a connection")),
        (401, True, 2, ("FAIL", "answered 401 Unauthorized; check PAGERDUTY_API_TOKEN"), ("OK", "gives a connection")),
        (200, False, 2, ("OK", "answers"), ("FAIL", "Slack answered invalid_auth; SLACK_APP_TOKEN needs the scope")),
        (503, True, 3, ("FAIL", "answered 503 Service Unavailable"), ("OK", "gives a connection")),
    ],
)
def test_the_tokens_of_pagerduty_and_slack_are_tried(
    tmp_path: Path, slack_workspace: SlackWorkspace, status: int, app_token_fits: bool, code: int,
    pagerduty: tuple[str, str], slack: tuple[str, str],
) -> None:  # fmt: skip
    init(tmp_path / "w")
    if not app_token_fits:
        slack_workspace.script(Reply(200, b'{"ok":false,"error":"invalid_auth"}'))
    api = HttpSink(Reply(status, b'{"incidents":[]}'))
    with Simulator(sources=2) as streamkap:
        done = command(tmp_path / "w", "doctor", "--json", STREAMKAP_HOST=streamkap.url, STREAMKAP_CLIENT_ID=streamkap.client_id,
                       STREAMKAP_SECRET=streamkap.secret, PAGERDUTY_API_URL=f"http://{api.url}", PAGERDUTY_API_TOKEN="a-secret-token",
                       SLACK_APP_TOKEN="xapp-a-secret-token", **slack_workspace.env())  # fmt: skip
    api.stop()
    assert done.returncode == code, done.stdout
    found = findings(done)
    for part, (state, says) in (("PagerDuty", pagerduty), ("Slack", slack)):
        ((was, text),) = found[part]
        assert (was, says in text) == (state, True), text
    assert "a-secret-token" not in done.stdout + done.stderr
