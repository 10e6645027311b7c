"""Plain text: the body of a message for every channel that has no layout of its own."""

from __future__ import annotations

from typing import Any

from watchdog.delivery.cutting import cut, one_line
from watchdog.delivery.phrases import facts_of, links_of, mark_of, remainder, tone_of
from watchdog.notify.message import Line, Message


def deliver(plugin: Any, message: Message) -> bool:
    """Send title and text through any plugin, cut to what it carries."""
    from apprise.common import NotifyFormat

    title, body, room = one_line(message.title), plain_text(message), plugin.body_maxlen
    if plugin.title_maxlen > 0:
        title = cut(title, plugin.title_maxlen)
        room -= len(title) if plugin.overflow_amalgamate_title else 0
    else:
        title = cut(title, max(room // 2, 1))
        room -= len(title) + 2  # apprise puts it on a line of its own before the body
    room -= plugin.overflow_buffer  # where it leaves room for a counter apprise cuts earlier, and at any character
    if plugin.resolve_format(NotifyFormat.TEXT) is not NotifyFormat.TEXT:
        room = room * 2 // 3  # for what markup and escaping add
    body = cut(body, max(room, 1)) if plugin.body_maxlen > 0 else body
    return bool(plugin.notify(body, title, tone_of(message), body_format=NotifyFormat.TEXT))


def plain_text(message: Message) -> str:
    """The whole message without its title: what changed first, then each alert, what else fires, how to silence it."""
    begin = [text for text in (message.headline, message.cause) if text]
    parts = ["\n".join(begin)] if begin else []
    parts += [line_text(line) for line in message.changed]
    if message.standing:
        parts.append("\n".join(["Still firing:", *(f"{mark_of(line)} {name_of(line)}" for line in message.standing)]))
    end = remainder(message)
    end += [f"{name}: {url}" for name, url in message.links.items()]
    if message.silence_hint:
        end.append(f"To silence: {message.silence_hint}")
    if message.instance:
        end.append(f"Sent by watchdog on {message.instance}")
    if end:
        parts.append("\n".join(end))
    # a body must not be empty
    return "\n\n".join(parts) or message.title


def name_of(line: Line) -> str:
    """An alert in one line."""
    return f"{line.alertname} ({line.severity}) on {line.entity}"


def line_text(line: Line) -> str:
    texts = [f"{mark_of(line)} {name_of(line)}", line.summary, line.description]
    texts += [f"{name}: {text}" for name, text in facts_of(line)]
    texts += [f"{name}: {url}" for name, url in links_of(line)]
    return "\n".join(text for text in texts if text)
