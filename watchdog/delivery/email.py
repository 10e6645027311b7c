"""Email: HTML and text, a small chart, and one thread per episode.

apprise makes the text part from the HTML, therefore the HTML is simple: what reads well in one reads well in both.
"""

from __future__ import annotations

from hashlib import blake2s
from html import escape
from typing import Any

from apprise.attachment.memory import AttachMemory
from apprise.common import NotifyFormat
from apprise.plugins.email.base import NotifyEmail

from watchdog.delivery.cutting import cut, one_line
from watchdog.delivery.flights import Flight
from watchdog.delivery.phrases import Tone, facts_of, instant, is_link, links_of, mark_of, remainder, tone_of
from watchdog.delivery.pictures import png_of
from watchdog.delivery.plain import name_of, plain_text
from watchdog.notify.message import Line, Message

#: Longer subjects are cut by what shows them.
_SUBJECT = 200
_TEXT = 8000
_CHART = "chart.png"
_COLOURS = {Tone.CRITICAL: "#c9252d", Tone.WARNING: "#b86200", Tone.INFO: "#2d72c9", Tone.OVER: "#1f7a43"}
_QUIET = "color:#666;font-size:13px"


class Email(NotifyEmail):  # type: ignore[no-untyped-call]  # apprise is typed in parts
    """apprise's plugin, which tells its flight when a message begins to leave."""

    flight: Flight

    def wear(self, message: Message) -> None:
        """All messages about one episode refer to one id that no message has: mail programs show them as one thread."""
        thread = blake2s(message.thread.encode(), digest_size=16).hexdigest()
        reference = f"<watchdog-{thread}@{str(self.from_addr[1]).rpartition('@')[2]}>"
        if message.thread:
            self.headers = {"References": reference, "In-Reply-To": reference, **self.headers}
        # no holiday notes in answer to alarms: RFC 3834
        self.headers = {"Auto-Submitted": "auto-generated", **self.headers}
        self.inline = True

    def send(self, *args: Any, **kwargs: Any) -> Any:
        self.flight.connecting()
        return super().send(*args, **kwargs)  # type: ignore[no-untyped-call]

    def is_delivered(self, key: Any, per_message: bool = False) -> bool:
        if isinstance(key, str):  # a recipient, whose message is the next that leaves
            self.flight.leaving()
        return bool(super().is_delivered(key, per_message))


def deliver(plugin: Email, message: Message) -> bool:
    """Send it as HTML with a text part, or as text alone where the URL asks for `format=text`."""
    plugin.wear(message)
    subject, tone = subject_of(message), tone_of(message)
    if plugin.resolve_format(NotifyFormat.HTML) is not NotifyFormat.HTML:
        return bool(plugin.notify(plain_text(message), subject, tone, body_format=NotifyFormat.TEXT))
    chart = attachments_of(message)
    html = html_of(message, chart=bool(chart))
    return bool(plugin.notify(html, subject, tone, body_format=NotifyFormat.HTML, attach=chart or None))


def subject_of(message: Message) -> str:
    return cut(one_line(message.title), _SUBJECT)


def html_of(message: Message, *, chart: bool) -> str:
    """The message as HTML, with a place for its chart. What comes from outside is escaped; it fetches nothing."""
    colour = _COLOURS[tone_of(message)]
    parts = [f'<h2 style="color:{colour};font-size:19px;margin:0 0 8px">{_text(one_line(message.title))}</h2>']
    begin = [text for text in (message.headline, message.cause) if text]
    if begin:
        parts.append(f"<p>{'<br>'.join(map(_text, begin))}</p>")
    if chart:
        parts.append(
            f'<p><img src="cid:{_CHART}" alt="The last hours as a chart" style="max-width:100%;width:600px"></p>'
        )
    parts += [_line(line) for line in message.changed]
    if message.standing:
        parts.append("<p><b>Still firing</b></p>")
        parts += [f"<p>{_text(f'{mark_of(line)} {name_of(line)}')}</p>" for line in message.standing]
    end = remainder(message)
    end += [f"To silence: {message.silence_hint}"] if message.silence_hint else []
    end.append(" · ".join([f"Sent by watchdog{' on ' + message.instance if message.instance else ''}",
                           *([instant(message.at)] if message.at else [])]))  # fmt: skip
    shown = [*map(_text, end), *(_link(name, url) for name, url in message.links.items() if is_link(url))]
    parts.append(f'<p style="{_QUIET}">{"<br>".join(shown)}</p>')
    inside = "\n".join(parts)
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;font-size:15px;line-height:1.45;color:#222">'
        f'<div style="max-width:640px;border-left:4px solid {colour};padding-left:14px">\n{inside}\n</div>'
        "</body></html>"
    )


def attachments_of(message: Message) -> list[AttachMemory]:
    """The chart, for the place the HTML keeps for it."""
    picture = png_of(message.chart_svg) if message.chart_svg else None
    if picture is None:
        return []
    return [AttachMemory(content=picture, name=_CHART, mimetype="image/png")]  # type: ignore[no-untyped-call]


def _line(line: Line) -> str:
    texts = [f"<b>{_text(f'{mark_of(line)} {name_of(line)}')}</b>"]
    texts += [_text(text) for text in (line.summary, line.description) if text]
    texts += [f"<b>{_text(name)}:</b> {_text(text)}" for name, text in facts_of(line)]
    texts += [_link(name, url) for name, url in links_of(line)]
    return f"<p>{'<br>'.join(texts)}</p>"


def _link(name: str, url: str) -> str:
    """The address is shown, too: the text part has nothing else, and a reader sees where it leads."""
    return f'<b>{_text(name)}:</b> <a href="{escape(url)}">{escape(url)}</a>'


def _text(text: str) -> str:
    kept = "".join(char for char in cut(text, _TEXT) if char in "\n\t" or char.isprintable())
    return escape(kept).replace("\n", "<br>")
