"""The data behind the status page, gathered from the last poll and the store without waiting for the loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.alerts.episodes import Episode
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import TargetHealth
from watchdog.notify.ledger import Entry
from watchdog.units import format_duration
from watchdog.web.connector_states import States
from watchdog.web.episode_cards import Card, Group, Tally, card, groups, tally
from watchdog.web.recipients import Outlook
from watchdog.web.silences import MuteView, SilenceView, mute_views, silence_views
from watchdog.web.times import Moment, moment
from watchdog.web.topology import Filter, Topology, urgency
from watchdog.web.topology_rows import RowView, RowViews
from watchdog.web.view import ServiceView


@dataclass(frozen=True, slots=True)
class PendingView:
    """`fires`: after which instant a true poll makes it fire; None where its rule was not judged."""

    alert: str
    kind: str
    entity: str
    since: Moment
    fires: Moment | None


def pending_views(
    states: Mapping[AlertKey, AlertState], evaluation: Evaluation | None, now: float
) -> list[PendingView]:
    """The next to fire first."""
    return sorted(_views(states, evaluation, now), key=lambda one: (one.fires or one.since).machine)


def _views(states: Mapping[AlertKey, AlertState], evaluation: Evaluation | None, now: float) -> Iterable[PendingView]:
    for key, state in states.items():
        since = now if state.since is None else state.since
        wait = None if evaluation is None else _wait(key, evaluation)
        entity = None if evaluation is None else evaluation.snapshot.fleet.entity(key.entity_key)
        yield PendingView(key.rule, str(key.kind), key.entity if entity is None else entity.name, moment(since, now),
                          None if wait is None else moment(since + wait, now))  # fmt: skip


def _wait(key: AlertKey, evaluation: Evaluation) -> float | None:
    """The rule's `for` on this entity."""
    verdicts = evaluation.verdicts.get(key.rule)
    row = None if verdicts is None else verdicts.table.row.get(key.entity_key)
    if verdicts is None or row is None:
        return None
    at = int(verdicts.rows.searchsorted(row))
    if at >= len(verdicts.rows) or verdicts.rows[at] != row:
        return None
    return verdicts.rule.variants[int(verdicts.variant[at])].for_


#: Rows of the topology on one page, and alerts on the status page; the rest is counted and can be searched for.
ROWS = 50
ALERTS = 100
_RECENT = 15
_PENDING = 50


@dataclass(frozen=True, slots=True)
class Head:
    """The head of every page. `stale` says for how long no cycle has ended, `failures` what the last poll lacks,
    `mistakes` what is wrong
    with the rules on disk."""

    polled: Moment | None
    now: Moment
    entities: int
    missing: str  #: entities without readings, by kind
    failures: tuple[str, ...]
    mistakes: str
    stale: str
    tally: Tally
    leader: str


@dataclass(frozen=True, slots=True)
class TargetView:
    """`failing` since when, `error` why; of one that was never written to, `error` says what is missing."""

    name: str
    failing: Moment | None
    error: str
    accepted: Moment | None
    delivered: int


@dataclass(frozen=True, slots=True)
class Board:
    """Everything `/` shows: `groups` and `quiet` of what fires (`wanted` alerts, of which `listed` are here), `rows` of
    the topology, and what was, will be and is held back."""

    head: Head
    groups: list[Group]
    quiet: list[Card]
    listed: int
    wanted: int
    pending: list[PendingView]
    rows: list[RowView]
    all_rows: int
    chosen_rows: int
    page: int
    pages: int
    tags: tuple[str, ...]
    recent: list[Card]
    silences: list[SilenceView]
    mutes: list[MuteView]
    targets: list[TargetView]


