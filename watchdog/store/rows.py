"""Values to rows and back. Rows are tuples in the order of their table's columns (schema.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Hold, Note, Withdrawal
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.state import TargetHealth
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Entry, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, PendingNotification, ReportSpan
from watchdog.notify.routes import GroupKey
from watchdog.readings import packing
from watchdog.readings.fleet import Kind
from watchdog.rules.rule import Quantity

Row = tuple[Any, ...]

_json = msgspec.json.Encoder()
_floats = msgspec.json.Decoder(tuple[float, ...])
_facts = msgspec.json.Decoder(Facts)
_hold = msgspec.json.Decoder(Hold)
_acknowledgement = msgspec.json.Decoder(Acknowledgement)
_escalated = msgspec.json.Decoder(frozenset[tuple[str, float]])
_group = msgspec.json.Decoder(tuple[str, tuple[tuple[str, str], ...]])
_items = msgspec.json.Decoder(tuple[Item, ...])
_report = msgspec.json.Decoder(ReportSpan)
_matchers = msgspec.json.Decoder(tuple[Matcher, ...])
_sources = msgspec.json.Decoder(dict[str, str])
_ids = msgspec.json.Decoder(list[str])


def storable(text: str) -> str:
    """The text without what no database takes: NUL, and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


# -- alerts


def alert_key_row(key: AlertKey) -> Row:
    return (storable(key.rule), key.kind.value, storable(key.entity))


def alert_row(key: AlertKey, state: AlertState) -> Row:
    changes = _text(state.changes) if state.changes else "[]"
    return (storable(key.rule), key.kind.value, storable(key.entity), state.phase.value, state.since, state.began,
            state.ended, state.false_since, state.last_true, state.evaluated, changes, state.flapping,
            state.dark_since)  # fmt: skip


def alert_of(row: Sequence[Any]) -> tuple[AlertKey, AlertState]:
    (rule, kind, entity, phase, since, began, ended, false_since, last_true, evaluated, changes, flapping,
     dark_since) = row  # fmt: skip
    state = AlertState(Phase(phase), since, began, ended, false_since, last_true, evaluated,
                       () if changes == "[]" else _floats.decode(changes), bool(flapping), dark_since)  # fmt: skip
    return AlertKey(rule, Kind(kind), entity), state


# -- episodes and their story


def episode_row(episode: Episode) -> Row:
    acknowledgement = None if episode.acknowledgement is None else _text(episode.acknowledgement)
    escalated = _text(sorted(episode.escalated)) if episode.escalated else "[]"
    return (episode.id, *alert_key_row(episode.alert), episode.since, episode.began, _text(_finite(episode.facts)),
            episode.ended, storable(episode.why_ended), storable(episode.end_reason), episode.dark_since,
            episode.dark_until, episode.flapping, acknowledgement, episode.first_accepted, episode.held_since,
            episode.paused, escalated, _text(episode.hold), episode.released,
            storable(episode.release_note))  # fmt: skip


def episode_of(row: Sequence[Any], heard: Acknowledgement | Withdrawal | None = None) -> Episode:
    """`heard`: an acknowledgement, or one taken back, that the service may not have seen yet."""
    (id_, rule, kind, entity, since, began, facts, ended, why_ended, end_reason, dark_since, dark_until, flapping,
     acknowledgement, first_accepted, held_since, paused, escalated, hold, released, release_note) = row  # fmt: skip
    known = None if acknowledgement is None else _acknowledgement.decode(acknowledgement)
    if isinstance(heard, Withdrawal):
        known = None if known is None or heard.takes_back(known) else known
    else:
        known = known or heard
    return Episode(
        id_, AlertKey(rule, Kind(kind), entity), since, began, _facts.decode(facts), ended, why_ended, end_reason,
        dark_since, dark_until, bool(flapping), known, first_accepted, held_since, paused,
        _escalated.decode(escalated), _hold.decode(hold), released, release_note,
    )  # fmt: skip


def acknowledgement_row(episode: str, given: Acknowledgement) -> Row:
    return (episode, given.at, storable(given.author), storable(given.comment), given.via, storable(given.address),
            None, "")  # fmt: skip


def acknowledgement_of(row: Sequence[Any]) -> Acknowledgement | Withdrawal:
    """What was last said to an episode; `row` begins behind its id."""
    at, author, comment, via, address, withdrawn, withdrawn_by = row
    if withdrawn is not None:
        return Withdrawal(withdrawn, withdrawn_by, via)
    return Acknowledgement(at, author, comment, via, address)


def note_row(note: Note) -> Row:
    """Without the id, which the database gives."""
    return (note.at, *alert_key_row(note.alert), note.episode, note.what, storable(note.text), storable(note.receiver),
            note.target)  # fmt: skip


def note_of(row: Sequence[Any]) -> Note:
    _, at, rule, kind, entity, episode, what, text, receiver, target = row
    return Note(at, AlertKey(rule, Kind(kind), entity), episode, what, text, receiver, target)


# -- who is told


def group_text(key: GroupKey) -> str:
    return _text((key.receiver, key.labels))


def group_key_of(text: str) -> GroupKey:
    return GroupKey(*_group.decode(text))


