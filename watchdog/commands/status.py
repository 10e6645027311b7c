"""`watchdog status`: what fires, what is silenced, which targets fail; read from the database, beside the service."""

from __future__ import annotations

import time

from watchdog.alerts.episodes import Episode
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, instant, shown, table
from watchdog.commands.people import open_store
from watchdog.cycle.remembered import Remembered
from watchdog.cycle.saved import TargetHealth
from watchdog.settings import Settings
from watchdog.units import format_duration

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
        cycle = Remembered.decode(store.document("cycle"))
        waiting = store.duties()
    finally:
        store.close()
    if as_json:
        print_json({
            "last_cycle": instant(cycle.at),
            "firing": [episode_object(one) for one in firing],
            "silences": [{"id": one.id, "matchers": [str(m) for m in one.matchers], "ends_at": instant(one.ends),
                          "author": one.author, "comment": one.comment} for one in silences],
            "targets": [_target(one) for one in targets],
            "deliveries_waiting": len(waiting),
        })  # fmt: skip
        return 1 if firing else 0
    out = console()
    ago = "never" if cycle.at is None else f"{format_duration(max(0.0, now - cycle.at))} ago"
    late = cycle.at is not None and now - cycle.at > 3 * max(settings.watchdog_poll_every,
                                                             settings.watchdog_poll_timeout)  # fmt: skip
    out.print(f"last cycle   {ago}{' - the service does not seem to run' if late else ''}", markup=False)
    fires = [
        (one.facts.labels.get("severity", ""), one.alert.rule, one.facts.entity,
         format_duration(max(0.0, now - one.began)), _remark(one), one.facts.reason) for one in firing
    ]  # fmt: skip
    table(("severity", "alert", "entity", "for", "", "reason"), fires, empty="nothing fires")
    if silences:
        held = [(s.id[:8], " ".join(map(str, s.matchers)), shown(s.ends), s.author, s.comment) for s in silences]
        table(("silence", "matchers", "ends", "author", "comment"), held)
    failing = [one for one in targets if one.failing_since is not None]
    if failing:
        rows = [
            (f"{one.receiver}: {one.label or one.target}", shown(one.failing_since), shown(one.last_accepted),
             one.last_error) for one in failing
        ]  # fmt: skip
        table(("failing target", "since", "last accepted", "why"), rows)
    if waiting:
        oldest = min(duty.created for duty in waiting)
        out.print(f"{len(waiting)} messages wait, the oldest for {format_duration(now - oldest)}", markup=False)
    return 1 if firing else 0


def episode_object(episode: Episode) -> dict[str, object]:
    """An episode as programs see it."""
    facts = episode.facts
    ack = episode.acknowledgement
    return {
        "id": episode.id,
        "alert": episode.alert.rule,
        "kind": str(episode.alert.kind),
        "entity": facts.entity,
        "entity_id": episode.alert.entity,
        "severity": facts.labels.get("severity", ""),
        "labels": dict(facts.labels),
        "since": instant(episode.since),
        "began": instant(episode.began),
        "ended": instant(episode.ended),
        "why_ended": episode.why_ended or episode.end_reason,
        "reason": facts.reason,
        "value": None if facts.value is None else facts.value.value,
        "unit": "" if facts.value is None else facts.value.unit,
        "flapping": episode.flapping,
        "held": str(episode.hold),
        "acknowledged": None if ack is None else {"at": instant(ack.at), "by": ack.author, "comment": ack.comment},
    }


def _target(health: TargetHealth) -> dict[str, object]:
    return {
        "id": health.target,
        "receiver": health.receiver,
        "target": health.label,
        "failing_since": instant(health.failing_since),
        "last_accepted": instant(health.last_accepted),
        "last_error": health.last_error,
        "delivered": health.delivered,
    }


def _worst_first(episode: Episode) -> tuple[int, float]:
    return _RANK.get(str(episode.facts.labels.get("severity")), 1), episode.began


def _remark(episode: Episode) -> str:
    parts = [str(episode.hold)] if episode.hold else []
    if episode.acknowledgement is not None:
        parts.append(f"acknowledged by {episode.acknowledgement.author}")
    if episode.flapping:
        parts.append("flapping")
    return ", ".join(parts)
