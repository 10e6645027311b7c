"""What pages show, as plain values made from the last poll and the store. Formats; decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.silences import Silence
from watchdog.cycle.saved import TargetHealth
from watchdog.notify.chart import in_unit
from watchdog.notify.ledger import Ending, Entry, Standing
from watchdog.notify.routes import text_of
from watchdog.notify.wording import Links, unit_of
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.snapshot import Snapshot
from watchdog.readings.trace import LAGS, Line
from watchdog.units import format_duration
from watchdog.web.sparkline import sparkline
from watchdog.web.topology import Row, States, tone_of, tone_of_state

#: The last hours of one metric of one entity.
Lines = Callable[[EntityKey, str], Line | None]
_RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as text and for machines; `ago` is what the page says until its script counts on."""

    text: str
    machine: str
    ago: str


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """One episode. `told` are receivers that accepted its beginning, `held` what keeps it from being told, `end` why it
    ended; `matchers` would silence it."""

    id: str
    alert: str
    entity: str
    kind: str
    entity_id: str
    severity: str
    summary: str
    description: str
    reason: str
    began: Moment
    lasted: str
    firing: bool
    end: str
    told: str
    waiting: str
    held: str
    acknowledged: str
    flapping: bool
    dark: str
    runbook: str
    entity_url: str
    matchers: str


@dataclass(frozen=True, slots=True)
class NodeView:
    """One part of a row: a connector or a transform, with its state."""

    kind: str
    name: str
    state: str
    tone: str
    url: str


@dataclass(frozen=True, slots=True)
class HitView:
    """An alert's name on a row, with the id of the worst episode and how many there are."""

    alert: str
    severity: str
    id: str
    times: int


