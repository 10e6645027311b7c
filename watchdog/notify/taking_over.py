"""Taking over: an alert fires again before a target was told the end, or even the beginning, of the episode before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from watchdog.alerts.episodes import Episode
from watchdog.alerts.life import AlertKey
from watchdog.notify.book import Book
from watchdog.notify.duties import Duty, Part
from watchdog.notify.ledger import Ending, Role, Standing


def take_over(book: Book, before: Episode, episode: Episode, now: float) -> None:
    """Who heard `before` begin and was not told its end hears neither that nor this beginning: `episode` takes over
    there. Where the beginning itself still waits, it does so until the new one is told (`supersede`)."""
    counts = False
    for entry in book.entries_of(before.id):
        if entry.standing is not Standing.ACCEPTED or entry.ending is Ending.CLOSED:
            continue
        known = book.entries.get((episode.id, entry.target))
        if known is not None and known.standing is not Standing.WAITING:
            continue  # it has heard of this one already
        under_way = (duty for duty in book.duties_to(entry.target) if duty.id in book.in_flight)
        if any(_mentions(duty, before.id, episode.id) for duty in under_way):
            continue  # the answer decides
        _withdraw(book, entry.target, {before.id, episode.id})
        book.put_entry(replace(entry, ending=Ending.CLOSED))
        book.put_entry(replace(entry, episode=episode.id, ending=Ending.NONE, remind="", told_flapping=False))
        # the escalation counts from what the alert's own receivers were told, not from who was called in the last time
        counts = counts or entry.role is not Role.ESCALATION
        book.note(now, episode, "taken-over", "fired again before its end was told",
                  receiver=entry.group.receiver, target=entry.target)  # fmt: skip
        book.touched.add(entry.group)
    episode = book.episodes[episode.id]
    if counts and episode.first_accepted is None:
        book.put_episode(replace(episode, first_accepted=now))


def supersede(book: Book, target: str, alerts: Collection[AlertKey], now: float) -> None:
    """A beginning of these alerts takes over one that still waits for the target and is over by now: the target then
    hears one beginning, that of now, instead of one that is over and another."""
    stale = [
        book.episodes[item.episode]
        for duty in book.duties_to(target)
        if duty.id not in book.in_flight
        for item in duty.items
        if item.part is Part.BEGIN and not book.episodes[item.episode].firing
    ]
    for episode in stale:
        entry = book.entries[episode.id, target]
        if episode.alert in alerts and entry.standing is Standing.WAITING:
            _withdraw(book, target, {episode.id})
            book.put_entry(replace(entry, standing=Standing.REFUSED, ending=Ending.CLOSED))
            book.note(now, episode, "taken-over", "fired again before its beginning was told",
                      receiver=entry.group.receiver, target=target)  # fmt: skip


def _withdraw(book: Book, target: str, episodes: Collection[str]) -> None:
    """Whatever waits for a target about these episodes is not sent any more."""
    for duty in book.duties_to(target):
        items = tuple(item for item in duty.items if item.episode not in episodes)
        if not items:
            book.drop_duty(duty.id)
        elif len(items) < len(duty.items):
            book.put_duty(replace(duty, items=items))


def _mentions(duty: Duty, *episodes: str) -> bool:
    return any(item.episode in episodes for item in duty.items)
