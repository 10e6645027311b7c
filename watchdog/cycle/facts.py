"""The facts of an alert: its labels, its reason and its value, from the verdict that decided."""

from __future__ import annotations

from watchdog.alerts.episodes import Facts
from watchdog.readings.fleet import Entity, Kind, LabelValue
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.rule import Rule, Terms
from watchdog.rules.verdicts import FALSE, TRUE, Explanation, Verdicts


def labels_of(rule: Rule, terms: Terms, entity: Entity, *, flapping: bool = False) -> dict[str, LabelValue]:
    """Every label of an alert: the entity's, the rule's, `alertname`, `severity`, and `flapping` while it is."""
    labels: dict[str, LabelValue] = {"id": entity.key.id, **entity.labels, **terms.labels}
    labels["alertname"] = rule.name
    labels["severity"] = str(terms.severity)
    if flapping:
        labels["flapping"] = "true"
    return labels


def terms_for(rule: Rule, entity: Entity) -> Terms:
    """The terms one entity has under a rule: those of the first override that matches it, else the rule's own."""
    labels = {"id": entity.key.id, **entity.labels}
    return next((override.terms for override in rule.overrides if override.where.matches(labels)), rule.terms)


def facts_of(verdicts: Verdicts, row: int, terms: Terms, snapshot: Snapshot, *, flapping: bool, firing: bool) -> Facts:
    """What one poll says of one alert. Where a firing one's `expr` is no longer true, the reason tells what `clear`
    waits for."""
    rule, entity = verdicts.rule, verdicts.table.entities[row]
    explanation = verdicts.explain(row)
    reason = explanation.reason
    position = int(verdicts.rows.searchsorted(row))
    truth = int(verdicts.truth[position])
    if firing and rule.clear is not None:
        clear = FALSE if verdicts.clear is None else int(verdicts.clear[position])
        if truth != TRUE and clear != TRUE:
            reason = f"{reason}; ends when {rule.clear.text} holds: {verdicts.explain(row, clear=True).reason}"
    return _facts(rule, terms, entity, snapshot, explanation, reason, flapping, held=firing and truth == FALSE)


def end_reason(verdicts: Verdicts, row: int) -> str:
    """Why an alert resolved: the comparisons of `clear` if the rule has one, else those of `expr` that changed."""
    return verdicts.explain(row, clear=verdicts.rule.clear is not None, ended=True).reason


def _task_error(snapshot: Snapshot, entity: Entity) -> str:
    """What the first failed task of a connector says of its failure; "" where none does."""
    texts = snapshot.column(Kind.TASK, "task_error").texts
    if texts is None or entity.key.kind not in (Kind.SOURCE, Kind.DESTINATION):
        return ""
    entities = snapshot.fleet.table(Kind.TASK).entities
    found = (text for one, text in zip(entities, texts.tolist(), strict=True) if text and one.connector == entity.key)
    return next(found, "")


def _facts(
    rule: Rule,
    terms: Terms,
    entity: Entity,
    snapshot: Snapshot,
    explanation: Explanation,
    reason: str,
    flapping: bool,
    held: bool,
) -> Facts:
    # texts may name any reading of the entity, also those the rule does not judge
    readings: dict[str, float | str | None] = {one.metric: one.value for one in snapshot.readings(entity.key)}
    readings.update(explanation.readings)
    if (error := _task_error(snapshot, entity)) and "task_error" not in readings:
        readings["task_error"] = error
    return Facts(
        labels=labels_of(rule, terms, entity, flapping=flapping),
        entity=entity.name,
        reason=reason,
        value=explanation.value,
        limit=explanation.limit,
        metric=explanation.metric,
        params=terms.params,
        readings=readings,
        annotations=rule.annotations,
        held=held,
    )
