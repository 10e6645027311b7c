"""Taking over: an alert fires again before a target was told the end, or even the beginning, of the episode before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from watchdog.alerts.episodes import Episode
from watchdog.alerts.lifecycle import AlertKey
from watchdog.notify.ledger import Ending, Role, Standing
from watchdog.notify.pending import Part, PendingNotification
from watchdog.notify.records import Records


def take_over(records: Records, before: Episode, episode: Episode, now: float) -> None:
    """Who heard `before` begin and was not told its end hears neither that nor this beginning: `episode` takes over
    there. Where the beginning itself still waits, it does so until the new one is told (`supersede`)."""
    counts = False
    for entry in records.entries_of(before.id):
        if entry.standing is not Standing.ACCEPTED or entry.ending is Ending.CLOSED:
            continue
        known = records.entries.get((episode.id, entry.target))
        if known is not None and known.standing is not Standing.WAITING:
            continue  # it has heard of this one already
        under_way = (
            notification
            for notification in records.notifications_to(entry.target)
            if notification.id in records.in_flight
        )
        if any(_mentions(notification, before.id, episode.id) for notification in under_way):
            continue  # the answer decides
        _withdraw(records, entry.target, {before.id, episode.id})
        records.put_entry(replace(entry, ending=Ending.CLOSED))
        records.put_entry(replace(entry, episode=episode.id, ending=Ending.NONE, remind="", told_flapping=False))
        # the escalation counts from what the alert's own receivers were told, not from who was called in the last time
        counts = counts or entry.role is not Role.ESCALATION
        records.note(now, episode, "taken-over", "fired again before its end was told",
                  receiver=entry.group.receiver, target=entry.target)  # fmt: skip
        records.touched.add(entry.group)
    episode = records.episodes[episode.id]
    if counts and episode.first_accepted is None:
        records.put_episode(replace(episode, first_accepted=now))


def supersede(records: Records, target: str, alerts: Collection[AlertKey], now: float) -> None:
    """A beginning of these alerts takes over one that still waits for the target and is over by now: the target then
    hears one beginning, that of now, instead of one that is over and another."""
    stale = [
        records.episodes[item.episode]
        for notification in records.notifications_to(target)
        if notification.id not in records.in_flight
        for item in notification.items
        if item.part is Part.BEGIN and not records.episodes[item.episode].firing
    ]
    for episode in stale:
        entry = records.entries[episode.id, target]
        if episode.alert in alerts and entry.standing is Standing.WAITING:
            _withdraw(records, target, {episode.id})
            records.put_entry(replace(entry, standing=Standing.REFUSED, ending=Ending.CLOSED))
            records.note(now, episode, "taken-over", "fired again before its beginning was told",
                      receiver=entry.group.receiver, target=target)  # fmt: skip


def _withdraw(records: Records, target: str, episodes: Collection[str]) -> None:
    """Whatever waits for a target about these episodes is not sent any more."""
    for notification in records.notifications_to(target):
        items = tuple(item for item in notification.items if item.episode not in episodes)
        if len(items) == len(notification.items):
            continue
        if items:
            records.put_notification(replace(notification, items=items))
        else:
            records.drop_notification(notification.id)


def _mentions(notification: PendingNotification, *episodes: str) -> bool:
    return any(item.episode in episodes for item in notification.items)
