"""The book: open episodes, groups, the ledger and the duties, with the indexes that find who is concerned.

Everything in it is a frozen value; putting one replaces its predecessor and notes that it has to be saved.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.lifecycle import AlertKey
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Entry, Standing
from watchdog.notify.pending import PendingNotification
from watchdog.notify.routes import GroupKey, Route

EntryKey = tuple[str, str]
_K = TypeVar("_K")
_I = TypeVar("_I")
_V = TypeVar("_V")


@dataclass(slots=True)
class Unsaved:
    """What was put since the last save; None deletes."""

    episodes: dict[str, Episode] = field(default_factory=dict)
    entries: dict[EntryKey, Entry] = field(default_factory=dict)
    groups: dict[GroupKey, Group | None] = field(default_factory=dict)
    notifications: dict[int, PendingNotification | None] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


class Records:
    """Who is concerned by what. `touched` collects the groups something happened to, `over` the ended episodes that
    somebody is still owed something of."""

    def __init__(self) -> None:
        self.episodes: dict[str, Episode] = {}
        self.groups: dict[GroupKey, Group] = {}
        self.entries: dict[EntryKey, Entry] = {}
        self.notifications: dict[int, PendingNotification] = {}
        self.in_flight: set[int] = set()
        self.touched: set[GroupKey] = set()
        self.over: set[str] = set()
        self.unsaved = Unsaved()
        self.next_notification = 1
        self._latest: dict[AlertKey, str] = {}
        self._entries_of: dict[str, dict[str, None]] = {}
        self._entries_in: dict[GroupKey, dict[EntryKey, None]] = {}
        self._entries_at: dict[str, dict[EntryKey, None]] = {}
        self._members: dict[GroupKey, dict[str, Route]] = {}
        self._groups_of: dict[str, tuple[GroupKey, ...]] = {}
        self._notifications_to: dict[str, dict[int, None]] = {}

    def restore(
        self,
        episodes: Iterable[Episode],
        groups: Iterable[Group],
        entries: Iterable[Entry],
        notifications: Iterable[PendingNotification],
        next_notification: int,
    ) -> None:
        """Fill an empty book with what was saved; routes are decided anew by the caller."""
        for episode in sorted(episodes, key=lambda one: one.began):
            self.put_episode(episode)
        for group in groups:
            self.groups[group.key] = group
        for entry in entries:
            self.put_entry(entry)
        for notification in sorted(notifications, key=lambda one: one.id):
            self._index_notification(notification)
        self.next_notification = next_notification
        self.unsaved = Unsaved()

    def take_unsaved(self) -> Unsaved:
        taken, self.unsaved = self.unsaved, Unsaved()
        return taken

    # -- episodes

    def put_episode(self, episode: Episode) -> None:
        self.episodes[episode.id] = episode
        latest = self.latest(episode.alert)
        if latest is None or latest.began <= episode.began:
            self._latest[episode.alert] = episode.id
        if not episode.firing:
            self.over.add(episode.id)
        self.unsaved.episodes[episode.id] = episode

    def latest(self, alert: AlertKey) -> Episode | None:
        """The last episode of an alert that anybody still has to do with."""
        found = self._latest.get(alert)
        return None if found is None else self.episodes.get(found)

    def open_episodes(self) -> list[Episode]:
        return [episode for episode in self.episodes.values() if episode.firing]

    def firing_of(self, rules: Container[str]) -> Iterator[AlertKey]:
        """Alerts of these rules that fire."""
        for episode in self.episodes.values():
            if episode.alert.rule in rules and episode.firing:
                yield episode.alert

    def forget(self, episode_id: str) -> None:
        """Drop an ended episode that nobody is owed anything of; the store keeps it as history."""
        episode = self.episodes.pop(episode_id)
        self.over.discard(episode_id)
        if self._latest.get(episode.alert) == episode_id:
            del self._latest[episode.alert]
        for target in self._entries_of.pop(episode_id, {}):
            entry = self.entries.pop((episode_id, target))
            _drop(self._entries_in, entry.group, (episode_id, target))
            _drop(self._entries_at, target, (episode_id, target))
        for key in self._groups_of.pop(episode_id, ()):
            _drop(self._members, key, episode_id)

    # -- which groups an open episode is routed to

    def assign(self, episode: Episode, routed: Collection[tuple[GroupKey, Route]]) -> None:
        """This episode belongs to exactly these groups now; the groups it joins and leaves are touched."""
        before = self._groups_of.get(episode.id, ())
        after = dict(routed)
        for key in before:
            if key not in after:
                _drop(self._members, key, episode.id)
                self.touched.add(key)
        for key, route in after.items():
            if key not in before:
                self.touched.add(key)
            self._members.setdefault(key, {})[episode.id] = route
        self._groups_of[episode.id] = tuple(after)

    def members(self, key: GroupKey) -> Iterator[tuple[Episode, Route]]:
        """The open episodes routed to a group."""
        for episode_id, route in self._members.get(key, {}).items():
            yield self.episodes[episode_id], route

    def groups_of(self, episode_id: str) -> Collection[GroupKey]:
        """Groups it is routed to, and those whose targets have it in the ledger."""
        found = dict.fromkeys(self._groups_of.get(episode_id, ()))
        found.update(dict.fromkeys(entry.group for entry in self.entries_of(episode_id)))
        return found

    def routes_of(self, episode_id: str) -> Iterator[tuple[GroupKey, Route]]:
        """The groups it is routed to now, each with the route that decided."""
        for key in self._groups_of.get(episode_id, ()):
            yield key, self._members[key][episode_id]

    # -- the ledger

    def put_entry(self, entry: Entry) -> None:
        key = (entry.episode, entry.target)
        before = self.entries.get(key)
        if before is not None and before.group != entry.group:
            _drop(self._entries_in, before.group, key)
        self.entries[key] = entry
        self._entries_of.setdefault(entry.episode, {})[entry.target] = None
        self._entries_in.setdefault(entry.group, {})[key] = None
        self._entries_at.setdefault(entry.target, {})[key] = None
        self.unsaved.entries[key] = entry

    def entries_of(self, episode_id: str) -> list[Entry]:
        return [self.entries[episode_id, target] for target in self._entries_of.get(episode_id, ())]

    def entries_in(self, key: GroupKey) -> list[Entry]:
        return [self.entries[one] for one in self._entries_in.get(key, ())]

    def entries_at(self, target: str) -> list[Entry]:
        return [self.entries[one] for one in self._entries_at.get(target, ())]

    # -- groups

    def put_group(self, group: Group) -> None:
        if self.groups.get(group.key) != group:
            self.groups[group.key] = group
            self.unsaved.groups[group.key] = group

    def drop_group(self, key: GroupKey) -> None:
        if self.groups.pop(key, None) is not None:
            self.unsaved.groups[key] = None

    # -- duties

    def add_notification(self, notification: PendingNotification) -> None:
        self.next_notification = max(self.next_notification, notification.id + 1)
        self._index_notification(notification)
        self.unsaved.notifications[notification.id] = notification

    def put_notification(self, notification: PendingNotification) -> None:
        self.notifications[notification.id] = notification
        self.unsaved.notifications[notification.id] = notification

    def drop_notification(self, notification_id: int) -> None:
        notification = self.notifications.pop(notification_id, None)
        if notification is not None:
            _drop(self._notifications_to, notification.target, notification_id)
            self.in_flight.discard(notification_id)
            self.unsaved.notifications[notification_id] = None

    def notifications_to(self, target: str) -> list[PendingNotification]:
        """What waits for a target, in the order it was decided."""
        return [self.notifications[one] for one in self._notifications_to.get(target, ())]

    def waiting_targets(self) -> list[str]:
        return list(self._notifications_to)

    def _index_notification(self, notification: PendingNotification) -> None:
        self.notifications[notification.id] = notification
        self._notifications_to.setdefault(notification.target, {})[notification.id] = None

    # -- the story

    def note(self, at: float, episode: Episode, what: str, text: str, *, receiver: str = "", target: str = "") -> None:
        self.unsaved.notes.append(Note(at, episode.alert, episode.id, what, text, receiver, target))

    def settled(self, episode: Episode) -> bool:
        """Over, nobody is or can become owed its end, and no duty that waits is about it."""
        return not episode.firing and not any(
            entry.owes_end or Standing.WAITING is entry.standing or entry.ending is Ending.WAITING
            or any(
                item.episode == episode.id for one in self.notifications_to(entry.target) for item in one.items
            )
            for entry in self.entries_of(episode.id)
        )  # fmt: skip


def _drop(index: dict[_K, dict[_I, _V]], key: _K, item: _I) -> None:
    """Take an item out of an index, and its key with the last one: groups come and go for years."""
    items = index.get(key)
    if items is not None:
        items.pop(item, None)
        if not items:
            del index[key]
