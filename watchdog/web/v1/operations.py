"""Every operation of the API, in the order its description tells them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from watchdog.alerts.lifecycle import Phase
from watchdog.readings.fleet import REAL_KINDS, Kind
from watchdog.rules.rule import Severity
from watchdog.store.audit import Action
from watchdog.web.v1 import current, history
from watchdog.web.v1.operation import Call, Operation
from watchdog.web.v1.parameters import Parameter, after, choice, flag, limit, text
from watchdog.web.v1.schemas import (
    Alert,
    AuditEntry,
    Entity,
    EntityDetail,
    Episode,
    EpisodeDetail,
    Metric,
    Page,
    ReadingOf,
    Rule,
    Silence,
    Status,
)

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_KIND = choice("kind", "Only entities of this kind.", REAL_KINDS)
_NAME = text("name", "Only these: an id, or a glob over names (`prod-*`, case-sensitive).")
_TAG = text("tag", "Only entities with this tag.")
_ALERT = text("alert", "Only this rule, by its name.")
_PAGE = (limit(), after("[0-9]{1,9}", int, 0))


def _place(next_: str) -> tuple[int, int]:
    first, _, second = next_.partition(".")
    return int(first), int(second)


def _moment(next_: str) -> tuple[float, str]:
    began, _, id_ = next_.partition("~")
    return float(began), id_


def _id(what: str) -> Parameter:
    """An id is a UUID; there is nothing under any other."""

    def read(value: str) -> str:
        if not re.fullmatch(_UUID, value.lower()):
            raise ValueError("a UUID")
        return value.lower()

    return Parameter("id", f"Id of the {what}.", {"type": "string", "format": "uuid"}, read)


_NO_POLL = {503: "No poll has been judged here yet, or another replica leads and has the readings."}


def _operation(
    id_: str,
    path: str,
    summary: str,
    answer: object,
    act: Callable[[Call], object],
    *parameters: Parameter,
    method: str = "GET",
    path_parameters: tuple[Parameter, ...] = (),
    body: object = None,
    problems: Mapping[int, str] | None = None,
) -> Operation:
    return Operation(id_, method, path, summary, answer, act, path_parameters, parameters, body, problems or {})


OPERATIONS: tuple[Operation, ...] = (
    _operation("status", "/status", "What fires, what is silenced, which targets fail.", Status, history.status),
    _operation("entities", "/entities", "What is watched, with its readings.", Page[Entity], current.entities,
               _KIND, _NAME, _TAG, *_PAGE, problems=_NO_POLL),
    _operation("entity", "/entities/{kind}/{id}", "One entity, and what every rule that covers it says.",
               EntityDetail, current.entity,
               path_parameters=(choice("kind", "Its kind.", REAL_KINDS),
                                text("id", "Its id at the API; of a task or topic `<connector id>/<its own>`.")),
               problems={404: "There is no such entity.", **_NO_POLL}),
    _operation("readings", "/readings", "Readings of the last poll, one by one.", Page[ReadingOf], current.readings,
               _KIND, _NAME, _TAG, text("metric", "Only this metric."), limit(),
               after(r"[0-9]{1,9}\.[0-9]{1,9}", _place, (0, 0)), problems=_NO_POLL),
    _operation("metrics", "/metrics", "The catalogue of known metrics.", Page[Metric], current.metrics,
               choice("kind", "Only metrics of this kind of entity.", Kind), *_PAGE),
    _operation("metric", "/metrics/{name}", "One metric of the catalogue.", Metric, current.metric,
               path_parameters=(text("name", "Its name."),), problems={404: "The catalogue has no such metric."}),
    _operation("rules", "/rules", "The rules in force, and what each said last.", Page[Rule], current.rules,
               choice("each", "Only rules over this kind.", Kind), text("name", "Only these: a glob over names."),
               *_PAGE),
    _operation("rule", "/rules/{alert}", "One rule.", Rule, current.rule,
               path_parameters=(text("alert", "Its name."),), problems={404: "There is no such rule in force."}),
    _operation("alerts", "/alerts", "Every rule on every entity it covers: verdict and state.",
               Page[Alert], current.alerts, _ALERT, _KIND, _NAME, _TAG,
               choice("state", "Only alerts in this state.", Phase),
               choice("verdict", "Only this verdict of the last poll.", ("true", "false", "unknown", "unobserved")),
               *_PAGE, problems=_NO_POLL),
    _operation("episodes", "/episodes", "Firing periods, the newest first.", Page[Episode], history.episodes,
               flag("firing", "true: those that fire now; false: those that are over."), _ALERT, _KIND, _NAME, _TAG,
               choice("severity", "Only of this severity.", Severity), limit(),
               after(rf"[0-9]{{1,11}}(\.[0-9]{{1,9}})?~{_UUID}", _moment, None)),
    _operation("episode", "/episodes/{id}", "One episode: its texts, its time line, who was told.",
               EpisodeDetail, history.episode, path_parameters=(_id("episode"),),
               problems={404: "There is none with this id; it may be older than the history kept."}),
    _operation("acknowledge", "/episodes/{id}/acknowledge",
               "Say that somebody is on it: no more reminders, no escalation. The first word counts and stays.",
               Episode, history.acknowledge, method="POST", path_parameters=(_id("episode"),),
               body=history.Acknowledge,
               problems={404: "There is no episode with this id.", 409: "It does not fire any more."}),
    _operation("silences", "/silences", "Silences, the active ones first. They are made at `/api/v2/silences`.",
               Page[Silence], history.silences,
               choice("state", "Only silences in this state.", ("pending", "active", "expired")), *_PAGE),
    _operation("silence", "/silences/{id}", "One silence.", Silence, history.silence,
               path_parameters=(_id("silence"),), problems={404: "There is no silence with this id."}),
    _operation("audit", "/audit", "Who did what, when and from where, the newest first.", Page[AuditEntry],
               history.audit, choice("action", "Only this action.", Action), limit(), after("[0-9]{1,18}", int, None)),
)  # fmt: skip
