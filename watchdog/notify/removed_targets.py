"""Targets that left the configuration: they get the ends they are owed at once, and nothing else any more."""

from __future__ import annotations

from dataclasses import replace

from watchdog.notify.enqueue import enqueue
from watchdog.notify.ledger import Ending, Standing
from watchdog.notify.pending import Part
from watchdog.notify.records import Records
from watchdog.notify.routes import Routing


def depart(records: Records, before: Routing, after: Routing, now: float) -> None:
    """Close the ledger of every target that `after` does not have; `before` tells what kind of target it was."""
    for notification in list(records.notifications.values()):
        if notification.target in after.specs or notification.id in records.in_flight:
            continue
        items = tuple(item for item in notification.items if item.part is Part.END)
        for item in notification.items:
            entry = records.entries[item.episode, notification.target]
            if entry.standing is Standing.WAITING and item.part is not Part.END:
                records.put_entry(replace(entry, standing=Standing.REFUSED))
                episode = records.episodes[item.episode]
                records.note(
                    now, episode, "dropped", "its target left the configuration", receiver=notification.receiver
                )
        if items:
            records.put_notification(replace(notification, items=items))
        else:
            records.drop_notification(notification.id)
    leaving: dict[str, None] = {
        entry.target: None for entry in records.entries.values() if entry.owes_end and entry.target not in after.specs
    }
    for target in leaving:
        for key in {entry.group for entry in records.entries_at(target)}:
            here = [entry for entry in records.entries_at(target) if entry.group == key and entry.owes_end]
            if not after.sends_resolved(key.receiver):
                for entry in here:
                    records.put_entry(replace(entry, ending=Ending.CLOSED))
                continue
            owed = [(records.episodes[entry.episode], Part.END) for entry in here]
            enqueue(records, before, target, key, owed, now, cause="this target leaves the configuration")
