"""What a target's answer does to the ledger, and whom a message goes to that could not be delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from watchdog.errors import DeliveryError
from watchdog.notify.enqueue import enqueue, kind_of
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.records import Records
from watchdog.notify.reports import hand_over_report
from watchdog.notify.routes import GroupKey, Routing


@dataclass(frozen=True, slots=True)
class Claim:
    """A duty that is being sent: the items that still hold, and those of them whose episode was over by then."""

    notification: PendingNotification
    kind: MessageKind
    missed: frozenset[str]


def claim(records: Records, target: str, now: float) -> Claim | None:
    """The next duty of a target that is due, marked as in flight. Per group they go in order; one that waits for its
    next try holds back only what follows it in its group."""
    blocked: set[GroupKey] = set()
    for notification in records.notifications_to(target):
        if notification.group in blocked:
            continue
        if notification.id in records.in_flight or notification.next_try > now:
            blocked.add(notification.group)
            continue
        ready = unheld(records, notification)
        if ready is None:
            continue  # what follows in its group is about other alerts
        notification = ready
        if notification.report is not None:
            records.in_flight.add(notification.id)
            return Claim(notification, MessageKind.REPORT, frozenset())
        items = tuple(item for item in notification.items if _still_holds(records, notification, item, now))
        if not items:
            records.drop_notification(notification.id)
            continue
        records.in_flight.add(notification.id)
        return _claimed(
            records, replace(notification, items=items, cause=notification.cause or _released(records, items))
        )
    return None


def waiting(records: Records) -> Iterator[tuple[PendingNotification, PendingNotification]]:
    """Duties that may be told, each with the one of its target and group that has to leave first (often itself). Those
    under way, and what waits behind them, are left out."""
    for target in records.waiting_targets():
        first: dict[GroupKey, PendingNotification] = {}
        for notification in records.notifications_to(target):
            if not held(records, notification):
                before = first.setdefault(notification.group, notification)
                if before.id not in records.in_flight:
                    yield notification, before


def held(records: Records, notification: PendingNotification) -> bool:
    """Whether something holds back all that a duty would tell."""
    return bool(notification.items) and all(_is_held(records, item) for item in notification.items)


def unheld(records: Records, notification: PendingNotification) -> PendingNotification | None:
    """What of a duty may be told now, None for nothing; the rest goes on waiting as a duty of its own."""
    free = tuple(item for item in notification.items if not _is_held(records, item))
    if len(free) == len(notification.items) or not free:
        return notification if free or notification.report is not None else None
    later = tuple(item for item in notification.items if item not in free)
    records.add_notification(replace(notification, id=records.next_notification, items=later))
    ready = replace(notification, items=free)
    records.put_notification(ready)
    return ready


def _is_held(records: Records, item: Item) -> bool:
    """A silence, mute or suppressor that came while a beginning or an escalation waited for its target."""
    episode = records.episodes[item.episode]
    return item.part in (Part.BEGIN, Part.ESCALATE) and episode.firing and bool(episode.hold)


def _released(records: Records, items: Iterable[Item]) -> str:
    """What had held back these beginnings while they waited."""
    begun = (records.episodes[item.episode] for item in items if item.part is Part.BEGIN)
    return "; ".join(dict.fromkeys(one.release_note for one in begun if one.firing and one.release_note))


def _claimed(records: Records, notification: PendingNotification) -> Claim:
    begins = [item for item in notification.items if item.part in (Part.BEGIN, Part.ESCALATE)]
    missed = frozenset(item.episode for item in begins if not records.episodes[item.episode].firing)
    parts = [item.part for item in notification.items if item.episode not in missed]
    if missed and not any(item.episode not in missed for item in begins):
        return Claim(notification, MessageKind.MISSED, missed)
    return Claim(notification, kind_of(parts), missed)


def _still_holds(records: Records, notification: PendingNotification, item: Item, now: float) -> bool:
    """Whether it is still worth saying; an escalation that somebody acknowledged meanwhile is not."""
    episode = records.episodes[item.episode]
    entry = records.entries[item.episode, notification.target]
    if item.part in (Part.REMIND, Part.UPDATE):
        return episode.firing and not episode.hold and not (item.part is Part.REMIND and episode.acknowledgement)
    if item.part is Part.ESCALATE and entry.standing is not Standing.WAITING:
        return episode.firing and episode.acknowledgement is None
    if item.part is Part.ESCALATE and episode.acknowledgement is not None:
        records.put_entry(replace(entry, standing=Standing.REFUSED))
        records.note(
            now, episode, "dropped", "acknowledged before the escalation was delivered", receiver=notification.receiver
        )
        return False
    return True


def accepted(records: Records, claim: Claim, now: float, *, unknown: bool = False) -> None:
    """The target took the message (or may have: an unknown outcome counts as accepted and is not repeated)."""
    notification = claim.notification
    for item in notification.items:
        episode = records.episodes[item.episode]
        entry = records.entries[item.episode, notification.target]
        was_missed = item.episode in claim.missed
        if item.part is Part.END:
            entry = replace(entry, ending=Ending.CLOSED)
        elif entry.standing is not Standing.ACCEPTED:
            entry = replace(entry, standing=Standing.ACCEPTED, told_at=now)
            if was_missed:
                entry = replace(entry, ending=Ending.CLOSED)
        records.put_entry(replace(entry, told_dark=episode.dark_until))
        if episode.first_accepted is None and item.part is not Part.END and not was_missed:
            held_since = now if episode.hold else None
            episode = replace(episode, first_accepted=now, held_since=held_since)
            records.put_episode(episode)
        what = "missed" if was_missed else "unknown" if unknown else "told"
        text = f"{notification.cause}; {item.part}" if notification.cause else str(item.part)
        records.note(now, episode, what, text, receiver=notification.receiver, target=notification.target)
        if episode.firing == entry.closed or (entry.owes_end and not episode.firing):
            records.touched.add(entry.group)  # its end is due, or it heard the end of what still fires and is back
    records.drop_notification(notification.id)


def failed(records: Records, routing: Routing, claim: Claim, error: DeliveryError, now: float) -> None:
    """The target did not take it: tried again, or, where that cannot help, closed and handed to the fallback."""
    notification = claim.notification
    records.in_flight.discard(notification.id)
    if error.unknown and notification.target not in routing.pagerduty:
        accepted(records, claim, now, unknown=True)
        return
    if not error.permanent:
        if not notification.attempts:
            for item in notification.items:
                _note_failure(records, notification, item, f"will be tried again: {error}", now)
        records.put_notification(notification.failed(now, str(error), error.retry_after))
        return
    for item in notification.items:
        entry = records.entries[item.episode, notification.target]
        if item.part is Part.END:
            records.put_entry(replace(entry, ending=Ending.CLOSED))
        elif entry.standing is Standing.WAITING:
            records.put_entry(replace(entry, standing=Standing.REFUSED))
        _note_failure(records, notification, item, f"refused for good: {error}", now)
    records.drop_notification(notification.id)
    if not notification.handed_over:
        hand_over(records, routing, notification, f"{notification.receiver} refused it: {error}", now, for_good=True)


def hand_over(
    records: Records, routing: Routing, notification: PendingNotification, cause: str, now: float, *, for_good: bool
) -> None:
    """Give the fallback what a receiver could not be told: one hop, and never what it knows already.

    An end goes there only when it was refused for good; one that is merely late still reaches whom it is owed to.
    """
    if notification.report is not None:
        hand_over_report(records, routing, notification, cause, now)
        return
    fallback = routing.fallback_of(notification.receiver)
    if fallback is None or notification.is_fallback:
        return
    key = GroupKey(fallback, notification.group.labels)
    messages = 0
    for target in routing.targets(fallback):
        owed = []
        for item in notification.items:
            episode = records.episodes[item.episode]
            entry = records.entries.get((item.episode, target))
            if item.part is Part.END:
                if for_good and entry is None:
                    owed.append((episode, Part.END))
            elif item.part is Part.UPDATE or not (episode.firing or for_good):
                continue
            elif entry is None or entry.closed or entry.standing is Standing.REFUSED:
                owed.append((episode, Part.BEGIN))
        messages += enqueue(records, routing, target, key, owed, now, role=Role.FALLBACK, cause=cause)
        for episode, _ in owed:
            records.note(now, episode, "handed-over", cause, receiver=fallback, target=target)
    if messages:
        source = records.groups.get(notification.group)
        told_in_group(records, key, source, now)


def told_in_group(records: Records, key: GroupKey, like: Group | None, now: float) -> None:
    """A message left outside a flush (fallback, escalation): the receiver's group counts from it."""
    group = records.groups.get(key)
    if group is None:
        timings = (like.wait, like.interval, like.repeat) if like is not None else (30.0, 300.0, 14400.0)
        group = Group(key, now, *timings)
    records.put_group(replace(group, last_message=now))


def _note_failure(records: Records, notification: PendingNotification, item: Item, text: str, now: float) -> None:
    episode = records.episodes[item.episode]
    records.note(now, episode, "failed", text, receiver=notification.receiver, target=notification.target)
