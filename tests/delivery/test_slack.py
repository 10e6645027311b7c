"""Slack: the exact blocks that leave, and that none of them mentions anybody."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks.http import Reply

from watchdog.delivery.slack import attachment
from watchdog.delivery.targets import open_target
from watchdog.errors import DeliveryError
from watchdog.notify.message import MessageKind


@pytest.fixture
def slack(tls_sinks):
    return open_target("team", "${SLACK_URL}", tls_sinks.SLACK_URL)


def plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def test_a_beginning_is_a_few_coloured_blocks(tls_sinks, slack, message):
    slack.send(message(cause="oncall cannot be reached"))
    (request,) = tls_sinks.received
    assert request.host == "hooks.slack.com"
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    links = (
        "<https://runbooks.example.org/lag|Runbook> · <https://app.streamkap.com/sources/65a1|Streamkap> · "
        "<https://watchdog.example.org/alerts/e1|Alert page>"
    )
    silence = "To silence: watchdog silence add alertname=SourceBehind id=65a1 --for 2h --comment why"
    assert request.json == {
        "attachments": [
            {
                "color": "#c9252d",
                "fallback": "[FIRING:1] SourceBehind: source/prod-orders",
                "blocks": [
                    {"type": "header", "text": plain("[FIRING:1] SourceBehind: source/prod-orders")},
                    {"type": "context", "elements": [plain("+1 new · Sent because oncall cannot be reached")]},
                    {
                        "type": "section",
                        "text": plain(
                            "prod-orders is 12m4s behind\nNothing has been read since noon.\n"
                            "Why: StreamingMilliSecondsBehindSource is 12m4s (&gt; 5m)"
                        ),
                    },
                    {
                        "type": "section",
                        "fields": [
                            plain("Where\nsource/prod-orders"),
                            plain("Severity\ncritical"),
                            plain("Value\n12m4s (limit 5m)"),
                            plain("Since\n2023-11-14 22:13:20 UTC (12m4s)"),
                        ],
                    },
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": links, "verbatim": True}]},
                    {"type": "context", "elements": [plain("To acknowledge: watchdog ack SourceBehind 65a1")]},
                    {"type": "context", "elements": [plain(silence)]},
                    {"type": "context", "elements": [plain("Sent by watchdog on node-1 · 2023-11-14 22:25:24 UTC")]},
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    ("kind", "severity", "colour"),
    [
        (MessageKind.FIRING, "critical", "#c9252d"),
        (MessageKind.FIRING, "warning", "#e8912d"),
        (MessageKind.REMINDER, "info", "#2d72c9"),
        (MessageKind.RESOLVED, "critical", "#2e9e5b"),
        (MessageKind.MISSED, "critical", "#2e9e5b"),
    ],
)
def test_colour_tells_severity(message, kind, severity, colour):
    assert attachment(message(kind, line={"severity": severity}))["color"] == colour


EVIL = [
    "<!channel>", "<!here|here>", "<!everyone>", "<@U123ABC>", "<#C123|general>", "<!subteam^S1>", "@here", "@channel",
    "@everyone", "‹!channel›", "‹@U123›", "&lt;!channel&gt;", "<https://evil.example|click>", "*bold* _it_ ~no~",
    "`<!channel>`", "```\n<!here>\n```", "[x](<!channel>)", "\\<!channel\\>", "\u202e<!channel>\u0000",
    "<mailto:a@b|c>",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_nobody_is_mentioned_by_accident(tls_sinks, slack, message, evil):
    dirty = dict.fromkeys(("alertname", "entity", "summary", "description", "reason", "value", "note"), evil)
    dirty |= {"runbook_url": f"https://x.example/{evil}", "entity_url": "https://x.example/a|b<!channel>"}
    slack.send(message(line=dirty, title=evil, headline=evil, cause=evil, silence_hint=evil, instance=evil))
    sent = tls_sinks.received[0].body.decode()
    assert no_markup_but_links(json.loads(sent)["attachments"][0])
    assert not re.search(r"<[!@#]", sent)
    assert not re.search(r"@(here|channel|everyone)\b", sent)
    assert "\\u0000" not in sent


def no_markup_but_links(node) -> bool:
    """Every text is plain, or markup that holds links of ours alone."""
    if isinstance(node, list):
        return all(map(no_markup_but_links, node))
    if not isinstance(node, dict):
        return True
    if node.get("type") == "mrkdwn":
        assert node["verbatim"] is True
        link = r"<https?://[^<>|\s]+\|(Runbook|Streamkap|Alert page|page)>"
        assert re.fullmatch(f"{link}( · {link})*", node["text"])
    if node.get("type") == "plain_text":
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", node["text"])
        assert node["emoji"] is False
    return all(map(no_markup_but_links, node.values()))


@given(st.text(max_size=400), st.sampled_from([1, 10]))
def test_any_text_fits_slacks_limits(text, times):
    from watchdog.notify.message import Line, Message

    line = Line(text, "critical", text, "firing", text * times, text * times, text, text, note=text)
    shown = attachment(
        Message("1", MessageKind.FIRING, "r", text, text, (line,) * times, (line,) * 10, 3, 1, text, text, at=1.0)
    )
    assert no_markup_but_links(shown)
    assert len(shown["blocks"]) <= 50
    for block in shown["blocks"]:
        for limit, part in [
            *([(150 if block["type"] == "header" else 3000, block["text"])] if "text" in block else []),
            *((2000, part) for part in [*block.get("fields", ()), *block.get("elements", ())]),
        ]:
            assert 1 <= len(part["text"]) <= limit
        assert len(block.get("fields", ())) <= 10
        assert len(block.get("elements", ())) <= 10


def test_letters_that_count_twice_and_endless_links_fit_too(message):
    long = {"summary": "🔴" * 4000, "entity": "🔴" * 300, "runbook_url": "https://wiki.example.org/" + "x" * 4000}
    blocks = attachment(message(title="🔴" * 400, line=long))["blocks"]
    texts = [(150, blocks[0]["text"]), (3000, blocks[2]["text"]), (2000, blocks[3]["fields"][0])]
    assert all(len(text["text"].encode("utf-16-le")) // 2 <= limit for limit, text in texts)
    assert "wiki.example.org" not in json.dumps(blocks)


def test_ten_alerts_are_no_wall(message, line):
    changed = tuple(line(entity=f"source/s{n}", description=f"long {n} " * 500) for n in range(10))
    shown = attachment(message(changed=changed, more=3))
    assert len(shown["blocks"]) <= 30
    assert max(len(block["text"]["text"]) for block in shown["blocks"] if "text" in block) <= 700
    assert "and 3 more not listed here" in json.dumps(shown)


def test_a_url_as_slack_shows_it_works_too(tls_sinks, message):
    target = open_target("team", "t", "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    assert target.target.kind == "slack"
    target.send(message())
    assert tls_sinks.received[0].json["attachments"][0]["blocks"][0]["type"] == "header"


def test_a_bot_posts_to_its_channel(tls_sinks, message):
    open_target("team", "t", tls_sinks.SLACK_BOT_URL).send(message())
    (request,) = tls_sinks.received
    assert (request.host, request.path) == ("slack.com", "/api/chat.postMessage")
    assert request.json["channel"] == "#alerts"
    assert request.json["attachments"][0]["color"] == "#c9252d"


@pytest.mark.parametrize(
    ("bot", "reply", "permanent", "says"),
    [
        (False, Reply(404, b"no_service"), True, "404 Not Found: no_service"),
        (False, Reply(403, b"invalid_token"), True, "invalid_token"),
        (False, Reply(200, b"<html>captive portal</html>"), False, "answered 200 OK: <html>captive portal"),
        (False, Reply(429, b"", {"Retry-After": "2"}), False, "429"),
        (True, Reply(200, b'{"ok":false,"error":"channel_not_found"}'), True, "channel_not_found"),
        (True, Reply(200, b'{"ok":false,"error":"invalid_auth OK"}'), True, "invalid_auth OK"),
        (True, Reply(200, b'{"ok":false,"error":"ratelimited"}'), False, "ratelimited"),
        (True, Reply(200, b'{"ok":false,"error":"internal_error"}'), False, "internal_error"),
    ],
)
def test_a_refusal_says_whether_it_can_pass(tls_sinks, message, bot, reply, permanent, says):
    tls_sinks.script(reply)
    with pytest.raises(DeliveryError) as caught:
        open_target("team", "t", tls_sinks.SLACK_BOT_URL if bot else tls_sinks.SLACK_URL).send(message())
    assert (caught.value.permanent, caught.value.unknown) == (permanent, False), str(caught.value)
    assert says in str(caught.value)
    assert str(caught.value).startswith("slack://…: ")


def test_who_took_a_message_is_not_sent_it_again(tls_sinks, message):
    """Two channels in one URL; the second refuses once."""
    target = open_target("team", "t", "slack://xoxb-1234-1234-abc124/#first/#second")
    fine = Reply(200, b'{"ok":true,"channel":"C1","ts":"1.1"}')
    tls_sinks.script(fine, Reply(503))
    with pytest.raises(DeliveryError):
        target.send(message())
    target.send(message())
    assert [request.json["channel"] for request in tls_sinks.received] == ["#first", "#second", "#second"]
    target.send(message(id="8"))
    assert len(tls_sinks.received) == 5


def test_a_report_stands_in_columns_and_mentions_nobody(message):
    lines = "\n".join(f"{'Rule ``` <!channel> @here & so on':<40}{number:>9}" for number in range(100))
    made = attachment(message(kind=MessageKind.REPORT, changed=(), report_text=lines))
    blocks = [one["text"]["text"] for one in made["blocks"] if one["type"] == "section"]
    assert len(blocks) > 1
    assert all(len(one) <= 3000 and one.startswith("```") and one.endswith("```") for one in blocks)
    whole = "".join(one.strip("`") for one in blocks)
    assert "```" not in whole
    assert "<!channel>" not in whole
    assert "@here" not in whole
    assert sum(one.count("Rule ") for one in blocks) == 100
