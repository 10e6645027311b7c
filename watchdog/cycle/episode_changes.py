"""From what a poll changed to what the dispatcher is told: episodes with the facts people will read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.lifecycle import Change, episode_id
from watchdog.cycle.alert_table import Stepped
from watchdog.cycle.facts import end_reason, facts_of, labels_of, terms_for
from watchdog.notify.dispatcher import Dispatcher
from watchdog.readings.fleet import Fleet
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.rule import Rule


def tell(dispatcher: Dispatcher, stepped: Stepped, snapshot: Snapshot, now: float) -> Note | None:
    """Hand one alert's change to the dispatcher; a change that belongs to no episode is a line of the alert's story."""
    records, key, state = dispatcher.records, stepped.key, stepped.state
    latest = records.latest(key)
    if Change.DARK in stepped.changes and latest is not None:
        latest = replace(latest, dark_since=state.dark_since, dark_until=now)
        dispatcher.changed(latest)
    if Change.BEGAN in stepped.changes and stepped.verdicts is not None and stepped.terms is not None:
        facts = facts_of(stepped.verdicts, stepped.row, stepped.terms, snapshot,
                         flapping=state.flapping, firing=False)  # fmt: skip
        assert state.since is not None and state.began is not None
        id_ = episode_id(key, state.began)
        dispatcher.began(Episode(id_, key, state.since, state.began, facts, flapping=state.flapping), now)
    elif Change.ENDED in stepped.changes:
        if latest is not None and latest.firing:
            reason = "" if stepped.verdicts is None else end_reason(stepped.verdicts, stepped.row)
            dispatcher.ended(latest.id, now, reason, stepped.why)
    elif Change.FLAPPING in stepped.changes:
        if latest is not None:
            labels = {**latest.facts.labels, "flapping": "true"}
            flapping = replace(latest, flapping=True, facts=replace(latest.facts, labels=labels))
            dispatcher.changed(flapping)
            records.note(now, flapping, "flapping", f"changed {len(state.changes)} times; held firing")
    elif stepped.changes:
        why = stepped.why if stepped.verdicts is None else stepped.verdicts.explain(stepped.row).reason
        return Note(now, key, "", str(stepped.changes[0]), why)
    return None


def relabel(dispatcher: Dispatcher, fleet: Fleet, rules: Mapping[str, Rule]) -> None:
    """Renames, tags and edited rules reach open episodes: their labels and texts are always those of now."""
    for episode in dispatcher.records.open_episodes():
        entity, rule = fleet.entity(episode.alert.entity_key), rules.get(episode.alert.rule)
        if entity is None or rule is None:
            continue
        labels = labels_of(rule, terms_for(rule, entity), entity, flapping=episode.flapping)
        if labels != episode.facts.labels or rule.annotations != episode.facts.annotations:
            facts = replace(episode.facts, labels=labels, entity=entity.name, annotations=rule.annotations)
            dispatcher.changed(replace(episode, facts=facts))