@dataclass(frozen=True, slots=True)
class RowView:
    """One pipeline, or what stands alone. `spark` is SVG of ours, `lag` the figure beside it."""

    kind: str
    name: str
    tone: str
    nodes: tuple[NodeView, ...]
    lag: str
    spark: str
    hits: tuple[HitView, ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    """Alerts that affect the same thing."""

    title: str
    url: str
    alerts: tuple[EpisodeView, ...]
    held: tuple[EpisodeView, ...]


@dataclass(frozen=True, slots=True)
class TargetView:
    name: str
    failing: Moment | None
    error: str
    accepted: Moment | None
    delivered: int


@dataclass(frozen=True, slots=True)
class StoryLine:
    at: Moment
    what: str
    whom: str
    text: str


@dataclass(frozen=True, slots=True)
class ToldView:
    receiver: str
    target: str
    role: str
    at: Moment | None
    standing: str
    end: str


@dataclass(frozen=True, slots=True)
class SilenceView:
    id: str
    matchers: str
    state: str  #: active, pending, expired
    starts: Moment
    ends: Moment
    author: str
    comment: str


def moment(at: float, now: float) -> Moment:
    exact = datetime.fromtimestamp(at, UTC)
    ago = format_duration(abs(now - at))
    return Moment(exact.strftime("%Y-%m-%d %H:%M:%S UTC"), exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
                  f"{ago} ago" if at <= now else f"in {ago}")  # fmt: skip


def episode_view(
    episode: Episode, entries: Iterable[Entry], now: float, texts: Mapping[str, str], links: Links
) -> EpisodeView:
    """An episode; `entries` of the ledger tell who knows of it, `texts` are its annotations rendered."""
    facts, entries = episode.facts, list(entries)
    told = sorted({entry.group.receiver for entry in entries if entry.standing is Standing.ACCEPTED})
    waiting = sorted({entry.group.receiver for entry in entries if entry.standing is Standing.WAITING} - set(told))
    ack = episode.acknowledgement
    return EpisodeView(
        id=episode.id,
        alert=episode.alert.rule,
        entity=facts.entity,
        kind=str(episode.alert.kind),
        entity_id=episode.alert.entity,
        severity=text_of(facts.labels.get("severity", "warning")),
        summary=texts.get("summary", ""),
        description=texts.get("description", ""),
        reason=texts.get("reason") or facts.reason,
        began=moment(episode.began, now),
        lasted=format_duration(max(0.0, (episode.ended or now) - episode.began)),
        firing=episode.firing,
        end="" if episode.firing else episode.why_ended or episode.end_reason or "over",
        told=", ".join(told),
        waiting=", ".join(waiting),
        held=str(episode.hold),
        acknowledged="" if ack is None else " ".join(filter(None, (ack.author, ack.comment and f"({ack.comment})"))),
        flapping=episode.flapping,
        dark="" if episode.dark_since is None else moment(episode.dark_since, now).ago,
        runbook=_link(facts.annotations.get("runbook_url", "")),
        entity_url=_link(links.to_entity(episode)),
        matchers=f'alertname="{episode.alert.rule}" id="{text_of(facts.labels.get("id", episode.alert.entity))}"',
    )


def worst_first(view: EpisodeView) -> tuple[bool, int, str]:
    """What is held back comes last: somebody knows, or something larger is the matter."""
    return bool(view.held), _RANK.get(view.severity, 1), view.began.machine


def group_views(
    found: Sequence[tuple[Sequence[Row], EpisodeView]], links: Links
) -> tuple[list[GroupView], list[EpisodeView]]:
    """Firing alerts by what they affect: the same rows of the topology, or the same thing outside it. What is held back
    and affects nothing else that is told comes by itself: somebody knows of it, or something larger is the matter."""
    groups: dict[tuple[str, ...], list[EpisodeView]] = {}
    titles: dict[tuple[str, ...], tuple[str, str]] = {}
    for rows, view in found:
        key = tuple(str(row.key) for row in rows) or (view.kind, view.entity_id)
        titles[key] = _affected(rows, view, links)
        groups.setdefault(key, []).append(view)
    made, quiet = [], []
    for key, views in groups.items():
        views.sort(key=worst_first)
        told = tuple(view for view in views if not view.held)
        if told:
            made.append(GroupView(*titles[key], told, tuple(view for view in views if view.held)))
        else:
            quiet += views
    return sorted(made, key=lambda group: worst_first(group.alerts[0])), sorted(quiet, key=worst_first)


def _affected(rows: Sequence[Row], view: EpisodeView, links: Links) -> tuple[str, str]:
    """What an alert affects, in words, and Streamkap's page of it where it is one thing."""
    if not rows:
        outside = {"watchdog": "the watchdog itself", "account": "the account"}
        return outside.get(view.kind, f"{view.kind} {view.entity}"), ""
    if len(rows) == 1:
        (row,) = rows
        return f"{row.key.kind} {row.name}", _link(links.of(str(row.key.kind), row.key.id))
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"pipelines {', '.join(row.name for row in rows[:3])}{more}", ""


class RowViews:
    """Rows of the topology at one poll."""

    def __init__(self, snapshot: Snapshot, states: States, links: Links, line: Lines) -> None:
        self._snapshot, self._states, self._links = snapshot, states, links
        self._line = line

    def view(self, row: Row, firing: Sequence[Episode], views: Mapping[str, EpisodeView]) -> RowView:
        """One row; `firing` are the episodes in it, the worst decides what its line shows."""
        worst = min(firing, key=lambda one: worst_first(views[one.id]), default=None)
        lag, spark = self._lag(row, worst)
        return RowView(
            kind=str(row.key.kind),
            name=row.name,
            tone=tone_of(row, self._states, {row.key: firing} if firing else {}),
            nodes=tuple(self._node(member) for member in row.members),
            lag=lag,
            spark=spark,
            hits=_hits(sorted((views[one.id] for one in firing), key=worst_first)),
        )

    def _node(self, key: EntityKey) -> NodeView:
        entity = self._snapshot.fleet.entity(key)
        state = self._states.of(key)
        name = key.id if entity is None else entity.name
        return NodeView(str(key.kind), name, state or "no state", tone_of_state(state),
                        _link(self._links.of(str(key.kind), key.id)))  # fmt: skip

    def _lag(self, row: Row, worst: Episode | None) -> tuple[str, str]:
        """The deciding metric of the worst alert, else the lag: in words, and as a line."""
        asked = [(member, metric) for kind, metric in LAGS for member in (*row.members, row.key) if member.kind is kind]
        if worst is not None and worst.facts.metric:
            asked.insert(0, (worst.alert.entity_key, worst.facts.metric))
        for key, metric in asked:
            line = self._line(key, metric)
            if line is None:
                continue
            unit = unit_of(metric)
            last = float(line.values[-1])
            words = in_unit(last, unit) if last == last else "no reading"
            words += f" {unit}" if unit not in ("ms", "s", "bytes", "state", "") and last == last else ""
            return f"{_SHORT.get(metric, metric)} {words}", sparkline(line, f"{metric} over the last hours")
        return "", ""


def _hits(worst: Sequence[EpisodeView]) -> tuple[HitView, ...]:
    counts = Counter(view.alert for view in worst)
    first = {view.alert: view for view in reversed(worst)}
    return tuple(HitView(name, first[name].severity, first[name].id, times) for name, times in counts.items())


#: Lags as people say them.
_SHORT = {"StreamingMilliSecondsBehindSource": "behind by", "recordsLag": "waiting:", "latency": "latency"}


def target_view(health: TargetHealth, now: float) -> TargetView:
    failing = None if health.failing_since is None else moment(health.failing_since, now)
    accepted = None if health.last_accepted is None else moment(health.last_accepted, now)
    name = f"{health.receiver}: {health.label}" if health.label else health.receiver
    return TargetView(name, failing, health.last_error, accepted,
                      health.delivered)  # fmt: skip


def silence_view(silence: Silence, now: float) -> SilenceView:
    state = "active" if silence.active(now) else "expired" if silence.ends <= now else "pending"
    return SilenceView(silence.id, " ".join(map(str, silence.matchers)), state, moment(silence.starts, now),
                       moment(silence.ends, now), silence.author, silence.comment)  # fmt: skip


def story(notes: Iterable[Note], labels: Mapping[str, str], now: float) -> list[StoryLine]:
    return [
        StoryLine(moment(note.at, now), note.what, _whom(note.receiver, labels.get(note.target, "")), note.text)
        for note in notes
    ]


def told_views(entries: Iterable[Entry], labels: Mapping[str, str], now: float) -> list[ToldView]:
    """Who knows of an episode, target by target."""
    return [
        ToldView(
            receiver=entry.group.receiver,
            target=labels.get(entry.target, entry.target),
            role="" if entry.role == "routed" else str(entry.role),
            at=None if entry.told_at is None else moment(entry.told_at, now),
            standing=_STANDING[entry.standing],
            end=_ENDING[entry.ending] if entry.standing is Standing.ACCEPTED else "",
        )
        for entry in entries
    ]


_STANDING = {Standing.WAITING: "not told yet", Standing.ACCEPTED: "told", Standing.REFUSED: "refused for good"}
_ENDING = {
    Ending.NONE: "its end will be told",
    Ending.WAITING: "its end is on the way",
    Ending.CLOSED: "its end was told",
}


def neighbours(fleet: Fleet, key: EntityKey) -> list[Entity]:
    """Tasks of a connector, or the connector of a task or topic: what stands next to an entity outside the rows."""
    entity = fleet.entity(key)
    if entity is None:
        return []
    if entity.connector is not None:
        found = fleet.entity(entity.connector)
        return [] if found is None else [found]
    return [one for one in fleet.table(Kind.TASK).entities if one.connector == key]


def _whom(receiver: str, label: str) -> str:
    return f"{receiver} ({label})" if receiver and label and not label.startswith(receiver) else receiver


def _link(url: str) -> str:
    """Only what a browser should follow: a rule file or the settings may hold anything."""
    return url if urlsplit(url).scheme in ("http", "https") else ""
