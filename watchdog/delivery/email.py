"""Email: HTML and text, a small chart, and one thread per episode.

apprise makes the text part from the HTML, therefore the HTML is simple: what reads well in one reads well in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2s
from html import escape
from typing import Any

from apprise.attachment.memory import AttachMemory
from apprise.common import NotifyFormat
from apprise.plugins.email.base import NotifyEmail

from watchdog.delivery.attempts import Attempt
from watchdog.delivery.layout import (
    Tone,
    brief_links_of,
    brief_of,
    brief_words_of,
    facts_of,
    hints_of,
    is_link,
    links_of,
    mark_of,
    name_of,
    opening_of,
    remainder,
    runbook_of,
    shared_of,
    signature,
    standing_of,
    tone_of,
    words_of,
)
from watchdog.delivery.plain_text import plain_text
from watchdog.delivery.png import png_of, words_in
from watchdog.notify.message import Line, Message
from watchdog.notify.truncation import cut, one_line

#: Longer subjects are cut by what shows them.
_SUBJECT = 200
_TEXT = 8000
_CHART = "chart.png"
_COLOURS = {Tone.CRITICAL: "#c9252d", Tone.WARNING: "#b86200", Tone.INFO: "#2d72c9", Tone.OVER: "#1f7a43"}
_QUIET = "color:#666;font-size:13px"


class Email(NotifyEmail):  # type: ignore[no-untyped-call]  # apprise is typed in parts
    """apprise's plugin, which tells its flight when a message begins to leave."""

    attempt: Attempt

    def wear(self, message: Message) -> None:
        """All messages about one episode refer to one id that no message has: mail programs show them as one thread."""
        host = str(self.from_addr[1]).rpartition("@")[2]
        threads = [blake2s(episode.encode(), digest_size=16).hexdigest() for episode in message.threads]
        references = [f"<watchdog-{thread}@{host}>" for thread in threads]
        if references:
            self.headers = {"References": " ".join(references), "In-Reply-To": references[0], **self.headers}
        # no holiday notes in answer to alarms: RFC 3834
        self.headers = {"Auto-Submitted": "auto-generated", **self.headers}
        self.inline = True

    def send(self, *args: Any, **kwargs: Any) -> Any:
        self.attempt.connecting()
        return super().send(*args, **kwargs)  # type: ignore[no-untyped-call]

    def is_delivered(self, key: Any, per_message: bool = False) -> bool:
        if isinstance(key, str):  # a recipient, whose message is the next that leaves
            self.attempt.leaving()
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
    if message.report_html:
        return message.report_html
    colour = _COLOURS[tone_of(message)]
    shared = shared_of(message)
    parts = [f'<h2 style="color:{colour};font-size:19px;margin:0 0 8px">{_text(one_line(message.title))}</h2>']
    parts.append(_paragraph(map(_text, opening_of(message))))
    if shared is not None:
        parts.append(_paragraph([_text(shared.description), *_linked(runbook_of(shared))]))
    for position, line in enumerate(message.changed):
        parts.append(_alone(line) if len(message.changed) == 1 else _among_others(line, shared))
        if chart and position == 0:
            parts.append(_chart(message.chart_svg or ""))
    if message.standing:
        parts.append(_paragraph(["<b>Still firing</b>", *(_text(standing_of(line)) for line in message.standing)]))
    parts.append(_paragraph([_text(remainder(message))]))
    hints = [f"{_text(name)}: {_code(command)}" for name, command in hints_of(message)]
    end = [*_linked((name, url) for name, url in message.links.items() if is_link(url)), _text(signature(message))]
    parts += [_paragraph(hints, _QUIET), _paragraph(end, _QUIET)]
    inside = "\n".join(part for part in parts if part)
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


def _alone(line: Line) -> str:
    texts = [_named(line), *map(_text, words_of(line))]
    texts += [f"<b>{_text(name)}:</b> {_text(text)}" for name, text in facts_of(line)]
    return _paragraph([*texts, *_linked(links_of(line))])


def _among_others(line: Line, shared: Line | None) -> str:
    texts = [_named(line), *map(_text, brief_words_of(line, shared)), _text(brief_of(line))]
    return _paragraph([*texts, *_linked(brief_links_of(line, shared))])


def _named(line: Line) -> str:
    return f"<b>{_text(f'{mark_of(line)} {name_of(line)}')}</b>"


def _chart(svg: str) -> str:
    """Its words stand below it, for those who do not see it."""
    picture = f'<img src="cid:{_CHART}" alt="The last hours as a chart" style="max-width:100%;width:600px">'
    words = words_in(svg)
    return f"<p>{picture}</p>" + (f'<p style="{_QUIET}">{_text(words)}</p>' if words else "")


def _code(command: str) -> str:
    return f'<span style="font-family:monospace">{_text(command)}</span>'


def _paragraph(lines: Iterable[str], style: str = "") -> str:
    """Lines of HTML as one paragraph; "" where there is none."""
    kept = [line for line in lines if line]
    opening = f'<p style="{style}">' if style else "<p>"
    return f"{opening}{'<br>'.join(kept)}</p>" if kept else ""


def _linked(links: Iterable[tuple[str, str]]) -> list[str]:
    """The addresses are shown, too: the text part has nothing else, and a reader sees where they lead."""
    return [f'<b>{_text(name)}:</b> <a href="{escape(url)}">{escape(url)}</a>' for name, url in links]


def _text(text: str) -> str:
    kept = "".join(char for char in cut(text, _TEXT) if char in "\n\t" or char.isprintable())
    return escape(kept).replace("\n", "<br>")
