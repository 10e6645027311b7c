"""Pages: the messages that receivers accepted, from the history of the episodes they were about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchdog.alerts.episodes import Note
from watchdog.notify.pending import PAGES

#: Notes that a target accepted a message, or may have.
_ACCEPTED = frozenset({"told", "unknown", "missed"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that a receiver accepted. `paged` are the episodes that began, were reminded of or escalated in it,
    each with its rule."""

    receiver: str
    at: float
    paged: Mapping[str, str]

    @property
    def is_page(self) -> bool:
        return bool(self.paged)


def deliveries(notes: Iterable[Note]) -> list[Delivery]:
    """The messages behind these notes, by time. A receiver with several targets counts once: a message counts if it is
    the first to bring the receiver something."""
    messages: dict[tuple[float, str, str], list[tuple[Note, str]]] = defaultdict(list)
    for note in notes:
        if note.what in _ACCEPTED:
            part = "" if note.what == "missed" else note.text.rpartition("; ")[2]
            messages[note.at, note.receiver, note.target].append((note, part))
    times: Counter[tuple[str, str, str]] = Counter()
    brought: set[tuple[str, str, str, int]] = set()
    found = []
    for (at, receiver, target), items in sorted(messages.items()):
        new = []
        for note, part in items:
            times[target, note.episode, part] += 1
            what = (receiver, note.episode, part, times[target, note.episode, part])
            if what not in brought:
                new.append((note, part))
                brought.add(what)
        if new:
            paged = {note.episode: note.alert.rule for note, part in new if part in PAGES}
            found.append(Delivery(receiver, at, paged))
    return found
