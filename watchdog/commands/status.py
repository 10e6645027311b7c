"""`watchdog status`: what fires, what is silenced, which targets fail. Reads the database, and asks the service for the
readings of the last poll."""

from __future__ import annotations

import time
from collections.abc import Mapping

from watchdog.alerts.episodes import Episode
from watchdog.commands.operator import links_of, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown, table
from watchdog.commands.service_client import ServiceClient
from watchdog.cycle.state import CycleState
from watchdog.settings import Settings
from watchdog.store.recording import reach
from watchdog.units import format_bytes, format_duration
from watchdog.web.v1.conversion import episode_object, status_object
from watchdog.web.v1.schemas import Episode as CurrentEpisode

_MOST = 10_000
_RANK = {"critical": 0, "warning": 1, "info": 2}


def status(*, as_json: bool) -> int:
    """0 while nothing fires, 1 while something does."""
    settings = Settings.load()
    store = open_store(settings)
    now = time.time()
    try:
        firing = sorted(store.episodes(firing=True, limit=_MOST), key=_worst_first)
        silences = [one for one in store.silences() if one.active(now)]
        targets = store.targets()
        cycle = CycleState.decode(store.document("cycle"))
        waiting = store.notifications()
        recorded = reach(store)
    finally:
        store.close()
    service = ServiceClient(settings).status()
    current = {} if service is None else {one.id: one for one in service.firing if one.current}
    if as_json:
        links = links_of(settings)
        fires_now = [current.get(one.id) or episode_object(one, links) for one in firing]
        print_json(status_object(cycle.at, fires_now, silences, targets, len(waiting), now))
        return 1 if firing else 0
    out = console()
    ago = "never" if cycle.at is None else f"{format_duration(max(0.0, now - cycle.at))} ago"
    late = cycle.at is not None and now - cycle.at > 3 * max(settings.watchdog_poll_every,
                                                             settings.watchdog_poll_timeout)  # fmt: skip
    out.print(f"last cycle   {ago}{' - is the service running?' if late else ''}", markup=False)
    if recorded is not None:
        size = format_bytes(recorded.size)
        out.print(f"recording    {format_duration(now - recorded.start)} back, {size}", markup=False)
    fires = [
        (one.facts.labels.get("severity", ""), one.alert.rule, one.facts.entity,
         format_duration(max(0.0, now - one.since)), _remark(one), _reason(one, current)) for one in firing
    ]  # fmt: skip
    table(("severity", "alert", "entity", "for", "", "reason"), fires, empty="nothing fires")
    if silences:
        held = [(s.id[:8], " ".join(map(str, s.matchers)), shown(s.ends), s.author, s.comment) for s in silences]
        table(("silence", "matchers", "ends", "author", "comment"), held)
    failing = [one for one in targets if one.failing_since is not None]
    if failing:
        rows = [
            (f"{one.receiver}: {one.label or one.target}", shown(one.failing_since), shown(one.last_accepted),
             one.last_error.removeprefix(f"{one.label}: ")) for one in failing
        ]  # fmt: skip
        table(("failing target", "since", "last accepted", "why"), rows)
    if waiting:
        oldest = min(notification.created for notification in waiting)
        many = f"{len(waiting)} pending notifications, the oldest"
        what = f"{'1 pending notification,' if len(waiting) == 1 else many} for"
        out.print(f"{what} {format_duration(now - oldest)}", markup=False)
    return 1 if firing else 0


def _worst_first(episode: Episode) -> tuple[int, float]:
    return _RANK.get(str(episode.facts.labels.get("severity")), 1), episode.began


def _reason(episode: Episode, current: Mapping[str, CurrentEpisode]) -> str:
    """The comparisons as of the last poll where the service answers, else as of when it fired."""
    known = current.get(episode.id)
    return f"when it fired: {episode.facts.reason}" if known is None else known.reason


def _remark(episode: Episode) -> str:
    parts = [str(episode.hold)] if episode.hold else []
    if episode.acknowledgement is not None:
        parts.append(f"acknowledged by {episode.acknowledgement.author}")
    if episode.flapping:
        parts.append("flapping")
    return ", ".join(parts)
