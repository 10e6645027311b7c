"""PagerDuty: one message becomes one event; what fires triggers, what is over resolves the incident of the same key."""

from __future__ import annotations

import re
from typing import Any

from apprise.common import NotifyFormat
from apprise.plugins.pagerduty import NotifyPagerDuty, PagerDutyAction

from watchdog.delivery.layout import (
    brief_of,
    facts_of,
    hints_of,
    links_of,
    name_of,
    remainder,
    runbook_of,
    shared_of,
    tone_of,
    words_of,
    worst_severity,
)
from watchdog.notify.message import Line, Message
from watchdog.notify.routes import text_of
from watchdog.notify.truncation import cut, one_line

#: PagerDuty refuses longer ones: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
_SUMMARY = 1024
#: An event may have 512 KB; nobody reads that much of one field.
_DETAIL = 4000
_NAME = 255
_BRACKETS = re.compile(r"^\[[^\]]*\] ")
_UNSET = {"Apprise", "Notification"}  # apprise's own defaults


def deliver(plugin: NotifyPagerDuty, message: Message) -> bool:
    """Send one event."""
    dress(plugin, message)
    return bool(plugin.notify(summary_of(message), "", tone_of(message), body_format=NotifyFormat.TEXT))


def summary_of(message: Message) -> str:
    """What is read out at night: the alert's own words first. The words that stand in a title's brackets say nothing
    here, an incident shows its own state."""
    if len(message.changed) == 1:
        line = message.changed[0]
        what = line.summary or line.reason
        begin = f"{line.alertname} on {line.entity}"
        return cut(one_line(f"{begin}: {what}" if what and not what.startswith(begin) else begin), _SUMMARY)
    about = _BRACKETS.sub("", message.title)
    return cut(one_line(f"{about}: {message.headline}" if message.headline else about), _SUMMARY)


def dress(plugin: NotifyPagerDuty, message: Message) -> None:
    """Set the event's key, severity, source and details. What the URL fixes (severity, class, group, click) stays."""
    plugin.dedup = message.dedup_key or None
    plugin.action = PagerDutyAction.MAP
    plugin.include_image = False
    plugin.severity = plugin.severity or worst_severity(message)
    lines = message.changed or message.standing
    if lines:
        where = lines[0].entity if len(lines) == 1 else f"{len(lines) + message.more} entities"
        plugin.source = plugin.source if plugin.source not in _UNSET else cut(one_line(where), _NAME) or "watchdog"
        plugin.class_id = plugin.class_id or cut(one_line(lines[0].alertname), _NAME)
        own = [*message.links.items()] if len(lines) > 1 else []
        acting = [("", lines[0].act_url)] if lines[0].act_url and len(lines) == 1 else []
        links = [*acting, *own, *reversed(links_of(lines[0]))]
        plugin.click = plugin.click or next((url for _, url in links), None)
    if plugin.component in _UNSET:
        plugin.component = "streamkap"
    details: dict[str, Any] = {name: cut(text, _DETAIL) for name, text in _details(message).items() if text}
    plugin.details = {**details, **plugin.details}


def _details(message: Message) -> dict[str, str]:
    lines = (*message.changed, *message.standing)
    shared = shared_of(message)
    if len(lines) == 1:
        details = _line_details(lines[0])
    else:
        details = {f"{number:02d}": _in_short(line) for number, line in enumerate(lines, 1)}
    if shared is not None:
        details |= {"description": shared.description, **{name.lower(): url for name, url in runbook_of(shared)}}
    details |= {"what changed": message.headline, "sent because": message.cause}
    details |= {"also": remainder(message)}
    details |= {name.lower(): text for name, text in (*hints_of(message), *message.links.items())}
    details |= {"sent by": f"watchdog on {message.instance}" if message.instance else "watchdog"}
    return details


def _line_details(line: Line) -> dict[str, str]:
    details = {"rule": line.alertname, "where": line.entity, "description": line.description}
    details |= {"now" if line.held else "why": line.reason}
    details |= {name.lower(): text for name, text in (*facts_of(line), *links_of(line))}
    labels = ", ".join(f"{name}={text_of(value).strip(',')}" for name, value in sorted(line.labels.items()) if value)
    return details | {"labels": labels}


def _in_short(line: Line) -> str:
    return " · ".join(text for text in (name_of(line), *words_of(line)[:1], brief_of(line)) if text)
