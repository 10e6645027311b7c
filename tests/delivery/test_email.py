"""Email: a real server with STARTTLS and a login."""

from __future__ import annotations

import socket

import pytest

from watchdog.delivery.png import png_of
from watchdog.delivery.targets import open_target
from watchdog.errors import DeliveryError
from watchdog.notify.message import MessageKind

CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="120" aria-label="lag over time: last 12m">'
    '<polyline points="0,100 600,10" fill="none" stroke="#c00"/><text x="10" y="20" font-size="12">lag</text></svg>'
)


def sent(smtp_sink, message, *to: str, **url: str):
    open_target("team", "t", smtp_sink.url(*(to or ("ops@example.com",)), **url)).send(message)
    return smtp_sink.mails[-1].message


def test_a_message_has_text_html_and_a_chart_inside(smtp_sink, message):
    mail = sent(smtp_sink, message(chart_svg=CHART))
    assert smtp_sink.mails[0].recipients == ("ops@example.com",)
    assert mail["Subject"] == "[FIRING:1] SourceBehind: source/prod-orders"
    assert mail["From"] == "watchdog@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    parts = [
        (part.get_content_type(), part.get_content_disposition()) for part in mail.walk() if not part.is_multipart()
    ]
    assert parts == [("text/plain", None), ("text/html", None), ("image/png", "inline")]
    text, html, picture = (part for part in mail.walk() if not part.is_multipart())
    assert picture["Content-ID"] == "<chart.png>"
    assert picture.get_payload(decode=True) == png_of(CHART)
    assert '<img src="cid:chart.png"' in html.get_content()
    assert '<a href="https://runbooks.example.org/lag">' in html.get_content()
    assert text.get_content().splitlines() == [
        "[FIRING:1] SourceBehind: source/prod-orders",
        "",
        "+1 new",
        "",
        "🔴 SourceBehind (critical) on source/prod-orders",
        "prod-orders is 12m4s behind",
        "Nothing has been read since noon.",
        "Why: StreamingMilliSecondsBehindSource is 12m4s (> 5m)",
        "Value: 12m4s (limit 5m)",
        "Since: 2023-11-14 22:13:20 UTC (12m4s)",
        "Runbook: https://runbooks.example.org/lag",
        "Streamkap: https://app.streamkap.com/sources/65a1",
        "Alert page: https://watchdog.example.org/alerts/e1",
        "",
        "lag over time: last 12m",
        "",
        "To acknowledge: watchdog ack SourceBehind 65a1",
        "To silence: watchdog silence add alertname=SourceBehind id=65a1 --for 2h --comment why",
        "",
        "Sent by watchdog on node-1 · 2023-11-14 22:25:24 UTC",
    ]


def test_a_chart_that_cannot_be_drawn_is_left_out(smtp_sink, message):
    mail = sent(smtp_sink, message(chart_svg="<svg"))
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "<img" not in mail.get_body(("html",)).get_content()


def test_text_alone_where_the_url_asks_for_it(smtp_sink, message):
    mail = sent(smtp_sink, message(chart_svg=CHART), format="text")
    assert mail.get_content_type() == "text/plain"
    assert "prod-orders is 12m4s behind" in mail.get_content()


def test_one_episode_is_one_thread(smtp_sink, message):
    begin = sent(smtp_sink, message())
    end = sent(smtp_sink, message(MessageKind.RESOLVED, id="8", title="[RESOLVED] x", line={"phase": "resolved"}))
    other = sent(smtp_sink, message(id="9", threads=("episode-2",)))
    assert begin["References"] == begin["In-Reply-To"] == end["References"]
    assert other["References"] != begin["References"]
    assert begin.get_all("References") == [begin["References"]]
    assert begin["References"].startswith("<watchdog-")
    assert begin["References"].endswith("@example.org>")
    assert len({mail["Message-ID"] for mail in (begin, end, other)}) == 3


def test_no_text_becomes_a_header_or_markup(smtp_sink, message):
    evil = "x\r\nBcc: thief@example.com\r\n\r\n<script>alert(1)</script>\x00\u2028Cc: y@example.com"
    dirty = dict.fromkeys(("alertname", "entity", "summary", "reason", "runbook_url"), evil)
    mail = sent(smtp_sink, message(title=evil, headline=evil, cause=evil, threads=(evil,), instance=evil, line=dirty))
    assert smtp_sink.mails[0].recipients == ("ops@example.com",)
    assert mail["Bcc"] is None
    assert mail["Cc"] is None
    assert mail["Subject"].startswith("x Bcc: thief@example.com <script>")
    html = mail.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "\x00" not in html


