"""Enqueues notifications: what one target is owed for a set of episodes, as one message or one event per incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.ledger import Ending, Entry, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.records import Records
from watchdog.notify.refiring import supersede
from watchdog.notify.routes import GroupKey, Routing, burst_key, incident_key

#: A flush that begins more alerts than this opens one PagerDuty incident for all of them.
BURST = 10

_KIND = {
    Part.BEGIN: MessageKind.FIRING,
    Part.ESCALATE: MessageKind.ESCALATION,
    Part.UPDATE: MessageKind.UPDATE,
    Part.REMIND: MessageKind.REMINDER,
    Part.END: MessageKind.RESOLVED,
}
#: A message that says several things is named after the first of these.
_ORDER = tuple(_KIND)

Addressee = Sequence[tuple[Episode, Part]]


def kind_of(parts: Sequence[Part]) -> MessageKind:
    """What a message that owes these parts is called."""
    return _KIND[next(part for part in _ORDER if part in parts)]


def enqueue(
    records: Records,
    routing: Routing,
    target: str,
    group: GroupKey,
    owed: Addressee,
    now: float,
    *,
    role: Role = Role.ROUTED,
    cause: str = "",
) -> int:
    """Enter what a target is owed into the ledger and make the duties; returns how many messages it will be."""
    supersede(records, target, {episode.alert for episode, part in owed if part is Part.BEGIN}, now)
    if target not in routing.pagerduty:
        for episode, part in owed:
            _enter(records, target, group, episode, part, role, incident="")
        return _add(records, target, group, owed, now, role, cause, incident="") if owed else 0
    begins = [episode for episode, part in owed if part in (Part.BEGIN, Part.ESCALATE)]
    burst = burst_key(group, now) if len(begins) > BURST else ""
    incidents: dict[str, list[tuple[Episode, Part]]] = {}
    for episode, part in owed:
        entry = records.entries.get((episode.id, target))
        known = entry.incident if entry is not None else ""
        fresh = burst if burst and part is Part.BEGIN else incident_key(episode.alert)
        incident = known or fresh
        _enter(records, target, group, episode, part, role, incident)
        if part is Part.END and _still_open(records, target, incident):
            entry = records.entries[episode.id, target]
            records.put_entry(replace(entry, ending=Ending.CLOSED))
            records.note(now, episode, "merged", "its incident stays open for the others in it", target=target)
            continue
        incidents.setdefault(incident, []).append((episode, part))
    return sum(_add(records, target, group, parts, now, role, cause, incident) for incident, parts in incidents.items())


def _enter(
    records: Records, target: str, group: GroupKey, episode: Episode, part: Part, role: Role, incident: str
) -> None:
    entry = records.entries.get((episode.id, target))
    if part is Part.END:
        if entry is None:  # an end refused elsewhere, handed to a fallback that never heard the beginning
            entry = Entry(episode.id, target, group, role, Standing.ACCEPTED, incident=incident)
        records.put_entry(replace(entry, ending=Ending.WAITING))
    elif entry is None or entry.closed or (entry.standing is Standing.REFUSED and part in (Part.BEGIN, Part.ESCALATE)):
        records.put_entry(Entry(episode.id, target, group, role, incident=incident, told_flapping=episode.flapping))
    else:
        records.put_entry(replace(entry, remind="", told_flapping=entry.told_flapping or episode.flapping))


def _still_open(records: Records, target: str, incident: str) -> bool:
    """Whether an incident holds another alert that still fires (only a burst's can)."""
    if not incident.startswith("wd-burst-"):
        return False
    return any(
        entry.incident == incident and records.episodes[entry.episode].firing and entry.standing is not Standing.REFUSED
        for entry in records.entries_at(target)
    )


def _add(
    records: Records, target: str, group: GroupKey, owed: Addressee, now: float, role: Role, cause: str, incident: str
) -> int:
    parts = [part for _, part in owed]
    records.add_notification(
        PendingNotification(
            id=records.next_notification,
            target=target,
            receiver=group.receiver,
            group=group,
            kind=kind_of(parts),
            items=tuple(Item(episode.id, part) for episode, part in owed),
            created=now,
            next_try=now,
            cause=cause,
            incident=incident,
            is_fallback=role is Role.FALLBACK,
        )
    )
    return 1
