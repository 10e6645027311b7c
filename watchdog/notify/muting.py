"""What holds episodes back at one instant, and what letting go of them means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from watchdog.alerts.episodes import Episode, Hold
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.mutes import Mute
from watchdog.alerts.mutes import next_boundary as next_mute_boundary
from watchdog.alerts.silences import Silence, silenced_by
from watchdog.alerts.suppression import Suppression
from watchdog.notify.ledger import Role, Standing
from watchdog.notify.records import Records
from watchdog.readings.fleet import Fleet
from watchdog.rules.rule import Rule


@dataclass(frozen=True)
class Quiet:
    """Silences and mutes that are active at one instant."""

    silences: Sequence[Silence] = ()
    mutes: Sequence[Mute] = ()

    @classmethod
    def at(cls, now: float, silences: Iterable[Silence], mutes: Iterable[Mute]) -> Quiet:
        return cls([one for one in silences if one.active(now)], [one for one in mutes if one.active(now)])


class Muting:
    """Whom silences, mutes and suppressors hold back in a book. `fresh` collects episodes that have not been looked
    at; `changed_at` is the last instant at which somebody's hold changed."""

    def __init__(self, records: Records, rules: Mapping[str, Rule], mutes: Sequence[Mute]) -> None:
        self.fresh: set[str] = set()
        self.changed_at: float | None = None
        self._records = records
        self._silences: dict[str, Silence] = {}
        self._held = {episode.id for episode in records.episodes.values() if episode.hold}
        self._fleet = Fleet.of((), 0.0)
        self.configure(rules, mutes)

    def configure(self, rules: Mapping[str, Rule], mutes: Sequence[Mute]) -> None:
        """Rules and mutes as they are from now on."""
        self._rules, self._mutes = rules, mutes
        self._active: tuple[frozenset[str], frozenset[str]] | None = None  #: silences and mutes at the last look
        self._mute_boundary: float | None = None
        self._suppressors: tuple[frozenset[AlertKey], int] = (frozenset(), -1)
        self._suppression = Suppression((), {}, self._fleet)

    def set_silences(self, silences: Iterable[Silence]) -> None:
        self._silences = {silence.id: silence for silence in silences}
        self._active = None

    def outlived(self, now: float) -> list[Silence]:
        """Active silences of episodes that have ended."""
        bound = [one for one in self._silences.values() if one.episode and one.active(now)]
        open_ones = {episode.id for episode in self._records.open_episodes()} if bound else set()
        return [one for one in bound if one.episode not in open_ones]

    def awaiting(self) -> set[AlertKey]:
        """Alerts that are told only if a poll finds them true, because their suppressor has ended."""
        held = (self._records.episodes.get(one) for one in self._held)
        return {episode.alert for episode in held if episode is not None and episode.hold.awaits_true}

    def next_edge(self, now: float) -> float | None:
        """The next instant at which a silence or a mute begins or ends."""
        found = [at for one in self._silences.values() for at in (one.starts, one.ends) if at > now]
        if self._mutes and (self._mute_boundary is None or self._mute_boundary <= now):
            self._mute_boundary = next_mute_boundary((one.schedule for one in self._mutes), now)
        if self._mute_boundary is not None:
            found.append(self._mute_boundary)
        return min(found, default=None)

    def refresh(self, now: float, true: Collection[AlertKey] | None, fleet: Fleet | None) -> bool:
        """Recompute what holds whom: everybody if silences, mutes or suppressors changed, else who is new or held.

        `true` and `fleet` are a poll's, None between polls. Returns whether anything changed.
        """
        self._fleet = self._fleet if fleet is None else fleet
        quiet = Quiet.at(now, self._silences.values(), self._mutes)
        everybody = self._refresh_suppression()
        active = (frozenset(one.id for one in quiet.silences), frozenset(one.name for one in quiet.mutes))
        if active != self._active:
            self._active = active
            everybody = True
        names = {one.id: f"silence by {one.author} ({one.comment})" for one in self._silences.values()}
        changed = False
        for episode_id in list(self._records.episodes if everybody else self._held | self.fresh):
            episode = self._records.episodes.get(episode_id)
            if episode is None or not episode.firing:
                self._held.discard(episode_id)
                continue
            hold = hold_of(episode, quiet, self._suppression, true)
            if apply_hold(self._records, episode, hold, names, now):
                changed = True
            if hold:
                self._held.add(episode_id)
            else:
                self._held.discard(episode_id)
        self.fresh.clear()
        self.changed_at = now if changed else self.changed_at
        return changed

    def _refresh_suppression(self) -> bool:
        """Rebuild who suppresses whom if that may have changed."""
        suppressing = {name for name, rule in self._rules.items() if rule.suppresses}
        firing = frozenset(self._records.firing_of(suppressing)) if suppressing else frozenset()
        now = (firing, self._fleet.version)
        if now == self._suppressors:
            return False
        self._suppressors = now
        self._suppression = Suppression(firing, self._rules, self._fleet)
        return True


