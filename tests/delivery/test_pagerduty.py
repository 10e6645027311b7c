"""PagerDuty: the exact events that leave."""

from __future__ import annotations

import json

import pytest
from sinks.http import Reply, hang

from watchdog.delivery.targets import open_target
from watchdog.errors import DeliveryError
from watchdog.notify.message import MessageKind


@pytest.fixture
def pagerduty(tls_sinks):
    return open_target("oncall", "${PAGERDUTY_URL}", tls_sinks.PAGERDUTY_URL)


def test_a_beginning_is_a_trigger_with_everything_somebody_woken_wants(tls_sinks, pagerduty, message):
    pagerduty.send(message())
    (request,) = tls_sinks.received
    assert (request.host, request.method, request.path) == ("events.pagerduty.com", "POST", "/v2/enqueue")
    assert request.json == {
        "routing_key": "routingkey0123456789",
        "event_action": "trigger",
        "dedup_key": "wd-0123",
        "client": "watchdog",
        "links": [{"href": "https://watchdog.example.org/alerts/e1"}],
        "payload": {
            "summary": "SourceBehind on source/prod-orders: prod-orders is 12m4s behind",
            "severity": "critical",
            "source": "source/prod-orders",
            "component": "streamkap",
            "class": "SourceBehind",
            "custom_details": {
                "rule": "SourceBehind",
                "where": "source/prod-orders",
                "description": "Nothing has been read since noon.",
                "why": "StreamingMilliSecondsBehindSource is 12m4s (> 5m)",
                "value": "12m4s (limit 5m)",
                "since": "2023-11-14 22:13:20 UTC (12m4s)",
                "runbook": "https://runbooks.example.org/lag",
                "streamkap": "https://app.streamkap.com/sources/65a1",
                "alert page": "https://watchdog.example.org/alerts/e1",
                "labels": "alertname=SourceBehind, id=65a1, kind=source, severity=critical, tags=eu,prod",
                "what changed": "+1 new",
                "to acknowledge": "watchdog ack SourceBehind 65a1",
                "to silence": "watchdog silence add alertname=SourceBehind id=65a1 --for 2h --comment why",
                "sent by": "watchdog on node-1",
            },
        },
    }


@pytest.mark.parametrize("kind", [MessageKind.RESOLVED, MessageKind.MISSED])
def test_what_is_over_resolves_and_never_pages(tls_sinks, pagerduty, message, kind):
    phase = "resolved" if kind is MessageKind.RESOLVED else "missed"
    pagerduty.send(message(kind, line={"phase": phase, "ended": 1_700_000_724.0}))
    assert tls_sinks.received[0].json == {
        "routing_key": "routingkey0123456789",
        "event_action": "resolve",
        "dedup_key": "wd-0123",
    }


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
@pytest.mark.parametrize(
    "kind", [MessageKind.FIRING, MessageKind.REMINDER, MessageKind.UPDATE, MessageKind.ESCALATION, MessageKind.TEST]
)
def test_what_is_not_over_triggers_with_the_same_key(tls_sinks, pagerduty, message, kind, severity):
    pagerduty.send(message(kind, line={"severity": severity}))
    event = tls_sinks.received[0].json
    assert (event["event_action"], event["dedup_key"]) == ("trigger", "wd-0123")
    assert event["payload"]["severity"] == severity


def test_one_incident_for_many_alerts_names_them_and_is_as_severe_as_the_worst(tls_sinks, pagerduty, message, line):
    lines = tuple(line(entity=f"source/s{n}", severity="info" if n else "critical") for n in range(10))
    pagerduty.send(message(changed=lines, more=4, silenced=2, title="[FIRING:14] SourceBehind: …", headline="+14 new"))
    payload = tls_sinks.received[0].json["payload"]
    assert payload["summary"] == "SourceBehind: …: +14 new"
    assert payload["severity"] == "critical"
    assert payload["source"] == "14 entities"
    assert payload["custom_details"]["10"].startswith("SourceBehind (info) on source/s9 · prod-orders is")
    assert payload["custom_details"]["description"] == "Nothing has been read since noon."
    assert payload["custom_details"]["also"] == "and 4 more not listed here, 2 of them silenced or suppressed"


def test_a_summary_is_cut_at_a_word_and_fits(tls_sinks, pagerduty, message):
    pagerduty.send(message(line={"summary": "lag rises " * 500}))
    summary = tls_sinks.received[0].json["payload"]["summary"]
    assert 1000 < len(summary) <= 1024
    assert summary.endswith(("lag…", "rises…"))


def test_what_the_url_fixes_stays(tls_sinks, message):
    url = f"{tls_sinks.PAGERDUTY_URL}/kafka/cluster-1?severity=warning&group=data&class=pipeline&region=eu&+team=blue"
    open_target("oncall", "t", url).send(message())
    (request,) = tls_sinks.received
    payload = request.json["payload"]
    assert request.host == "events.eu.pagerduty.com"
    assert (payload["severity"], payload["group"], payload["class"]) == ("warning", "data", "pipeline")
    assert (payload["source"], payload["component"]) == ("kafka", "cluster-1")
    assert payload["custom_details"]["team"] == "blue"


@pytest.mark.parametrize(
    ("reply", "permanent", "retry_after"),
    [
        (Reply(400, b'{"status":"invalid event","errors":["routingkey0123456789 is no key"]}'), True, None),
        (Reply(429, b"", {"Retry-After": "30"}), False, 30.0),
        (Reply(500, b""), False, None),
    ],
)
def test_a_refusal_is_told_without_the_key(tls_sinks, pagerduty, message, reply, permanent, retry_after):
    tls_sinks.script(reply)
    with pytest.raises(DeliveryError) as caught:
        pagerduty.send(message())
    assert (caught.value.permanent, caught.value.unknown) == (permanent, False)
    assert caught.value.retry_after == retry_after
    assert str(caught.value).startswith(f"pagerduty://…: answered {reply.status}")
    assert "routingkey" not in str(caught.value)
    assert "apikey" not in str(caught.value)


def test_silence_after_the_event_left_is_unknown_and_a_repeat_carries_the_same_bytes(tls_sinks, message):
    pagerduty = open_target("oncall", "t", f"{tls_sinks.PAGERDUTY_URL}?rto=0.3")
    tls_sinks.script(hang)
    with pytest.raises(DeliveryError) as caught:
        pagerduty.send(message())
    assert (caught.value.permanent, caught.value.unknown) == (False, True)
    pagerduty.send(message())
    first, second = tls_sinks.received
    assert first.body == second.body
    assert json.loads(second.body)["event_action"] == "trigger"