def entry_row(entry: Entry) -> Row:
    return (entry.episode, entry.target, group_text(entry.group), entry.role.value, entry.standing.value, entry.told_at,
            entry.ending.value, entry.incident, storable(entry.remind), entry.told_flapping,
            entry.told_dark)  # fmt: skip


def entry_of(row: Sequence[Any]) -> Entry:
    episode, target, group, role, standing, told_at, ending, incident, remind, told_flapping, told_dark = row
    return Entry(episode, target, group_key_of(group), Role(role), Standing(standing), told_at, Ending(ending),
                 incident, remind, bool(told_flapping), told_dark)  # fmt: skip


def group_row(group: Group) -> Row:
    return (group_text(group.key), group.first, group.wait, group.interval, group.repeat, group.due, group.last_message,
            group.repeat_from)  # fmt: skip


def group_of(row: Sequence[Any]) -> Group:
    key, *timers = row
    return Group(group_key_of(key), *timers)


def notification_row(one: PendingNotification) -> Row:
    return (
        one.id,
        one.target,
        storable(one.receiver),
        group_text(one.group),
        one.kind.value,
        _text(one.items),
        one.created,
        one.next_try,
        storable(one.cause),
        one.incident,
        one.attempts,
        one.handed_over,
        one.is_fallback,
        storable(one.last_error),
        None if one.report is None else _text(one.report),
    )


def notification_of(row: Sequence[Any]) -> PendingNotification:
    id_, target, receiver, group, kind, items, created, next_try, cause, incident, attempts, *rest = row
    handed_over, is_fallback, last_error, report = rest
    return PendingNotification(
        id_,
        target,
        receiver,
        group_key_of(group),
        MessageKind(kind),
        _items.decode(items),
        created,
        next_try,
        cause,
        incident,
        attempts,
        bool(handed_over),
        bool(is_fallback),
        last_error,
        None if report is None else _report.decode(report),
    )


def target_row(health: TargetHealth) -> Row:
    return (health.target, storable(health.receiver), storable(health.label), health.last_accepted,
            health.failing_since, storable(health.last_error), health.delivered)  # fmt: skip


def target_of(row: Sequence[Any]) -> TargetHealth:
    return TargetHealth(*row)


def silence_row(silence: Silence) -> Row:
    return (storable(silence.id), _matchers_text(silence.matchers), silence.starts, silence.ends,
            storable(silence.author), storable(silence.comment), silence.changed, silence.episode)  # fmt: skip


def _matchers_text(matchers: Iterable[Matcher]) -> str:
    return _text([{"name": one.name, "value": one.value, "regex": one.regex, "equal": one.equal} for one in matchers])


def silence_of(row: Sequence[Any]) -> Silence:
    id_, matchers, starts, ends, author, comment, changed, episode = row
    return Silence(id_, _matchers.decode(matchers), starts, ends, author, comment, changed, episode)


# -- windows and configurations


def window_row(piece: packing.Saved) -> Row:
    return (piece.kind.value, storable(piece.metric), piece.at, piece.roster, piece.blob)


def window_of(row: Sequence[Any]) -> packing.Saved:
    kind, metric, at, roster, data = row
    return packing.Saved(Kind(kind), metric, at, roster, bytes(data))


def window_state_row(piece: packing.Saved) -> Row:
    return (piece.kind.value, storable(piece.metric), piece.form.value, piece.number, piece.at, piece.roster,
            piece.blob)  # fmt: skip


def window_state_of(row: Sequence[Any]) -> packing.Saved:
    kind, metric, form, number, at, roster, data = row
    return packing.Saved(Kind(kind), metric, at, roster, bytes(data), packing.Form(form), number)


def roster_row(roster: packing.RowIds) -> Row:
    return (roster.id, roster.kind.value, _text(list(roster.ids)))


def roster_of(row: Sequence[Any]) -> packing.RowIds:
    id_, kind, entities = row
    return packing.RowIds(id_, Kind(kind), _ids.decode(entities))


def sources_text(sources: Mapping[str, str]) -> str:
    return _text(dict(sources))


def sources_of(text: str) -> dict[str, str]:
    return _sources.decode(text)


def episodes_named(items: Iterable[str]) -> set[str]:
    """Every episode that duties, given by their column `items`, still have something to tell of."""
    return {item.episode for text in items for item in _items.decode(text)}


# -- inside


def _text(value: object) -> str:
    """JSON, which has NUL and the like escaped. Halves of surrogate pairs, which it cannot hold, are replaced."""
    try:
        return _json.encode(value).decode()
    except UnicodeEncodeError:
        return _json.encode(_repaired(msgspec.to_builtins(value))).decode()


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_repaired(key): _repaired(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_repaired(item) for item in value]
    return value


def _finite(facts: Facts) -> Facts:
    """JSON has no infinity: a quantity that overflowed is kept as its text."""
    quantities = (facts.value, facts.limit, *facts.params.values())
    if all(_is_finite(one) for one in quantities if one is not None):
        return facts
    return replace(facts, value=_shown(facts.value), limit=_shown(facts.limit),
                   params={name: _shown(one) for name, one in facts.params.items()})  # fmt: skip


def _is_finite(quantity: Quantity) -> bool:
    return not isinstance(quantity.value, float) or math.isfinite(quantity.value)


def _shown(quantity: Quantity | None) -> Any:
    if quantity is None or _is_finite(quantity):
        return quantity
    return replace(quantity, value=str(quantity.value))
