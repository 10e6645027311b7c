"""Escalation: who is told as well when nobody has acknowledged, counted from the first accepted delivery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from watchdog.alerts.episodes import Episode
from watchdog.notify.enqueue import enqueue
from watchdog.notify.ledger import Role
from watchdog.notify.outcomes import told_in_group
from watchdog.notify.pending import Part
from watchdog.notify.records import Records
from watchdog.notify.routes import GroupKey, Routing
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


def steps(records: Records, episode: Episode) -> Iterator[Step]:
    """What is still ahead of an episode; nothing while it is unheard, acknowledged, over, or its clock stands still."""
    if not episode.firing or episode.first_accepted is None or episode.acknowledgement or episode.hold:
        return
    for source, route in records.routes_of(episode.id):
        for escalation in route.escalate:
            for receiver in escalation.to:
                if (receiver, escalation.after) not in episode.escalated:
                    at = episode.first_accepted + episode.paused + escalation.after
                    key = GroupKey(receiver, source.labels)
                    yield Step(at, episode, receiver, escalation.after, key, source)


def escalate(records: Records, routing: Routing, due: list[Step], now: float) -> None:
    """Tell the receivers of these steps, one message per group; who was told already is told again."""
    by_group: dict[GroupKey, list[Step]] = {}
    for step in due:
        by_group.setdefault(step.key, []).append(step)
    for key, together in by_group.items():
        episodes = {step.episode.id: records.episodes[step.episode.id] for step in together}
        for step in together:
            episode = records.episodes[step.episode.id]
            if (step.receiver, step.after) in episode.escalated:
                continue  # a route that tells several receivers has the step once for each
            records.put_episode(replace(episode, escalated=episode.escalated | {(step.receiver, step.after)}))
            waited = f"not acknowledged for {format_duration(step.after)}"
            records.note(now, episode, "escalated", waited, receiver=step.receiver)
        messages = 0
        for target in routing.targets(key.receiver):
            owed = [(episode, Part.ESCALATE) for episode in episodes.values()]
            messages += enqueue(records, routing, target, key, owed, now, role=Role.ESCALATION)
        if messages:
            told_in_group(records, key, records.groups.get(together[0].source), now)