def failure(smtp_sink, message, url=None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        open_target("team", "t", url or smtp_sink.url("ops@example.com")).send(message)
    assert smtp_sink.PASSWORD not in str(caught.value)
    assert str(caught.value).startswith("mailtos://127.0.0.1/…: ")
    return caught.value


def test_a_refused_login_is_for_good(smtp_sink, message):
    error = failure(smtp_sink, message(), smtp_sink.url("ops@example.com", password="wrong-password"))
    assert (error.permanent, error.unknown) == (True, False)
    assert "refused the login: 535" in str(error)
    assert "wrong-password" not in str(error)


@pytest.mark.parametrize(
    ("reply", "permanent"), [("550 5.1.1 No such user", True), ("451 4.7.1 Greylisted, come back", False)]
)
def test_a_refused_recipient(smtp_sink, message, reply, permanent):
    smtp_sink.refused["ops@example.com"] = reply
    error = failure(smtp_sink, message())
    assert (error.permanent, error.unknown) == (permanent, False)
    assert reply.replace(" ", " ", 1) in str(error)


@pytest.mark.parametrize(("reply", "permanent"), [("554 5.7.1 Spam", True), ("452 4.3.1 Full", False)])
def test_a_refused_text(smtp_sink, message, reply, permanent):
    smtp_sink.reply_to_data = reply
    error = failure(smtp_sink, message())
    assert (error.permanent, error.unknown) == (permanent, False)
    assert reply in str(error)


def test_silence_after_the_text_left_is_unknown(smtp_sink, message):
    smtp_sink.reply_to_data = "hang"
    error = failure(smtp_sink, message(), smtp_sink.url("ops@example.com", cto="0.5"))
    assert (error.permanent, error.unknown) == (False, True)


def test_silence_before_anything_left_passes(smtp_sink, message):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"mailtos://u:{smtp_sink.PASSWORD}@127.0.0.1:{mute.getsockname()[1]}?from=w@example.org&to=o@example.com&cto=0.3"
        error = failure(smtp_sink, message(), url)
    assert (error.permanent, error.unknown) == (False, False)
    assert "no connection" in str(error)


def test_a_server_that_is_not_there_passes(smtp_sink, message):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    error = failure(smtp_sink, message(), f"mailtos://u:pw@127.0.0.1:{port}?from=w@example.org&to=o@example.com")
    assert (error.permanent, error.unknown) == (False, False)
    assert "refused" in str(error)


def test_who_took_a_message_is_not_sent_it_again(smtp_sink, message):
    carrier = open_target("team", "t", smtp_sink.url("first@example.com", "second@example.com"))
    smtp_sink.refused["second@example.com"] = "451 later"
    with pytest.raises(DeliveryError) as caught:
        carrier.send(message())
    assert not caught.value.permanent
    smtp_sink.refused.clear()
    carrier.send(message())
    assert [mail.recipients for mail in smtp_sink.mails] == [("first@example.com",), ("second@example.com",)]


def test_what_some_took_and_others_refuse_for_good_may_count_as_accepted(smtp_sink, message):
    """Those who took the beginning are to hear the end; for a target that refused it there would be none."""
    to = smtp_sink.url("first@example.com", "second@example.com")
    smtp_sink.refused["second@example.com"] = "550 5.1.1 No such user"
    error = failure(smtp_sink, message(), to)
    assert (error.permanent, error.unknown) == (False, True)
    assert "some recipients took it, others did not: refused the message or its recipient: 550 5.1.1" in str(error)
    smtp_sink.refused["first@example.com"] = "550 5.1.1 No such user"
    error = failure(smtp_sink, message(id="8"), to)
    assert (error.permanent, error.unknown) == (True, False)


def test_a_picture_needs_no_font_of_the_system():
    picture = png_of(CHART)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert picture != png_of(CHART.replace("lag", "")), "the text is drawn"
    assert png_of("no picture") is None


def test_a_report_is_its_own_page(smtp_sink, message):
    page = "<html><body><table><tr><td>31 alerts</td></tr></table></body></html>"
    report = {"kind": MessageKind.REPORT, "title": "[REPORT] 31 alerts", "changed": (), "threads": (),
              "report_text": "31 alerts fired.\n", "report_html": page}  # fmt: skip
    mail = sent(smtp_sink, message(**report))
    text, html = (part.get_content() for part in mail.walk() if not part.is_multipart())
    assert mail["Subject"] == "[REPORT] 31 alerts"
    assert "<table><tr><td>31 alerts</td></tr></table>" in html
    assert "31 alerts" in text
    plain = sent(smtp_sink, message(**report), format="text")
    assert "31 alerts fired." in plain.get_content()
