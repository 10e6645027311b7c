"""Escalation: who is told as well when nobody has acknowledged, counted from the first accepted delivery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.book import Book
from watchdog.notify.contacts import Contacts
from watchdog.notify.duties import Part
from watchdog.notify.ledger import Role
from watchdog.notify.outcomes import told_in_group
from watchdog.notify.owing import owe
from watchdog.notify.routes import GroupKey
from watchdog.units import format_duration


@dataclass(frozen=True, slots=True)
class Step:
    """One receiver that is to hear of one episode at `at`, in its group `key`; `source`: the group told before it."""

    at: float
    episode: Episode
    receiver: str
    after: float
    key: GroupKey
    source: GroupKey


def steps(book: Book, episode: Episode) -> Iterator[Step]:
    """What is still ahead of an episode; nothing while it is unheard, acknowledged, over, or its clock stands still."""
    if not episode.firing or episode.first_accepted is None or episode.acknowledgement or episode.hold:
        return
    for source, route in book.routes_of(episode.id):
        for escalation in route.escalate:
            for receiver in escalation.to:
                if (receiver, escalation.after) not in episode.escalated:
                    at = episode.first_accepted + episode.paused + escalation.after
                    key = GroupKey(receiver, source.labels)
                    yield Step(at, episode, receiver, escalation.after, key, source)


def escalate(book: Book, contacts: Contacts, due: list[Step], now: float) -> None:
    """Tell the receivers of these steps, one message per group; who was told already is told again."""
    by_group: dict[GroupKey, list[Step]] = {}
    for step in due:
        by_group.setdefault(step.key, []).append(step)
    for key, together in by_group.items():
        episodes = {step.episode.id: book.episodes[step.episode.id] for step in together}
        for step in together:
            episode = book.episodes[step.episode.id]
            if (step.receiver, step.after) in episode.escalated:
                continue  # a route that tells several receivers has the step once for each
            book.put_episode(replace(episode, escalated=episode.escalated | {(step.receiver, step.after)}))
            waited = f"not acknowledged for {format_duration(step.after)}"
            book.note(now, episode, "escalated", waited, receiver=step.receiver)
        messages = 0
        for target in contacts.targets(key.receiver):
            owed = [(episode, Part.ESCALATE) for episode in episodes.values()]
            messages += owe(book, contacts, target, key, owed, now, role=Role.ESCALATION)
        if messages:
            told_in_group(book, key, book.groups.get(together[0].source), now)
