"""What holds episodes back at one instant, and what letting go of them means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from watchdog.alerts.episodes import Episode, Hold
from watchdog.alerts.life import AlertKey
from watchdog.alerts.mutes import Mute
from watchdog.alerts.silences import Silence, silenced_by
from watchdog.alerts.suppression import Suppression
from watchdog.notify.book import Book
from watchdog.notify.ledger import Role, Standing


@dataclass(frozen=True)
class Quiet:
    """Silences and mutes that are active at one instant."""

    silences: Sequence[Silence] = ()
    mutes: Sequence[Mute] = ()

    @classmethod
    def at(cls, now: float, silences: Iterable[Silence], mutes: Iterable[Mute]) -> Quiet:
        return cls([one for one in silences if one.active(now)], [one for one in mutes if one.active(now)])


def hold_of(episode: Episode, quiet: Quiet, suppression: Suppression, true: Collection[AlertKey] | None) -> Hold:
    """What holds an episode now. `true`: the alerts this poll found true, None between polls."""
    labels = episode.facts.labels
    suppressor = suppression.of(episode.alert)
    before = episode.hold
    awaits = suppressor is None and (
        bool(before.suppressor) or (before.awaits_true and (true is None or episode.alert not in true))
    )
    return Hold(
        silences=tuple(one.id for one in silenced_by(labels, quiet.silences)),
        mutes=tuple(one.name for one in quiet.mutes if one.where.matches(labels)),
        suppressor="" if suppressor is None else str(suppressor),
        awaits_true=awaits,
    )


def apply_hold(book: Book, episode: Episode, hold: Hold, names: dict[str, str], now: float) -> bool:
    """Put an episode's new hold and what follows: paused clocks, releases to tell, the note in its story.

    `names` says what a silence is called in messages, by id. Returns whether anything changed.
    """
    before = episode.hold
    if hold == before:
        return False
    after = replace(episode, hold=hold)
    if hold and not before:
        after = replace(after, held_since=now)
        book.note(now, episode, "held", str(hold))
    elif before and not hold:
        held = now - max(episode.held_since or now, episode.first_accepted or now)
        after = replace(after, held_since=None, paused=episode.paused + max(0.0, held))
        book.note(now, episode, "released", f"no longer {before}")
    if before.quiet and not hold.quiet:
        ended = [names.get(one, f"silence {one}") for one in before.silences]
        ended += [f"mute {one}" for one in before.mutes]
        after = replace(after, release_note=" and ".join(ended) + " is over")
        if not hold.suppressed:
            _remind(book, after, after.release_note)
    if hold.suppressed and not before.suppressed:
        _remind(book, after, "")  # what a silence left due is not made up for: reminders go on after the release
    if before.suppressed and not hold.suppressed:
        after = replace(after, released=now)
    book.put_episode(after)
    if before.suppressed and not hold.suppressed:
        _restart_reminders(book, after, now)
    book.touched.update(book.groups_of(episode.id))
    return True


def _remind(book: Book, episode: Episode, why: str) -> None:
    """What had been told before gets a reminder that says why, "" for none."""
    for entry in book.entries_of(episode.id):
        if entry.role is Role.ROUTED and entry.standing is Standing.ACCEPTED and not entry.closed:
            book.put_entry(replace(entry, remind=why))


def _restart_reminders(book: Book, episode: Episode, now: float) -> None:
    """Reminders go on with the next full interval, in groups where nothing else has been reminded of meanwhile."""
    for key in book.groups_of(episode.id):
        group = book.groups.get(key)
        others = (one for one, _ in book.members(key) if one.firing and one.id != episode.id)
        if group is None or group.repeat_from is None:
            continue
        if all(other.released == now or other.hold for other in others):
            book.put_group(replace(group, repeat_from=now))
