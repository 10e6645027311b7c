"""What the status page lists, gathered from the last poll and the store. The loop is never waited for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchdog.alerts.episodes import Episode
from watchdog.notify.ledger import Entry
from watchdog.readings.fleet import Fleet
from watchdog.units import format_duration
from watchdog.web.seen import Watched
from watchdog.web.topology import Filter, Row, States, Topology
from watchdog.web.views import (
    EpisodeView,
    GroupView,
    Moment,
    RowView,
    RowViews,
    SilenceView,
    TargetView,
    episode_view,
    group_views,
    moment,
    silence_view,
    target_view,
)

#: Rows of the topology on one page, and alerts on the status page; the rest is counted and can be searched for.
ROWS = 50
ALERTS = 100
_RECENT = 15
_FIRING = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """The head of every page. `stale` says for how long no cycle has ended, `failures` what the last poll lacks."""

    polled: Moment | None
    entities: int
    failures: tuple[str, ...]
    stale: str
    firing: int
    leader: str


@dataclass(frozen=True, slots=True)
class Board:
    head: Head
    groups: list[GroupView]
    quiet: list[EpisodeView]
    listed: int
    firing: int
    rows: list[RowView]
    all_rows: int
    chosen_rows: int
    page: int
    pages: int
    tags: tuple[str, ...]
    recent: list[EpisodeView]
    silences: list[SilenceView]
    targets: list[TargetView]


class Boards:
    """Gathers boards; what depends on the listing alone is kept until the next one."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._topology: Topology | None = None

    def head(self, now: float, firing: int | None = None) -> Head:
        judged = self._watched.judged
        last = None if judged is None else judged.at
        return Head(
            polled=None if last is None else moment(last, now),
            entities=0 if judged is None else len(judged.snapshot.fleet),
            failures=() if judged is None else judged.failures,
            stale="" if self._watched.healthy() else format_duration(0.0 if last is None else max(0.0, now - last)),
            firing=self.firing_count() if firing is None else firing,
            leader=self._watched.leader,
        )

    def firing_count(self) -> int:
        return len(self._watched.store.episodes(firing=True, limit=_FIRING))

    def board(self, what: Filter, page: int, now: float) -> Board:
        """Everything `/` shows. `page` counts from 1."""
        watched = self._watched
        firing = watched.store.episodes(firing=True, limit=_FIRING)
        topology = self.topology()
        troubled = {} if topology is None else topology.troubled(firing)
        chosen: list[Row] = []
        rows: list[RowView] = []
        pages = 1
        if topology is not None and watched.judged is not None:
            snapshot = watched.judged.snapshot
            states = States(snapshot)
            chosen = topology.chosen(what, states, troubled)
            pages = max(1, -(-len(chosen) // ROWS))
            page = min(max(1, page), pages)
            shown = chosen[(page - 1) * ROWS : page * ROWS]
            maker = RowViews(snapshot, states, watched.links, watched.line)
            inside = [one for row in shown for one in troubled.get(row.key, ())]
            views = {one.id: self._brief(one, now) for one in inside}
            rows = [maker.view(row, troubled.get(row.key, ()), views) for row in shown]
        wanted = _wanted(firing, what, topology, {row.key for row in chosen})
        wanted.sort(key=_urgent)
        listed = wanted[:ALERTS]
        told = self._entries(listed)
        groups, quiet = group_views(
            [
                ([] if topology is None else topology.rows_of(one), self._full(one, told.get(one.id, []), now))
                for one in listed
            ],
            watched.links,
        )
        return Board(
            head=self.head(now, len(firing)),
            groups=groups,
            quiet=quiet,
            listed=len(listed),
            firing=len(wanted),
            rows=rows,
            all_rows=0 if topology is None else len(topology.rows),
            chosen_rows=len(chosen),
            page=page,
            pages=pages,
            tags=() if topology is None else tuple(topology.tags),
            recent=[self._brief(one, now) for one in watched.store.episodes(firing=False, limit=_RECENT)],
            silences=self.silences(now),
            targets=[target_view(one, now) for one in watched.store.targets()],
        )

    def silences(self, now: float, *, over: bool = False) -> list[SilenceView]:
        """Those that hold something back or will, the first to end first; `over`: those that ended, newest first."""
        found = [one for one in self._watched.store.silences() if (one.ends <= now) is over]
        return [silence_view(one, now) for one in sorted(found, key=lambda one: one.ends, reverse=over)]

    def topology(self) -> Topology | None:
        """The rows of the last poll's fleet; None before the first poll."""
        judged = self._watched.judged
        if judged is None:
            return None
        fleet: Fleet = judged.snapshot.fleet
        kept = self._topology
        if kept is None or kept.fleet is not fleet:
            kept = self._topology = Topology.build(fleet)
        return kept

    def _entries(self, episodes: Iterable[Episode]) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self._watched.store.entries_of(*(one.id for one in episodes)):
            found.setdefault(entry.episode, []).append(entry)
        return found

    def _full(self, episode: Episode, entries: list[Entry], now: float) -> EpisodeView:
        return episode_view(episode, entries, now, self._watched.texts(episode, now), self._watched.links)

    def _brief(self, episode: Episode, now: float) -> EpisodeView:
        """Without the ledger and without rendering texts: for lists."""
        return episode_view(episode, (), now, {}, self._watched.links)


def _urgent(episode: Episode) -> tuple[bool, int, float]:
    rank = {"critical": 0, "warning": 1}.get(str(episode.facts.labels.get("severity")), 2)
    return bool(episode.hold), rank, episode.began


def _wanted(
    firing: list[Episode], what: Filter, topology: Topology | None, rows: set[object]
) -> list[Episode]:
    """The firing alerts a filter leaves: those of the rows it leaves, and those whose own words it names."""
    if not what:
        return list(firing)
    words = what.text.casefold().split()

    def named(episode: Episode) -> bool:
        own = f"{episode.alert.rule}\n{episode.facts.entity}\n{episode.alert.entity}".casefold()
        return bool(words) and not (what.kind or what.tag) and all(word in own for word in words)

    def inside(episode: Episode) -> bool:
        return topology is not None and any(row.key in rows for row in topology.rows_of(episode))

    return [one for one in firing if named(one) or inside(one)]
