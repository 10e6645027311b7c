"""Taking over: an alert fires again before its end was told. Whoever waits for that end hears neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.book import Book
from watchdog.notify.duties import Item, Part
from watchdog.notify.ledger import Ending, Entry, Standing


def take_over(book: Book, before: Episode, episode: Episode, now: float) -> None:
    """Where the end of `before` was not told, the new episode goes on in its place, with what was still to be told."""
    accepted_any = False
    for entry in book.entries_of(before.id):
        duty = next((d for d in book.duties_to(entry.target) if _mentions(d.items, before.id)), None)
        if duty is not None and duty.id in book.in_flight:
            continue  # its answer decides
        if (episode.id, entry.target) in book.entries:
            continue
        if entry.standing is Standing.REFUSED or entry.ending is Ending.CLOSED:
            continue
        heard = entry.standing is Standing.ACCEPTED
        closed = Standing.ACCEPTED if heard else Standing.REFUSED
        book.put_entry(replace(entry, ending=Ending.CLOSED, standing=closed))
        book.put_entry(replace(entry, episode=episode.id, ending=Ending.NONE, remind="", told_flapping=False))
        accepted_any = accepted_any or heard
        _move_duties(book, entry, before.id, episode.id)
        book.note(now, episode, "taken-over", "fired again before its end was told",
                  receiver=entry.group.receiver, target=entry.target)  # fmt: skip
        book.touched.add(entry.group)
    if accepted_any:
        book.put_episode(replace(book.episodes[episode.id], first_accepted=now))


def _move_duties(book: Book, entry: Entry, old: str, new: str) -> None:
    for duty in book.duties_to(entry.target):
        if not _mentions(duty.items, old):
            continue
        moved = tuple(
            Item(new, item.part) if item.episode == old else item
            for item in duty.items
            if not (item.episode == old and item.part is Part.END)
        )
        if moved:
            book.put_duty(replace(duty, items=moved))
        else:
            book.drop_duty(duty.id)


def _mentions(items: Iterable[Item], episode_id: str) -> bool:
    return any(item.episode == episode_id for item in items)
