"""Receivers that refuse, are slow and come back, and a database that cannot be written, seen from outside."""

from __future__ import annotations

import resource
import subprocess
import sys

import httpx
import pytest
from sinks.http import HttpSink, Reply

LAG = "StreamingMilliSecondsBehindSource"


@pytest.fixture
def hook():
    """Make webhooks; each has a secret in its path."""
    made: list[HttpSink] = []

    def make(*script) -> HttpSink:
        made.append(HttpSink())
        made[-1].script(*script)
        return made[-1]

    yield make
    for sink in made:
        sink.stop()


def heard(sink: HttpSink) -> list[str]:
    return [request.json["title"].split(":")[0].split("]")[0].strip("[") for request in sink.received]


def test_every_beginning_has_its_end_wherever_it_was_accepted(
    running, streamkap, smtp_sink, hook, wait_until, rules_text
):
    team, busy, slow, gone = hook(), hook(Reply(500)), hook(Reply(429, b"", {"Retry-After": "2"})), hook()
    gone.behave(Reply(404, b"no such hook"))
    smtp_sink.refused["nobody@example.org"] = "550 5.1.1 No such user"
    smtp_sink.refused["later@example.org"] = "451 4.7.1 Greylisted"
    secret = {name: f"{name}-s3cret-path" for name in ("team", "busy", "slow", "gone")}
    running.env = {
        **smtp_sink.env(),
        **{name.upper(): f"json://{sink.url}/{secret[name]}"
           for name, sink in {"team": team, "busy": busy, "slow": slow, "gone": gone}.items()},
        "LOGIN": smtp_sink.url("ops@example.org", password="not-the-password"),
        "NOBODY": smtp_sink.url("nobody@example.org"),
        "LATER": smtp_sink.url("later@example.org"),
    }  # fmt: skip
    running.rules(
        rules_text
        + """
receivers:
  team: {to: ["${TEAM}"]}
  all: {to: ["${BUSY}", "${SLOW}", "${GONE}", "${LOGIN}", "${NOBODY}", "${LATER}"], fallback: team}
routes: [{to: [all], group_wait: 0s, group_interval: 0s}]
"""
    )
    name = streamkap.fleet.sources[0].name
    streamkap.set(name, LAG, 900_000)
    running.start()
    wait_until(lambda: len(busy.received) == len(slow.received) == 2 and team.received, what="the beginning")
    smtp_sink.refused.clear()
    streamkap.set(name, LAG, 500)
    wait_until(lambda: [heard(one)[-1:] for one in (team, busy, slow)] == [["RESOLVED"]] * 3, what="the end")
    wait_until(lambda: smtp_sink.mails, what="what was refused for now")
    running.terminate()
    assert heard(busy) == heard(slow) == ["FIRING", "FIRING", "RESOLVED"]  # the first was refused
    assert slow.received[1].at - slow.received[0].at >= 2
    assert heard(team) == ["FIRING", "RESOLVED"]
    assert "Sent because all refused it: " in team.received[0].json["message"]
    assert heard(gone) == ["FIRING"]
    subjects = [(mail.recipients, mail.message["Subject"].split()[0]) for mail in smtp_sink.mails]
    assert {recipients for recipients, _ in subjects} == {("later@example.org",)}
    assert [word for _, word in subjects] in (["[MISSED]"], ["[FIRING:1]", "[RESOLVED]"])
    kept = running.log.encode() + b"".join(one.read_bytes() for one in running.folder.glob("watchdog.db*"))
    for one in (*secret.values(), "not-the-password", smtp_sink.PASSWORD, streamkap.secret):
        assert one.encode() not in kept, one


@pytest.mark.parametrize("trouble", ["full", "removed"])
def test_while_the_database_cannot_be_written_nothing_new_is_told(
    running, streamkap, hook, free_ports, wait_until, rules_text, trouble
):
    team, beats = hook(), hook()
    address = f"127.0.0.1:{free_ports[0]}"
    running.env = {"WATCHDOG_LISTEN": address, "WATCHDOG_HEARTBEAT_URL": f"http://{beats.url}/beat",
                   "WATCHDOG_POLL_TIMEOUT": "1s"}  # fmt: skip
    running.rules(rules_text + f"receivers: {{team: {{to: ['json://{team.url}']}}}}\n"
                  "routes: [{to: [team], group_wait: 0s, group_interval: 0s}]\n")  # fmt: skip
    first, second, *_ = (source.name for source in streamkap.fleet.sources)
    streamkap.set(first, LAG, 900_000)
    running.start()
    wait_until(lambda: heard(team) == ["FIRING"] and beats.received)
    if trouble == "full":
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    else:
        for file in running.folder.glob("watchdog.db*"):
            file.unlink()
    wait_until(lambda: beats.received[-1].path == "/beat/fail", what="the heartbeat says so")
    streamkap.set(second, LAG, 900_000)
    wait_until(lambda: httpx.get(f"http://{address}/healthz").status_code == 503, what="the health falls")
    assert heard(team) == ["FIRING"]
    assert running.log.count("decisions cannot be saved") == 1
    if trouble == "full":
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        wait_until(lambda: heard(team) == ["FIRING"] * 2, what="it goes on where it stopped")
        wait_until(lambda: httpx.get(f"http://{address}/healthz").status_code == 200)
    assert running.terminate() < 5


def test_send_test_tells_what_each_target_answered(running, smtp_sink, hook, rules_text):
    fine, gone = hook(), hook(Reply(410, b"removed"))
    login = smtp_sink.url("ops@example.org", password="not-the-password")
    running.rules(rules_text + f"receivers: {{team: {{to: ['json://{fine.url}', 'json://{gone.url}', '{login}']}}}}\n"
                  "routes: [{to: [team]}]\n")  # fmt: skip
    env = {**smtp_sink.env(), "WATCHDOG_RULES": str(running.folder / "rules")}
    done = subprocess.run([sys.executable, "-m", "watchdog", "send-test", "team"], env=env, cwd=running.folder,
                          capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert done.returncode == 1
    *_, first, second, third = (row.strip() for row in done.stdout.splitlines())
    assert first.split() == ["json://127.0.0.1/…", "OK", "accepted"]
    assert second.split(maxsplit=2) == ["json://127.0.0.1/…", "FAIL", "answered 410 Gone: removed"]
    assert third.startswith("mailtos://127.0.0.1/…  FAIL  refused the login: 535")
    assert heard(fine) == ["TEST"]
    assert "not-the-password" not in done.stdout + done.stderr
