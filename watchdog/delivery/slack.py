"""Slack: a message as coloured blocks that can mention nobody.

Everything that comes from outside stands in plain text, where Slack reads no markup at all; markup is used for our own
words and for links. apprise's own way from text to markup is not taken: it turns `<!channel>` into a mention.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from apprise.common import NotifyFormat
from apprise.plugins.slack import NotifySlack, SlackMode

from watchdog.delivery.attempts import Attempt
from watchdog.delivery.failures import slack_error
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
from watchdog.delivery.slack_threads import ACKNOWLEDGE, ROOT_IS_GONE, SILENCE, SlackThreads
from watchdog.notify.message import Line, Message, MessageKind, Thread
from watchdog.notify.truncation import cut, one_line

# https://docs.slack.dev/reference/block-kit/blocks: longer texts are refused, with the whole message
_HEADER, _SECTION, _CONTEXT = 150, 3000, 2000
_BLOCKS = 20  #: of a report
_DESCRIPTION = 700  # more is a wall
_COLOURS = {Tone.CRITICAL: "#c9252d", Tone.WARNING: "#e8912d", Tone.INFO: "#2d72c9", Tone.OVER: "#2e9e5b"}
_WITH_BLOCKS = (SlackMode.WEBHOOK, SlackMode.WEBHOOK_GOV, SlackMode.BOT)
#: A word Slack makes a mention of wherever it parses texts by itself.
_MENTION = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_WORD_JOINER = "\u2060"


class Slack(NotifySlack):  # type: ignore[no-untyped-call]  # apprise is typed in parts
    """apprise's plugin with our blocks in the place it has for a template; one that the URL names goes first."""

    attempt: Attempt
    message: Message | None = None
    threads: SlackThreads | None = None  #: of a bot; a webhook cannot reply
    target_id = ""

    def wear(self, message: Message) -> None:
        if self.mode in _WITH_BLOCKS and not self.template:
            self.message = message
            self.use_blocks = True
            self.template: Any = [self]  # apprise asks only whether there is one, and then gen_payload()
        self.include_image = self.include_footer = False

    def gen_payload(self, body: str, title: str = "", *args: Any, **kwargs: Any) -> Any:
        if self.message is None:
            return super().gen_payload(body, title, *args, **kwargs)  # type: ignore[no-untyped-call]
        return attachment(self.message, buttons=self.threads is not None and self.threads.buttons)

    def _send(self, url: str, payload: Any, *args: Any, **kwargs: Any) -> Any:
        of_a_bot = self.mode is SlackMode.BOT and url.endswith("/chat.postMessage") and "thread_ts" not in payload
        thread = None if self.message is None else self.message.thread
        if not of_a_bot or self.threads is None or self.message is None or thread is None:
            return self._post(url, payload, *args, **kwargs)
        return self._in_thread(self.threads, self.message, thread, url, payload)

    def _in_thread(self, threads: SlackThreads, message: Message, thread: Thread, url: str, payload: Any) -> Any:
        """The first message of a group becomes its root, what follows replies to it."""
        place = threads.place(self.target_id, str(self.access_token), payload["channel"], thread, message.id)
        if place.posted is not None:
            return place.posted  # a process that ended before it could keep the answer has posted it
        if place.root is not None:
            reply = {**payload, "channel": place.root.channel, "thread_ts": place.root.ts}
            if message.kind is MessageKind.FIRING:
                reply["reply_broadcast"] = True
            answer = self._post(url, reply)
            if answer:
                threads.replied(place, thread)
            if answer or slack_error(self.attempt) not in ROOT_IS_GONE:
                return answer
        threads.begin(place, thread, message.id)
        answer = self._post(url, {**payload, "metadata": threads.mark(place, message.id)})
        if isinstance(answer, dict) and answer.get("ts"):
            threads.began(place, thread, str(answer.get("channel") or payload["channel"]), str(answer["ts"]))
        return answer

    def _post(self, url: str, payload: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super()._send(url, payload, *args, **kwargs)  # type: ignore[no-untyped-call]
        # apprise takes a bot's answer for a success when "OK" stands anywhere in it
        if self.mode is SlackMode.BOT and isinstance(answer, dict) and answer.get("ok") is False:
            self.logger.debug("Response Details:\r\n%r", json.dumps(answer).encode())
            return False
        return answer


def deliver(plugin: Slack, message: Message) -> bool:
    """Post it; the text is for workflows and templates of the user, which have no place for blocks."""
    plugin.wear(message)
    title, text = one_line(message.title), cut(plain_text(message), _SECTION)
    return bool(plugin.notify(_safe(text, _SECTION), title, tone_of(message), body_format=NotifyFormat.TEXT))


def attachment(message: Message, *, buttons: bool = False) -> dict[str, Any]:
    """The message as one attachment: its colour, its blocks, and the words for a notification on a lock screen. With
    `buttons` people can acknowledge and silence what fires."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(one_line(message.title), _HEADER)}]
    begin = " · ".join(map(one_line, opening_of(message)))
    if begin:
        blocks.append(_context(_plain(begin, _CONTEXT)))
    blocks += _report(message.report_text)
    shared = shared_of(message)
    if shared is not None:
        blocks += [_section(cut(shared.description, _DESCRIPTION))] if shared.description else []
        blocks += _context_of(runbook_of(shared))
    alone = len(message.changed) == 1
    for line in message.changed:
        blocks += _alone(line) if alone else _among_others(line, shared)
    if message.standing:
        blocks.append(_section("\n".join(["Still firing", *map(standing_of, message.standing)])))
    if message.more:
        blocks.append(_context(_plain(remainder(message), _CONTEXT)))
    # each command on a line of its own, so that it can be taken whole
    blocks += [_context(_plain(f"{name}: {one_line(text)}", _CONTEXT)) for name, text in hints_of(message)]
    if buttons and message.firing:
        blocks.append(_buttons(message))
    blocks.append(_context(_plain(one_line(signature(message)), _CONTEXT), *_links(message.links.items())))
    return {"color": _COLOURS[tone_of(message)], "fallback": _safe(one_line(message.title), 300), "blocks": blocks}


def _buttons(message: Message) -> dict[str, Any]:
    """https://docs.slack.dev/reference/block-kit/block-elements/button-element: a value has at most 2000 characters"""
    which = f" the {len(message.firing)} listed" if message.more else ""
    elements = [
        {"type": "button", "action_id": action, "text": _plain(text, 75), "value": ",".join(message.firing)}
        for action, text in ((ACKNOWLEDGE, f"Acknowledge{which}"), (SILENCE, f"Silence{which} 1 h"))
    ]
    return {"type": "actions", "elements": elements}


def _report(text: str) -> list[dict[str, Any]]:
    """A report in columns, in as many blocks as it takes. Verbatim: Slack looks for no links, channels or people in
    it."""
    pieces: list[str] = [""]
    for line in text.replace("```", '"').splitlines(keepends=True):
        if len(pieces[-1]) + len(line) > _SECTION // 2:  # what is escaped takes more room
            pieces.append("")
        pieces[-1] += line
    kept = [piece.strip("\n") for piece in pieces[:_BLOCKS] if piece.strip()]
    shown = [f"```{_safe(piece, _SECTION - 6)}```" for piece in kept]
    return [{"type": "section", "text": {"type": "mrkdwn", "text": one, "verbatim": True}} for one in shown]


def _alone(line: Line) -> list[dict[str, Any]]:
    facts = dict(facts_of(line))
    why = [f"{name}: {facts.pop(name)}" for name in ("Why", "Now", "Why it ended", "It began with") if name in facts]
    told = [*(cut(text, _DESCRIPTION) for text in words_of(line)), *why]
    fields = [("Where", line.entity), ("Severity", line.severity), *facts.items()]
    return [
        _section("\n".join(told) or name_of(line)),
        {"type": "section", "fields": [_plain(f"{name}\n{text}", 700) for name, text in fields[:10]]},
        *_context_of(links_of(line)),
    ]


def _among_others(line: Line, shared: Line | None) -> list[dict[str, Any]]:
    told = "\n".join([f"{mark_of(line)} {name_of(line)}", *brief_words_of(line, shared)])
    facts = [_plain(cut(brief_of(line), _DESCRIPTION), _CONTEXT)] if brief_of(line) else []
    links = _links(brief_links_of(line, shared))
    return [_section(cut(told, _DESCRIPTION)), *([_context(*facts, *links)] if facts or links else [])]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, _SECTION)}


def _context(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "context", "elements": list(elements)}


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _safe(text, limit), "emoji": False}


def _links(links: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Links under our own words. Verbatim: Slack looks for no further links, channels or people in them."""
    shown = " · ".join(f"<{quote(url, safe=_URL)}|{_safe(name, 80)}>" for name, url in links if is_link(url))
    return [{"type": "mrkdwn", "text": shown, "verbatim": True}] if shown else []


def _context_of(links: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [_context(*_links(links))] if links else []


#: What stays as it is in a URL; `<`, `>`, `|` and blanks would end the link, an `@` could be read as a mention.
_URL = "%/:=&?~#+!$,;'()*[]-._"


def _safe(text: str, limit: int) -> str:
    """A text of at most `limit` characters, in which Slack finds neither markup nor mentions. They are counted in
    UTF-16, the longest way there is: a text that is too long is refused with the whole message."""
    text = _MENTION.sub(f"@{_WORD_JOINER}", "".join(char for char in text if char == "\n" or char.isprintable()))
    room = limit
    while (over := len((shown := _escaped(cut(text, room))).encode("utf-16-le")) // 2 - limit) > 0:
        room -= max(1, over // 5)
    return shown or " "


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
