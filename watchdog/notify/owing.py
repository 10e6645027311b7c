"""Making duties: what one target is owed for a set of episodes, one message or, at PagerDuty, one event an incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.book import Book
from watchdog.notify.contacts import Contacts, burst_key, incident_key
from watchdog.notify.duties import Duty, Item, Part
from watchdog.notify.ledger import Ending, Entry, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.routes import GroupKey
from watchdog.notify.taking_over import supersede

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

Owed = Sequence[tuple[Episode, Part]]


def kind_of(parts: Sequence[Part]) -> MessageKind:
    """What a message that owes these parts is called."""
    return _KIND[next(part for part in _ORDER if part in parts)]


def owe(
    book: Book,
    contacts: Contacts,
    target: str,
    group: GroupKey,
    owed: Owed,
    now: float,
    *,
    role: Role = Role.ROUTED,
    cause: str = "",
) -> int:
    """Enter what a target is owed into the ledger and make the duties; returns how many messages it will be."""
    supersede(book, target, {episode.alert for episode, part in owed if part is Part.BEGIN}, now)
    if target not in contacts.pagerduty:
        for episode, part in owed:
            _enter(book, target, group, episode, part, role, incident="")
        return _add(book, target, group, owed, now, role, cause, incident="") if owed else 0
    begins = [episode for episode, part in owed if part in (Part.BEGIN, Part.ESCALATE)]
    burst = burst_key(group, now) if len(begins) > BURST else ""
    incidents: dict[str, list[tuple[Episode, Part]]] = {}
    for episode, part in owed:
        entry = book.entries.get((episode.id, target))
        known = entry.incident if entry is not None else ""
        fresh = burst if burst and part is Part.BEGIN else incident_key(episode.alert)
        incident = known or fresh
        _enter(book, target, group, episode, part, role, incident)
        if part is Part.END and _still_open(book, target, incident):
            entry = book.entries[episode.id, target]
            book.put_entry(replace(entry, ending=Ending.CLOSED))
            book.note(now, episode, "merged", "its incident stays open for the others in it", target=target)
            continue
        incidents.setdefault(incident, []).append((episode, part))
    return sum(_add(book, target, group, parts, now, role, cause, incident) for incident, parts in incidents.items())


def _enter(book: Book, target: str, group: GroupKey, episode: Episode, part: Part, role: Role, incident: str) -> None:
    entry = book.entries.get((episode.id, target))
    if part is Part.END:
        if entry is None:  # an end refused elsewhere, handed to a fallback that never heard the beginning
            entry = Entry(episode.id, target, group, role, Standing.ACCEPTED, incident=incident)
        book.put_entry(replace(entry, ending=Ending.WAITING))
    elif entry is None or entry.closed or (entry.standing is Standing.REFUSED and part in (Part.BEGIN, Part.ESCALATE)):
        book.put_entry(Entry(episode.id, target, group, role, incident=incident, told_flapping=episode.flapping))
    else:
        book.put_entry(replace(entry, remind="", told_flapping=entry.told_flapping or episode.flapping))


def _still_open(book: Book, target: str, incident: str) -> bool:
    """Whether an incident holds another alert that still fires (only a burst's can)."""
    if not incident.startswith("wd-burst-"):
        return False
    return any(
        entry.incident == incident and book.episodes[entry.episode].firing and entry.standing is not Standing.REFUSED
        for entry in book.entries_at(target)
    )


def _add(
    book: Book, target: str, group: GroupKey, owed: Owed, now: float, role: Role, cause: str, incident: str
) -> int:
    parts = [part for _, part in owed]
    book.add_duty(
        Duty(
            id=book.next_duty,
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