class Boards:
    """Gathers boards; what depends on the listing alone is kept until the next one."""

    def __init__(self, watched: ServiceView) -> None:
        self._watched = watched
        self._topology: Topology | None = None

    def firing(self) -> Sequence[Episode]:
        return self._watched.firing()

    def head(self, now: float, firing: Sequence[Episode] | None = None) -> Head:
        evaluation = self._watched.evaluation
        last = None if evaluation is None else evaluation.at
        return Head(
            polled=None if last is None else moment(last, now),
            now=moment(now, now),
            entities=0 if evaluation is None else len(evaluation.snapshot.fleet),
            missing="" if evaluation is None else evaluation.missing(),
            failures=() if evaluation is None else evaluation.failures,
            mistakes=self._watched.mistakes,
            stale="" if self._watched.healthy() else format_duration(0.0 if last is None else max(0.0, now - last)),
            tally=tally(self.firing() if firing is None else firing),
            leader=self._watched.leader,
        )

    def board(self, what: Filter, page: int, now: float) -> Board:
        """Everything `/` shows. `page` counts from 1."""
        watched, store = self._watched, self._watched.store
        firing, targets = self.firing(), store.targets()
        topology = self.topology()
        chosen, rows, pages = [], [], 1
        if topology is not None and watched.evaluation is not None:
            troubled, states = topology.troubled(firing), States(watched.evaluation.snapshot)
            chosen = topology.chosen(what, states, troubled)
            pages = max(1, -(-len(chosen) // ROWS))
            page = min(max(1, page), pages)
            views = RowViews(watched.evaluation.snapshot, states, watched.links, watched.line)
            rows = [views.view(row, troubled.get(row.key, ())) for row in chosen[(page - 1) * ROWS : page * ROWS]]
        wanted = sorted(_wanted(firing, what, topology, {row.key for row in chosen}), key=urgency)
        listed = wanted[:ALERTS]
        outlook = self.outlook(firing, targets, now)
        made, quiet = groups(
            [([] if topology is None else topology.rows_of(one), one_card)
             for one, one_card in zip(listed, self._cards(listed, outlook, now), strict=True)],
            watched.links,
        )  # fmt: skip
        return Board(
            head=self.head(now, firing),
            groups=made,
            quiet=quiet,
            listed=len(listed),
            wanted=len(wanted),
            pending=pending_views(store.alerts(phase=Phase.PENDING), watched.evaluation, now)[:_PENDING],
            rows=rows,
            all_rows=0 if topology is None else len(topology.rows),
            chosen_rows=len(chosen),
            page=page,
            pages=pages,
            tags=() if topology is None else tuple(topology.tags),
            recent=[card(one, now, watched.links) for one in store.episodes(firing=False, limit=_RECENT)],
            silences=self.silences(now, firing),
            mutes=mute_views(watched.policy.mutes, firing, now),
            targets=_target_views(targets, watched.policy, now),
        )

    def outlook(self, firing: Sequence[Episode], targets: Sequence[TargetHealth], now: float) -> Outlook:
        store = self._watched.store
        return Outlook(self._watched.policy, store.groups(), targets, store.silences(), firing, now)

    def silences(self, now: float, firing: Sequence[Episode], *, over: bool = False) -> list[SilenceView]:
        """Those that hold something back or will, the first to end first; `over`: those that ended, newest first."""
        found = [one for one in self._watched.store.silences() if (one.ends <= now) is over]
        return silence_views(sorted(found, key=lambda one: one.ends, reverse=over), firing, now)

    def topology(self) -> Topology | None:
        """The rows of the last poll's fleet; None before the first poll."""
        evaluation = self._watched.evaluation
        if evaluation is None:
            return None
        fleet, kept = evaluation.snapshot.fleet, self._topology
        if kept is None or kept.fleet is not fleet:
            kept = self._topology = Topology.build(fleet)
        return kept

    def _cards(self, episodes: Sequence[Episode], outlook: Outlook, now: float) -> list[Card]:
        watched = self._watched
        entries: dict[str, list[Entry]] = {}
        for entry in watched.store.entries_of(*(one.id for one in episodes)):
            entries.setdefault(entry.episode, []).append(entry)
        return [
            card(one, now, watched.links, watched.texts(one, now), outlook.knowledge(one, entries.get(one.id, ())))
            for one in episodes
        ]


def _target_views(known: Sequence[TargetHealth], policy: Policy, now: float) -> list[TargetView]:
    """Every target that was ever written to, and the receivers whose targets have not been."""
    views = [_target_view(one, now) for one in known]
    seen = {one.target for one in known}
    for name, receiver in sorted(policy.receivers.items()):
        if not receiver.targets:
            views.append(TargetView(name, None, "none of its variables is set", None, 0))
        elif not any(spec.id in seen for spec in receiver.targets):
            views.append(TargetView(name, None, "", None, 0))
    return views


def _target_view(health: TargetHealth, now: float) -> TargetView:
    failing = None if health.failing_since is None else moment(health.failing_since, now)
    accepted = None if health.last_accepted is None else moment(health.last_accepted, now)
    name = f"{health.receiver}: {health.label}" if health.label else health.receiver
    return TargetView(name, failing, health.last_error, accepted, health.delivered)


def _wanted(
    firing: Sequence[Episode], what: Filter, topology: Topology | None, rows: set[object]
) -> Sequence[Episode]:
    """The firing alerts a filter leaves: those of the rows it leaves, and those whose own words it names."""
    if not what:
        return firing
    words = what.text.casefold().split()

    def named(episode: Episode) -> bool:
        own = f"{episode.alert.rule}\n{episode.facts.entity}\n{episode.alert.entity}".casefold()
        return bool(words) and not (what.kind or what.tag) and all(word in own for word in words)

    def inside(episode: Episode) -> bool:
        return topology is not None and any(row.key in rows for row in topology.rows_of(episode))

    return [one for one in firing if named(one) or inside(one)]
