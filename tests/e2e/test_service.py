"""The service from outside: a real process, a real API over HTTP, real Slack, PagerDuty and SMTP over sockets."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from sinks.http import HttpSink, Reply, hang

from watchdog.simulator import Dialect, Shape

WEBHOOK = """
receivers: {{hook: {{to: ["{url}"]}}}}
routes: [{{to: [hook], group_wait: 0s, group_interval: 0s}}]
"""


def webhook_url(sink: HttpSink) -> str:
    return f"json://127.0.0.1:{sink.port}/hook"


def kinds(sink: HttpSink) -> list[str]:
    """What a webhook heard, by the first word of each title."""
    return [request.json["title"].split(":")[0].split("]")[0].strip("[") for request in sink.received]


def test_one_breach_makes_one_message_per_target_and_its_end_one_more(
    running, streamkap, tls_sinks, smtp_sink, webhook_sink, wait_until, rules_text
):
    running.env = {**tls_sinks.env(), **smtp_sink.env(), "PD": tls_sinks.PAGERDUTY_URL, "SLACK": tls_sinks.SLACK_URL,
                   "MAIL": smtp_sink.url("team@example.org"), "HOOK": webhook_url(webhook_sink)}  # fmt: skip
    running.rules(
        rules_text
        + """
receivers: {all: {to: ["${PD}", "${SLACK}", "${MAIL}", "${HOOK}"]}}
routes: [{to: [all], group_wait: 0s, group_interval: 0s}]
"""
    )
    running.start()
    wait_until(lambda: "poll judged" in running.log)
    name = streamkap.fleet.sources[0].name
    streamkap.set(name, "StreamingMilliSecondsBehindSource", 900_000)
    wait_until(lambda: len(webhook_sink.received) == 1 and len(tls_sinks.received) == 2, what="the beginning")
    streamkap.set(name, "StreamingMilliSecondsBehindSource", 500)
    wait_until(lambda: len(webhook_sink.received) == 2 and len(tls_sinks.received) == 4, what="the end")
    running.terminate()
    pagerduty = [request.json for request in tls_sinks.to("events.pagerduty.com")]
    assert [event["event_action"] for event in pagerduty] == ["trigger", "resolve"]
    assert len({event["dedup_key"] for event in pagerduty}) == 1
    slack = [json.dumps(request.json) for request in tls_sinks.to("hooks.slack.com")]
    assert ["[FIRING:1]" in slack[0], "[RESOLVED]" in slack[1]] == [True, True]
    subjects = [mail.message["Subject"] for mail in smtp_sink.wait(2)]
    assert ["FIRING" in subjects[0], "RESOLVED" in subjects[1], len(subjects)] == [True, True, 2]
    assert kinds(webhook_sink) == ["FIRING", "RESOLVED"]
    for secret in (tls_sinks.SLACK_URL, tls_sinks.PAGERDUTY_URL, streamkap.secret):
        assert secret not in running.log
        assert secret.encode() not in (running.folder / "watchdog.db").read_bytes()


@pytest.mark.parametrize("shape", get_args(Shape))
def test_every_shape_of_the_answer_gives_the_same_alert(
    running, streamkap, webhook_sink, wait_until, rules_text, shape
):
    streamkap.dialect = Dialect(shape=shape)
    running.rules(rules_text + WEBHOOK.format(url=webhook_url(webhook_sink)))
    streamkap.set(streamkap.fleet.sources[1].name, "StreamingMilliSecondsBehindSource", 900_000)
    running.start()
    wait_until(lambda: webhook_sink.received, what=f"the beginning in shape {shape}: {running.folder}")
    assert streamkap.fleet.sources[1].name in webhook_sink.received[0].json["title"]
    running.terminate()
    assert kinds(webhook_sink) == ["FIRING"]


def test_an_outage_of_the_api_opens_and_closes_nothing_but_its_own_alert(
    running, streamkap, webhook_sink, wait_until, rules_text
):
    running.rules(rules_text + WEBHOOK.format(url=webhook_url(webhook_sink)))
    streamkap.set(streamkap.fleet.sources[0].name, "StreamingMilliSecondsBehindSource", 900_000)
    running.start()
    wait_until(lambda: len(webhook_sink.received) == 1)
    fault = streamkap.fail("*", 503)
    wait_until(lambda: len(webhook_sink.received) == 2)
    streamkap.set(streamkap.fleet.sources[0].name, "StreamingMilliSecondsBehindSource", 500)
    streamkap.set(streamkap.fleet.sources[1].name, "StreamingMilliSecondsBehindSource", 900_000)
    asked = len(streamkap.requests)
    wait_until(lambda: len(streamkap.requests) > asked + 6)
    titles = [request.json["title"] for request in webhook_sink.received]
    assert [("ApiUnreachable" in title) for title in titles] == [False, True]
    streamkap.faults.remove(fault)
    wait_until(lambda: len(webhook_sink.received) >= 4, what="everything that the outage had hidden")
    running.terminate()
    assert sorted(kinds(webhook_sink)) == ["FIRING"] * 3 + ["RESOLVED"]
    after = {request.json["title"].split("]")[1]: request.json["message"] for request in webhook_sink.received[2:]}
    assert any("+1 new, 1 resolved" in text for text in after.values()), after


def test_sigterm_ends_it_within_five_seconds_while_a_target_hangs(
    running, streamkap, webhook_sink, wait_until, rules_text
):
    webhook_sink.behave(hang)
    running.rules(rules_text + WEBHOOK.format(url=webhook_url(webhook_sink)))
    streamkap.set(streamkap.fleet.sources[0].name, "StreamingMilliSecondsBehindSource", 900_000)
    running.start()
    wait_until(lambda: webhook_sink.received)
    assert running.terminate() < 5.0
    assert running.process.returncode == 0


def test_sigterm_while_its_parts_are_loaded_ends_it_in_order(running, wait_until, rules_text):
    running.rules(rules_text)
    running.start()
    status = Path(f"/proc/{running.process.pid}/status")

    def listens() -> bool:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    wait_until(listens)
    assert "poll judged" not in running.log, "it listens long before it works"
    assert running.terminate() < 5.0
    assert running.process.returncode == 0


def test_a_recording_that_cannot_be_written_does_not_end_the_watching(running, wait_until, rules_text):
    running.rules(rules_text)
    running.start("--record", "/dev/full")
    wait_until(lambda: running.log.count("poll not recorded") == 1 and "poll judged" in running.log)
    assert running.terminate() < 5.0
    assert running.process.returncode == 0, running.log


def test_a_target_that_hangs_delays_no_other(running, streamkap, webhook_sink, wait_until, rules_text):
    stuck = HttpSink()
    stuck.behave(hang)
    try:
        running.rules(
            rules_text
            + f"receivers: {{both: {{to: ['{webhook_url(stuck)}', '{webhook_url(webhook_sink)}']}}}}\n"
            + "routes: [{to: [both], group_wait: 0s, group_interval: 0s}]\n"
        )
        name = streamkap.fleet.sources[0].name
        streamkap.set(name, "StreamingMilliSecondsBehindSource", 900_000)
        running.start()
        wait_until(lambda: len(webhook_sink.received) == 1 and stuck.received, timeout=10)
        streamkap.set(name, "StreamingMilliSecondsBehindSource", 500)
        wait_until(lambda: len(webhook_sink.received) == 2, timeout=10)
    finally:
        stuck.stop()


def test_a_second_service_on_the_same_database_ends_at_once_naming_the_first(running, wait_until, rules_text):
    running.rules(rules_text)
    running.start()
    wait_until(lambda: "poll judged" in running.log)
    first = running.process
    running.start()
    assert running.process.wait(10) == 3
    assert str(first.pid) in running.log
    running.process = first


def test_an_edit_of_the_rules_is_used_and_a_broken_one_changes_nothing(
    running, streamkap, webhook_sink, wait_until, rules_text
):
    routing = WEBHOOK.format(url=webhook_url(webhook_sink))
    running.rules(rules_text + routing)
    running.start()
    wait_until(lambda: "poll judged" in running.log)
    running.rules(rules_text.replace("> 5m", "> 5 minutes") + routing)
    wait_until(lambda: "rules on disk are invalid" in running.log)
    running.rules(rules_text.replace("> 5m", "> 100ms") + routing)
    wait_until(lambda: len(webhook_sink.received) == 1, what="the edited limit fires")
    assert "[FIRING:4]" in webhook_sink.received[0].json["title"]


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_instant_no_beginning_and_no_end_is_lost(
    running, streamkap, webhook_sink, wait_until, rules_text, seed
):
    """How often something is said twice is counted and told: `pytest -rP` shows it."""
    chance = random.Random(seed)
    running.rules(rules_text + WEBHOOK.format(url=webhook_url(webhook_sink)))
    name = streamkap.fleet.sources[0].name
    webhook_sink.behave(Reply())
    for lag, heard in ((900_000, "FIRING"), (500, "RESOLVED")):
        streamkap.set(name, "StreamingMilliSecondsBehindSource", lag)
        for _ in range(2):
            running.start()
            asked = len(streamkap.requests) + chance.randrange(2, 16)
            wait_until(lambda asked=asked: len(streamkap.requests) >= asked)
            running.kill()
        running.start()
        wait_until(lambda heard=heard: heard in kinds(webhook_sink), what=f"{heard} was lost: {running.log[-2000:]}")
        running.terminate()
    counted = Counter(kinds(webhook_sink))
    print(f"seed {seed}: said {dict(counted)}; more than 1 was said twice")
    assert set(counted) == {"FIRING", "RESOLVED"}
    assert kinds(webhook_sink).index("FIRING") < kinds(webhook_sink).index("RESOLVED")
