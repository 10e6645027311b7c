"""Targets that left the configuration: they get the ends they are owed at once, and nothing else any more."""

from __future__ import annotations

from dataclasses import replace

from watchdog.notify.book import Book
from watchdog.notify.contacts import Contacts
from watchdog.notify.duties import Part
from watchdog.notify.ledger import Ending, Standing
from watchdog.notify.owing import owe


def depart(book: Book, before: Contacts, after: Contacts, now: float) -> None:
    """Close the ledger of every target that `after` does not have; `before` tells what kind of target it was."""
    for duty in list(book.duties.values()):
        if duty.target in after.specs or duty.id in book.in_flight:
            continue
        items = tuple(item for item in duty.items if item.part is Part.END)
        for item in duty.items:
            entry = book.entries[item.episode, duty.target]
            if entry.standing is Standing.WAITING and item.part is not Part.END:
                book.put_entry(replace(entry, standing=Standing.REFUSED))
                episode = book.episodes[item.episode]
                book.note(now, episode, "dropped", "its target left the configuration", receiver=duty.receiver)
        if items:
            book.put_duty(replace(duty, items=items))
        else:
            book.drop_duty(duty.id)
    leaving: dict[str, None] = {
        entry.target: None for entry in book.entries.values() if entry.owes_end and entry.target not in after.specs
    }
    for target in leaving:
        for key in {entry.group for entry in book.entries_at(target)}:
            here = [entry for entry in book.entries_at(target) if entry.group == key and entry.owes_end]
            if not after.sends_resolved(key.receiver):
                for entry in here:
                    book.put_entry(replace(entry, ending=Ending.CLOSED))
                continue
            owed = [(book.episodes[entry.episode], Part.END) for entry in here]
            owe(book, before, target, key, owed, now, cause="this target leaves the configuration")
