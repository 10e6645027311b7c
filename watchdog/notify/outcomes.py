"""What a target's answer does to the ledger, and whom a message goes to that could not be delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from watchdog.errors import DeliveryError
from watchdog.notify.book import Book
from watchdog.notify.contacts import Contacts
from watchdog.notify.duties import Duty, Item, Part
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.owing import kind_of, owe
from watchdog.notify.routes import GroupKey


@dataclass(frozen=True, slots=True)
class Claim:
    """A duty that is being sent: the items that still hold, and those of them whose episode was over by then."""

    duty: Duty
    kind: MessageKind
    missed: frozenset[str]


def claim(book: Book, target: str, now: float) -> Claim | None:
    """The next duty of a target that is due, marked as in flight. Per group they go in order; one that waits for its
    next try holds back only what follows it in its group."""
    blocked: set[GroupKey] = set()
    for duty in book.duties_to(target):
        if duty.group in blocked:
            continue
        if duty.id in book.in_flight or duty.next_try > now:
            blocked.add(duty.group)
            continue
        ready = unheld(book, duty)
        if ready is None:
            continue  # what follows in its group is about other alerts
        duty = ready
        items = tuple(item for item in duty.items if _still_holds(book, duty, item, now))
        if not items:
            book.drop_duty(duty.id)
            continue
        book.in_flight.add(duty.id)
        return _claimed(book, replace(duty, items=items, cause=duty.cause or _released(book, items)))
    return None


def waiting(book: Book) -> Iterator[tuple[Duty, Duty]]:
    """Duties that may be told, each with the one of its target and group that has to leave first (often itself). Those
    under way, and what waits behind them, are left out."""
    for target in book.waiting_targets():
        first: dict[GroupKey, Duty] = {}
        for duty in book.duties_to(target):
            if not held(book, duty):
                before = first.setdefault(duty.group, duty)
                if before.id not in book.in_flight:
                    yield duty, before


def held(book: Book, duty: Duty) -> bool:
    """Whether something holds back all that a duty would tell."""
    return all(_is_held(book, item) for item in duty.items)


def unheld(book: Book, duty: Duty) -> Duty | None:
    """What of a duty may be told now, None for nothing; the rest goes on waiting as a duty of its own."""
    free = tuple(item for item in duty.items if not _is_held(book, item))
    if len(free) == len(duty.items) or not free:
        return duty if free else None
    later = tuple(item for item in duty.items if item not in free)
    book.add_duty(replace(duty, id=book.next_duty, items=later))
    ready = replace(duty, items=free)
    book.put_duty(ready)
    return ready


def _is_held(book: Book, item: Item) -> bool:
    """A silence, mute or suppressor that came while a beginning or an escalation waited for its target."""
    episode = book.episodes[item.episode]
    return item.part in (Part.BEGIN, Part.ESCALATE) and episode.firing and bool(episode.hold)


def _released(book: Book, items: Iterable[Item]) -> str:
    """What had held back these beginnings while they waited."""
    begun = (book.episodes[item.episode] for item in items if item.part is Part.BEGIN)
    return "; ".join(dict.fromkeys(one.release_note for one in begun if one.firing and one.release_note))


def _claimed(book: Book, duty: Duty) -> Claim:
    begins = [item for item in duty.items if item.part in (Part.BEGIN, Part.ESCALATE)]
    missed = frozenset(item.episode for item in begins if not book.episodes[item.episode].firing)
    parts = [item.part for item in duty.items if item.episode not in missed]
    if missed and not any(item.episode not in missed for item in begins):
        return Claim(duty, MessageKind.MISSED, missed)
    return Claim(duty, kind_of(parts), missed)


def _still_holds(book: Book, duty: Duty, item: Item, now: float) -> bool:
    """Whether it is still worth saying; an escalation that somebody acknowledged meanwhile is not."""
    episode = book.episodes[item.episode]
    entry = book.entries[item.episode, duty.target]
    if item.part in (Part.REMIND, Part.UPDATE):
        return episode.firing and not episode.hold and not (item.part is Part.REMIND and episode.acknowledgement)
    if item.part is Part.ESCALATE and entry.standing is not Standing.WAITING:
        return episode.firing and episode.acknowledgement is None
    if item.part is Part.ESCALATE and episode.acknowledgement is not None:
        book.put_entry(replace(entry, standing=Standing.REFUSED))
        book.note(now, episode, "dropped", "acknowledged before the escalation was delivered", receiver=duty.receiver)
        return False
    return True


def accepted(book: Book, claim: Claim, now: float, *, unknown: bool = False) -> None:
    """The target took the message (or may have: an unknown outcome counts as accepted and is not repeated)."""
    duty = claim.duty
    for item in duty.items:
        episode = book.episodes[item.episode]
        entry = book.entries[item.episode, duty.target]
        was_missed = item.episode in claim.missed
        if item.part is Part.END:
            entry = replace(entry, ending=Ending.CLOSED)
        elif entry.standing is not Standing.ACCEPTED:
            entry = replace(entry, standing=Standing.ACCEPTED, told_at=now)
            if was_missed:
                entry = replace(entry, ending=Ending.CLOSED)
        book.put_entry(replace(entry, told_dark=episode.dark_until))
        if episode.first_accepted is None and item.part is not Part.END and not was_missed:
            held_since = now if episode.hold else None
            episode = replace(episode, first_accepted=now, held_since=held_since)
            book.put_episode(episode)
        what = "missed" if was_missed else "unknown" if unknown else "told"
        text = f"{duty.cause}; {item.part}" if duty.cause else str(item.part)
        book.note(now, episode, what, text, receiver=duty.receiver, target=duty.target)
        if episode.firing == entry.closed or (entry.owes_end and not episode.firing):
            book.touched.add(entry.group)  # its end is due, or it heard the end of what still fires and is back
    book.drop_duty(duty.id)


def failed(book: Book, contacts: Contacts, claim: Claim, error: DeliveryError, now: float) -> None:
    """The target did not take it: tried again, or, where that cannot help, closed and handed to the fallback."""
    duty = claim.duty
    book.in_flight.discard(duty.id)
    if error.unknown and duty.target not in contacts.pagerduty:
        accepted(book, claim, now, unknown=True)
        return
    if not error.permanent:
        if not duty.attempts:
            for item in duty.items:
                _note_failure(book, duty, item, f"will be tried again: {error}", now)
        book.put_duty(duty.failed(now, str(error), error.retry_after))
        return
    for item in duty.items:
        entry = book.entries[item.episode, duty.target]
        if item.part is Part.END:
            book.put_entry(replace(entry, ending=Ending.CLOSED))
        elif entry.standing is Standing.WAITING:
            book.put_entry(replace(entry, standing=Standing.REFUSED))
        _note_failure(book, duty, item, f"refused for good: {error}", now)
    book.drop_duty(duty.id)
    if not duty.handed_over:
        hand_over(book, contacts, duty, f"{duty.receiver} refused it: {error}", now, for_good=True)


def hand_over(book: Book, contacts: Contacts, duty: Duty, cause: str, now: float, *, for_good: bool) -> None:
    """Give the fallback what a receiver could not be told: one hop, and never what it knows already.

    An end goes there only when it was refused for good; one that is merely late still reaches whom it is owed to.
    """
    fallback = contacts.fallback_of(duty.receiver)
    if fallback is None or duty.is_fallback:
        return
    key = GroupKey(fallback, duty.group.labels)
    messages = 0
    for target in contacts.targets(fallback):
        owed = []
        for item in duty.items:
            episode = book.episodes[item.episode]
            entry = book.entries.get((item.episode, target))
            if item.part is Part.END:
                if for_good and entry is None:
                    owed.append((episode, Part.END))
            elif item.part is Part.UPDATE or not (episode.firing or for_good):
                continue
            elif entry is None or entry.closed or entry.standing is Standing.REFUSED:
                owed.append((episode, Part.BEGIN))
        messages += owe(book, contacts, target, key, owed, now, role=Role.FALLBACK, cause=cause)
        for episode, _ in owed:
            book.note(now, episode, "handed-over", cause, receiver=fallback, target=target)
    if messages:
        source = book.groups.get(duty.group)
        told_in_group(book, key, source, now)


def told_in_group(book: Book, key: GroupKey, like: Group | None, now: float) -> None:
    """A message left outside a flush (fallback, escalation): the receiver's group counts from it."""
    group = book.groups.get(key)
    if group is None:
        timings = (like.wait, like.interval, like.repeat) if like is not None else (30.0, 300.0, 14400.0)
        group = Group(key, now, *timings)
    book.put_group(replace(group, last_message=now))


def _note_failure(book: Book, duty: Duty, item: Item, text: str, now: float) -> None:
    episode = book.episodes[item.episode]
    book.note(now, episode, "failed", text, receiver=duty.receiver, target=duty.target)
