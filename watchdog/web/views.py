"""What pages show, as plain values made from the engine's last poll and the store. Formats; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from watchdog.alerts.episodes import Episode, Note
from watchdog.cycle.engine import Judged
from watchdog.cycle.saved import TargetHealth
from watchdog.notify.ledger import Entry, Standing
from watchdog.notify.wording import in_words, unit_of
from watchdog.readings.fleet import Entity, Kind
from watchdog.rules.rule import Quantity
from watchdog.units import format_duration

_RANK = {"critical": 0, "warning": 1, "info": 2}
_STATES = ("connector_status", "transform_status", "status")
_LAGS = ("StreamingMilliSecondsBehindSource", "recordsLag", "latency")
_KINDS = (Kind.PIPELINE, Kind.SOURCE, Kind.DESTINATION, Kind.TRANSFORM)
#: Rows shown without trouble; a thousand connectors stay readable.
_CALM_ROWS = 200


@dataclass(frozen=True, slots=True)
class EpisodeView:
    id: str
    alert: str
    entity: str
    entity_id: str
    severity: str
    reason: str
    began: str
    lasted: str
    firing: bool
    end: str
    told: str
    held: str
    acknowledged: str
    flapping: bool
    runbook: str


@dataclass(frozen=True, slots=True)
class EntityRow:
    kind: str
    name: str
    state: str
    lag: str
    alerts: str


@dataclass(frozen=True, slots=True)
class TargetView:
    name: str
    failing: str
    error: str
    accepted: str


@dataclass(frozen=True, slots=True)
class StoryLine:
    at: str
    what: str
    whom: str
    text: str


def instant(at: float | None) -> str:
    return "never" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def episode_view(episode: Episode, entries: list[Entry], now: float) -> EpisodeView:
    """An episode; `entries` of the ledger tell who knows of it."""
    facts = episode.facts
    told = sorted({entry.group.receiver for entry in entries if entry.standing is Standing.ACCEPTED})
    runbook = facts.annotations.get("runbook_url", "")
    ack = episode.acknowledgement
    return EpisodeView(
        id=episode.id,
        alert=episode.alert.rule,
        entity=f"{facts.labels.get('kind', episode.alert.kind)}/{facts.entity}",
        entity_id=episode.alert.entity,
        severity=str(facts.labels.get("severity", "warning")),
        reason=facts.reason,
        began=instant(episode.began),
        lasted=format_duration(max(0.0, (episode.ended or now) - episode.began)),
        firing=episode.firing,
        end="" if episode.firing else episode.why_ended or episode.end_reason,
        told=", ".join(told),
        held=str(episode.hold),
        acknowledged="" if ack is None else ack.author,
        flapping=episode.flapping,
        runbook=runbook if urlsplit(runbook).scheme in ("http", "https") else "",
    )


def worst_first(view: EpisodeView) -> tuple[bool, int, str]:
    """What is held back comes last: somebody knows, or something larger is the matter."""
    return bool(view.held), _RANK.get(view.severity, 1), view.began


def entity_rows(judged: Judged | None, firing: list[Episode]) -> tuple[list[EntityRow], int]:
    """Every pipeline and connector, those with trouble first; how many calm ones were left out."""
    if judged is None:
        return [], 0
    alerts: dict[str, list[str]] = {}
    for episode in firing:
        alerts.setdefault(episode.alert.entity.partition("/")[0], []).append(episode.alert.rule)
    entities = [one for kind in _KINDS for one in judged.snapshot.fleet.table(kind).entities]
    troubled = [one for one in entities if one.key.id in alerts]
    calm = [one for one in entities if one.key.id not in alerts]
    shown = [_row(judged, one, alerts.get(one.key.id, [])) for one in (*troubled, *calm[:_CALM_ROWS])]
    return shown, max(0, len(calm) - _CALM_ROWS)


def _row(judged: Judged, entity: Entity, alerts: list[str]) -> EntityRow:
    readings = {one.metric: one.value for one in judged.snapshot.readings(entity.key)}
    state = next((str(readings[name]) for name in _STATES if readings.get(name) is not None), "no reading")
    lag = next((name for name in _LAGS if isinstance(readings.get(name), float | int)), "")
    value = readings.get(lag)
    shown = in_words(Quantity(value, unit_of(lag))) if isinstance(value, float | int) else ""
    return EntityRow(str(entity.key.kind), entity.name, state, shown, ", ".join(sorted(alerts)))


def target_view(health: TargetHealth) -> TargetView:
    name = f"{health.receiver}: {health.label or health.target}"
    failing = "" if health.failing_since is None else instant(health.failing_since)
    return TargetView(name, failing, health.last_error, instant(health.last_accepted))


def story(notes: list[Note]) -> list[StoryLine]:
    return [StoryLine(instant(note.at), note.what, note.receiver, note.text) for note in notes]