def hold_of(episode: Episode, quiet: Quiet, suppression: Suppression, true: Collection[AlertKey] | None) -> Hold:
    """What holds an episode now. `true`: the alerts this poll found true, None between polls."""
    labels = episode.facts.labels
    suppressor = suppression.of(episode.alert)
    before = episode.hold
    awaits = suppressor is None and (
        bool(before.suppressor) or (before.awaits_true and (true is None or episode.alert not in true))
    )
    return Hold(
        silences=tuple(one.id for one in silenced_by(labels, episode.id, quiet.silences)),
        mutes=tuple(one.name for one in quiet.mutes if one.where.matches(labels)),
        suppressor="" if suppressor is None else str(suppressor),
        awaits_true=awaits,
    )


def apply_hold(records: Records, episode: Episode, hold: Hold, names: dict[str, str], now: float) -> bool:
    """Put an episode's new hold and what follows: paused clocks, releases to tell, the note in its story.

    `names` says what a silence is called in messages, by id. Returns whether anything changed.
    """
    before = episode.hold
    if hold == before:
        return False
    after = replace(episode, hold=hold)
    if hold and not before:
        after = replace(after, held_since=now)
        records.note(now, episode, "held", str(hold))
    elif before and not hold:
        held = now - max(episode.held_since or now, episode.first_accepted or now)
        after = replace(after, held_since=None, paused=episode.paused + max(0.0, held))
        records.note(now, episode, "released", f"no longer {before}")
    if before.quiet and not hold.quiet:
        ended = [names.get(one, f"silence {one}") for one in before.silences]
        ended += [f"mute {one}" for one in before.mutes]
        after = replace(after, release_note=" and ".join(ended) + (" have ended" if len(ended) > 1 else " has ended"))
        if not hold.suppressed:
            ask_reminder(records, after, after.release_note)
    if hold.suppressed and not before.suppressed:
        # what a silence left due is not made up for: reminders go on after the release
        ask_reminder(records, after, "")
    if before.suppressed and not hold.suppressed:
        after = replace(after, released=now)
    records.put_episode(after)
    if before.suppressed and not hold.suppressed:
        _restart_reminders(records, after, now)
    records.touched.update(records.groups_of(episode.id))
    return True


def ask_reminder(records: Records, episode: Episode, why: str) -> None:
    """What had been told before gets a reminder that says why, "" for none."""
    for entry in records.entries_of(episode.id):
        if entry.role is Role.ROUTED and entry.standing is Standing.ACCEPTED and not entry.closed:
            records.put_entry(replace(entry, remind=why))


def _restart_reminders(records: Records, episode: Episode, now: float) -> None:
    """Reminders go on with the next full interval, in groups where nothing else has been reminded of meanwhile."""
    for key in records.groups_of(episode.id):
        group = records.groups.get(key)
        others = (one for one, _ in records.members(key) if one.firing and one.id != episode.id)
        if group is None or group.repeat_from is None:
            continue
        if all(other.released == now or other.hold for other in others):
            records.put_group(replace(group, repeat_from=now))
