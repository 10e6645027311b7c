"""From what the watchdog knows to the API's objects: the service's v1 and the commands' `--json` alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Note
from watchdog.alerts.silences import Silence
from watchdog.cycle.state import TargetHealth
from watchdog.notify.ledger import Entry
from watchdog.notify.rendering import Links
from watchdog.readings.catalogue import Metric, unit_of
from watchdog.readings.fleet import Entity, LabelValue
from watchdog.readings.snapshot import Snapshot
from watchdog.store.audit import AuditEntry
from watchdog.web.times import instant
from watchdog.web.v1 import schemas


def entity_object(entity: Entity, snapshot: Snapshot) -> schemas.Entity:
    """An entity as the last poll saw it."""
    row = snapshot.fleet.table(entity.key.kind).row[entity.key]
    return schemas.Entity(
        kind=str(entity.key.kind),
        id=entity.key.id,
        name=entity.name,
        labels=_labels(entity.labels),
        observed=not bool(snapshot.unobserved(entity.key.kind)[row]),
        readings=[
            schemas.Reading(one.metric, one.value, unit_of(one.metric), instant(one.at))
            for one in snapshot.readings(entity.key)
        ],
    )


def episode_object(episode: Episode, links: Links, current: Facts | None = None) -> schemas.Episode:
    """An episode with the `current` facts of the last poll, or without them those of the poll at which it fired."""
    facts, hold, said = current or episode.facts, episode.hold, episode.acknowledgement
    return schemas.Episode(
        id=episode.id,
        alert=episode.alert.rule,
        kind=str(episode.alert.kind),
        entity_id=episode.alert.entity,
        entity=facts.entity,
        severity=str(facts.labels.get("severity", "")),
        labels=_labels(facts.labels),
        firing=episode.firing,
        since=instant(episode.since),
        began=instant(episode.began),
        ended=_or_none(episode.ended),
        why_ended=episode.why_ended or episode.end_reason,
        reason=facts.reason,
        current=current is not None,
        metric=facts.metric,
        value=None if facts.value is None else facts.value.value,
        unit="" if facts.value is None else facts.value.unit,
        limit=None if facts.limit is None else facts.limit.value,
        flapping=episode.flapping,
        held=schemas.Held(list(hold.silences), list(hold.mutes), hold.suppressor, str(hold)),
        acknowledged=None if said is None else acknowledgement_object(said),
        url=links.to_alert(episode) or f"/alerts/{episode.id}",
        entity_url=links.to_entity(episode),
    )


def acknowledgement_object(said: Acknowledgement) -> schemas.Acknowledgement:
    return schemas.Acknowledgement(instant(said.at), said.author, said.comment, said.via, said.address)


def told_object(entry: Entry, labels: Mapping[str, str]) -> schemas.Told:
    """`labels` are the targets' names by their ids."""
    return schemas.Told(
        episode=entry.episode,
        receiver=entry.group.receiver,
        target=labels.get(entry.target, entry.target),
        role=entry.role.value,
        beginning=entry.standing.value,
        told_at=_or_none(entry.told_at),
        end=entry.ending.value,
    )


def line_object(note: Note, labels: Mapping[str, str]) -> schemas.Line:
    target = labels.get(note.target, note.target)
    return schemas.Line(instant(note.at), note.episode, note.what, note.text, note.receiver, target)


def silence_object(silence: Silence, now: float) -> schemas.Silence:
    return schemas.Silence(
        id=silence.id,
        matchers=[str(one) for one in silence.matchers],
        state=silence.state(now),
        starts_at=instant(silence.starts),
        ends_at=instant(silence.ends),
        changed_at=instant(silence.changed),
        author=silence.author,
        comment=silence.comment,
        episode=silence.episode,
    )


def audit_object(entry: AuditEntry) -> schemas.AuditEntry:
    actor = entry.actor
    return schemas.AuditEntry(instant(entry.at), entry.action, actor.who, actor.via, entry.subject, actor.address)


def target_object(health: TargetHealth) -> schemas.Target:
    return schemas.Target(
        id=health.target,
        receiver=health.receiver,
        target=health.label or health.receiver,
        failing_since=_or_none(health.failing_since),
        last_accepted=_or_none(health.last_accepted),
        last_error=health.last_error,
        delivered=health.delivered,
    )


def metric_object(metric: Metric) -> schemas.Metric:
    return schemas.Metric(
        name=metric.name,
        on=sorted(str(kind) for kind in metric.on),
        unit=metric.unit,
        counter=metric.counter,
        nothing=metric.nothing,
        sensitive=metric.sensitive,
        stale_after_seconds=metric.stale_after,
        meaning=metric.meaning,
    )


def status_object(
    last_cycle: float | None,
    firing: Iterable[schemas.Episode],
    silences: Iterable[Silence],
    targets: Iterable[TargetHealth],
    waiting: int,
    now: float,
) -> schemas.Status:
    """The status; of `silences` in any state it keeps the active ones."""
    return schemas.Status(
        last_cycle=_or_none(last_cycle),
        firing=list(firing),
        silences=[silence_object(one, now) for one in silences if one.active(now)],
        targets=[target_object(one) for one in targets],
        deliveries_waiting=waiting,
    )


def names_of(targets: Iterable[TargetHealth]) -> dict[str, str]:
    """What to call each target, by its id; never its URL."""
    return {one.target: one.label or one.receiver for one in targets}


def _labels(labels: Mapping[str, LabelValue]) -> schemas.Labels:
    return {name: value if isinstance(value, str) else sorted(value) for name, value in labels.items()}


def _or_none(at: float | None) -> datetime | None:
    return None if at is None else instant(at)
