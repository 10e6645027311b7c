"""What a group has to tell at one instant, and when it wants to be asked again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.enqueue import enqueue
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Entry, Role, Standing
from watchdog.notify.pending import Part
from watchdog.notify.records import Records
from watchdog.notify.routes import GroupKey, Route, Routing


@dataclass(slots=True)
class Outstanding:
    """Per target what a flush would tell; `ready_at`: when something that may not be told before comes in."""

    owed: dict[str, list[tuple[Episode, Part]]] = field(default_factory=dict)
    causes: dict[str, list[str]] = field(default_factory=dict)
    ready_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self.owed)

    def add(self, target: str, episode: Episode, part: Part, cause: str = "") -> None:
        self.owed.setdefault(target, []).append((episode, part))
        causes = self.causes.setdefault(target, [])
        if cause and cause not in causes:
            causes.append(cause)


def outstanding(records: Records, routing: Routing, group: Group, now: float) -> Outstanding:
    """Beginnings, releases and flapping of its members that nothing holds back, and the ends its targets are owed."""
    found = Outstanding()
    targets = routing.targets(group.key.receiver)
    for episode, _ in records.members(group.key):
        if not episode.firing or episode.hold:
            continue
        for target in targets:
            entry = records.entries.get((episode.id, target))
            if entry is None or entry.closed:
                ready = now if episode.released is None else episode.released + group.wait
                if ready <= now:
                    found.add(target, episode, Part.BEGIN, episode.release_note)
                else:
                    found.ready_at = ready if found.ready_at is None else min(found.ready_at, ready)
            elif entry.remind and episode.acknowledgement is None:
                found.add(target, episode, Part.REMIND, entry.remind)
            elif episode.flapping and not entry.told_flapping and entry.standing is Standing.ACCEPTED:
                found.add(target, episode, Part.UPDATE)
    for entry in records.entries_in(group.key):
        episode = records.episodes[entry.episode]
        if entry.owes_end and not episode.firing:
            found.add(entry.target, episode, Part.END)
    return found


def consider(records: Records, routing: Routing, key: GroupKey, now: float) -> None:
    """Set the deadline of a group that something happened to; begin or drop it as needed."""
    group = records.groups.get(key)
    routes = [route for episode, route in records.members(key) if episode.firing]
    owed = [entry for entry in records.entries_in(key) if entry.owes_end]
    if group is None:
        if routes:
            group = Group.begin(key, _first(routes), now)
        elif any(not records.episodes[entry.episode].firing for entry in owed):
            group = Group(key, now, 0.0, 0.0, 0.0, due=now)
        else:
            return
    elif not routes and not owed and group.due is None:
        records.drop_group(key)
        return
    if routes:
        group = group.with_timings(_first(routes))
    waiting = outstanding(records, routing, group, now)
    if waiting:
        group = group.changed(now)
    if waiting.ready_at is not None:
        group = group.due_by(waiting.ready_at)
    records.put_group(group)


def _first(routes: Iterable[Route]) -> Route:
    """If several routes lead into a group, the first in the file decides its timings."""
    return min(routes, key=lambda route: route.index)


def flush(records: Records, routing: Routing, group: Group, now: float) -> None:
    """Make the duties of everything outstanding; a group with nothing left is dropped."""
    waiting = outstanding(records, routing, group, now)
    messages = sum(
        enqueue(records, routing, target, group.key, owed, now, cause="; ".join(waiting.causes.get(target, ())))
        for target, owed in waiting.owed.items()
    )
    records.put_group(group.flushed(now, told=messages > 0))
    consider(records, routing, group.key, now)


def remind(records: Records, routing: Routing, group: Group, now: float) -> None:
    """Say again what still fires and nobody has acknowledged; nothing is sent when nothing is left."""
    messages = 0
    for target in routing.targets(group.key.receiver):
        if any(notification.group == group.key for notification in records.notifications_to(target)):
            continue  # it has not even heard the last message
        owed = [
            (episode, Part.REMIND)
            for episode, _ in records.members(group.key)
            if episode.firing
            and not episode.hold
            and episode.acknowledgement is None
            and (entry := records.entries.get((episode.id, target))) is not None
            and not entry.closed
        ]
        messages += enqueue(records, routing, target, group.key, owed, now)
    records.put_group(group.flushed(now, told=True) if messages else replace(group, repeat_from=now))


def regroup(records: Records, entry: Entry, key: GroupKey, route: Route) -> None:
    """A target that was told hears of this episode in another group from now on. What still waits for it stays in its
    order in the old one."""
    waits = any(notification.group == entry.group for notification in records.notifications_to(entry.target))
    if entry.role is not Role.ROUTED or not entry.owes_end or waits:
        return
    before = records.groups.get(entry.group)
    if before is not None and key not in records.groups:
        records.put_group(Group.following(before, key, route))
    records.touched.add(entry.group)
    records.put_entry(replace(entry, group=key))
