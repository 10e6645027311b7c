"""Plain text: the body of a message for every channel that has no layout of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchdog.delivery.layout import (
    brief_links_of,
    brief_of,
    brief_words_of,
    facts_of,
    hints_of,
    links_of,
    mark_of,
    name_of,
    opening_of,
    pipelines_of,
    remainder,
    runbook_of,
    shared_of,
    signature,
    standing_of,
    tone_of,
    words_of,
)
from watchdog.notify.message import Line, Message
from watchdog.notify.truncation import cut, one_line


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
    if message.report_text:
        said = [message.report_text.rstrip(), *_linked(message.links.items()), signature(message)]
        return "\n\n".join([*opening_of(message), "\n".join(said[:1]), "\n".join(said[1:])])
    alone, shared = len(message.changed) == 1, shared_of(message)
    parts = ["\n".join(opening_of(message))]
    if shared is not None:
        parts.append("\n".join(text for text in (shared.description, *_linked(runbook_of(shared))) if text))
    parts += [line_text(line) if alone else brief_text(line, shared) for line in message.changed]
    if message.standing:
        parts.append("\n".join(["Still firing:", *map(standing_of, message.standing)]))
    parts.append(remainder(message))
    hints = [f"{name}: {command}" for name, command in hints_of(message)]
    parts.append("\n".join([*hints, *_linked(message.links.items()), signature(message)]))
    return "\n\n".join(part for part in parts if part)


def line_text(line: Line) -> str:
    """One alert with everything that is known of it."""
    texts = [f"{mark_of(line)} {name_of(line)}", *words_of(line)]
    return "\n".join([*texts, *(f"{name}: {text}" for name, text in facts_of(line)), *_linked(links_of(line))])


def brief_text(line: Line, shared: Line | None) -> str:
    """One alert among others."""
    texts = [f"{mark_of(line)} {name_of(line)}", *brief_words_of(line, shared), brief_of(line)]
    texts += [f"Pipelines: {pipelines_of(line)}"] if pipelines_of(line) else []
    texts += _linked(brief_links_of(line, shared))
    return "\n".join(text for text in texts if text)


def _linked(links: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name}: {url}" for name, url in links]
