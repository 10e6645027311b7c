"""The casebook: rule test files to cases, every mistake at its place."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from watchdog.alerts.lifecycle import Phase
from watchdog.configuration.calendars import BEFORE, with_files
from watchdog.configuration.fields import Fields, expected
from watchdog.configuration.files import load_files
from watchdog.configuration.places import Mapping as MappingNode
from watchdog.configuration.places import Place, Scalar, Sequence, read
from watchdog.cycle.policy import Policy
from watchdog.errors import Mistake, RuleFileError
from watchdog.notify.message import MessageKind
from watchdog.readings.fleet import LABELS, Entity, Kind
from watchdog.spelling import did_you_mean
from watchdog.trials.cases import MONDAY, Case, ExpectedAlert, ExpectedMessage
from watchdog.trials.references import Mentions
from watchdog.trials.series import LONGEST, Value, number_or_none, parse_series
from watchdog.trials.test_entities import ENTITY_KINDS, populate
from watchdog.trials.test_events import read_happenings
from watchdog.units import format_duration

_KEYS = ("name", "rules", "start", "interval", "entities", "readings", "silences", "receivers_down", "api_down",
         "restarts", "acks", "unobserved", "gone", "reloads", "alerts", "only", "messages")  # fmt: skip
#: What describes an entity: its kind, its labels and, of a pipeline, its transforms.
_ENTITY_KEYS = tuple(dict.fromkeys((*map(str, ENTITY_KINDS), *(label for some in LABELS.values() for label in some),
                                    "transforms")))  # fmt: skip
#: Seconds of a test for which calendars are unfolded.
_UNFOLDED = 100 * 86400.0
_KINDS = tuple(kind for kind in MessageKind if kind is not MessageKind.TEST)


def read_cases(file: Path) -> list[Case]:
    """The tests of a file. Raises RuleFileError with every mistake in it."""
    mistakes: list[Mistake] = []
    try:
        root = read(str(file), file.read_bytes(), mistakes)
    except OSError as cause:
        raise RuleFileError([Mistake(str(file), 1, 1, f"cannot be read: {cause.strerror}")]) from cause
    cases: list[Case] = []
    if isinstance(root, MappingNode):
        fields = Fields(root, ("tests",), mistakes)
        nodes = fields.mappings("tests")
        if fields.require("tests") and not nodes and not mistakes:
            fields.wrong("tests", "tests: holds no test; write at least one, beginning with '- name:'")
        cases = [case for node in nodes if (case := _Reader(file, node, mistakes).case()) is not None]
    elif root is not None:
        mistakes.append(root.place.mistake(f"{expected('a mapping', root)}; a test file begins with tests:"))
    elif not mistakes:
        mistakes.append(Mistake(str(file), 1, 1, "is empty; a test file begins with tests:"))
    if mistakes:
        raise RuleFileError(mistakes)
    return cases


@dataclass(frozen=True, slots=True)
class _Reload:
    """A reload as it is written, and what it loads; `policy` is None where that has mistakes."""

    fields: Fields
    policy: Policy | None


class _Reader:
    """Reads one test."""

    def __init__(self, file: Path, node: MappingNode, mistakes: list[Mistake]) -> None:
        self._file = file
        self._mistakes = mistakes
        self._fields = Fields(node, _KEYS, mistakes)
        self._node = node

    def case(self) -> Case | None:
        """The test; None where it has a mistake."""
        before = len(self._mistakes)
        fields = self._fields
        fields.require("name", "rules")
        policy = self._policy(fields)
        entities, whole = self._entities()
        reloads = [self._reload(node) for node in fields.mappings("reloads")]
        if policy is None or any(one.policy is None for one in reloads):
            return None
        case = Case(fields.text("name") or "", self._node.place, policy, entities=entities)
        for one in reloads:
            at = one.fields.duration("at")
            if at is not None and one.policy is not None:
                case.reloads.append((at, one.policy))
        mentions = Mentions(entities, [policy, *(later for _, later in case.reloads)], whole=whole)
        self._read_times(case)
        self._read_readings(case, mentions)
        read_happenings(fields, mentions, case)
        self._read_expectations(case, mentions)
        self._read_calendars(case)
        return case if len(self._mistakes) == before else None

    def _read_calendars(self, case: Case) -> None:
        """What the mutes of the rule files name; URLs are not fetched."""
        wrong: list[str] = []

        def filled(policy: Policy) -> Policy:
            found, mistakes = with_files(policy, case.start - BEFORE, case.start + _UNFOLDED)
            wrong.extend(mistakes)
            return found

        case.policy = filled(case.policy)
        case.reloads = [(at, filled(policy)) for at, policy in case.reloads]
        place = self._fields.place("rules")
        self._mistakes += [place.mistake(one) for one in dict.fromkeys(wrong)]

    # -- what is there

    def _policy(self, fields: Fields) -> Policy | None:
        named = fields.texts("rules", single=True)
        if named is None:
            return None
        paths, before = [], len(self._mistakes)
        if not named:
            fields.wrong("rules", "rules: is empty; name at least one rule file")
        for text, place in named:
            path = _tidy(self._file.parent / text)
            paths.append(path)
            if not path.exists():
                siblings = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
                hint = did_you_mean(path.name, siblings) or "; name a rule file or a folder, seen from this file"
                self._mistakes.append(place.mistake(f"rules: '{text}' does not exist{hint}"))
        if len(self._mistakes) > before:
            return None
        try:
            return load_files(paths, {}, expand=False)
        except RuleFileError as cause:
            self._mistakes += cause.mistakes
            return None

    def _reload(self, node: MappingNode) -> _Reload:
        fields = Fields(node, ("at", "rules"), self._mistakes)
        fields.require("at", "rules")
        return _Reload(fields, self._policy(fields))

    def _read_times(self, case: Case) -> None:
        interval = self._fields.duration("interval")
        if interval is not None and interval < 1:
            self._fields.wrong("interval", "interval: polls are at least 1s apart")
        elif interval is not None:
            case.interval = interval
        case.start = self._start()

    def _start(self) -> float:
        text = self._fields.text("start")
        if text is None:
            return MONDAY
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self._fields.wrong("start", f"start: '{text}' is not a time; write ISO 8601, e.g. 2026-01-05T09:00Z")
            return MONDAY
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()

    def _entities(self) -> tuple[tuple[Entity, ...], bool]:
        """Who is there, and whether that is everybody the test describes."""
        before = len(self._mistakes)
        described: list[tuple[Kind, str, dict[str, str | tuple[str, ...]], Place]] = []
        for node in self._fields.mappings("entities"):
            fields = Fields(node, _ENTITY_KEYS, self._mistakes)
            kind = next((kind for kind in ENTITY_KINDS if str(kind) in fields), None)
            if kind is None:
                accepted = ", ".join(str(one) for one in ENTITY_KINDS)
                what = f"which kind of entity? One of these keys has to be there: {accepted}"
                self._mistakes.append(node.place.mistake(what))
                continue
            values: dict[str, str | tuple[str, ...]] = {}
            for key, value in node.items.items():
                if isinstance(value, Scalar):
                    values[key] = value.text
                elif isinstance(value, Sequence) and all(isinstance(one, Scalar) for one in value.items):
                    values[key] = tuple(one.text for one in value.items if isinstance(one, Scalar))
                else:
                    self._mistakes.append(value.place.mistake(f"{key}: {expected('a text or a list of texts', value)}"))
            name = values.get(str(kind), "")
            if not isinstance(name, str) or not name:
                self._mistakes.append(node.place.mistake(f"{kind}: needs a name"))
                continue
            described.append((kind, name, values, node.items[str(kind)].place))
        entities = populate(described, self._mistakes)
        return entities, len(self._mistakes) == before

    # -- what is read

    def _read_readings(self, case: Case, mentions: Mentions) -> None:
        for node in self._fields.mappings("readings"):
            fields = Fields(node, ("entity", "metric", "values", "every"), self._mistakes)
            if not fields.require("entity", "metric", "values"):
                continue
            key, metric, values = mentions.entity(fields), fields.text("metric"), self._values(fields)
            if key is None or metric is None or values is None:
                continue
            values = self._spread(fields, values, case.interval)
            series = case.readings.setdefault(key, {})
            if metric in series:
                fields.wrong("metric", f"metric: {metric} of this entity stands here twice")
            if hint := mentions.metric_hint(metric):
                case.warnings.append(fields.place("metric").mistake(hint))
            series[metric] = values

    def _spread(self, fields: Fields, values: list[Value], interval: float) -> list[Value]:
        """A value for each poll. With `every`, a value holds for so long."""
        every = fields.duration("every")
        if every is None:
            return values
        if every < interval:
            fields.wrong("every", f"every: is shorter than the {format_duration(interval)} between polls")
            return values
        polls = math.ceil(len(values) * every / interval - 1e-9)
        if polls > LONGEST:
            fields.wrong("every", f"every: makes {polls} polls; at most {LONGEST} are accepted")
            return values
        return [values[int(poll * interval / every + 1e-9)] for poll in range(polls)]

    def _values(self, fields: Fields) -> list[Value] | None:
        node = fields.get("values")
        found: list[Value] = []
        if isinstance(node, Sequence):
            for item in node.items:
                if not isinstance(item, Scalar):
                    self._mistakes.append(item.place.mistake(f"values: {expected('a value', item)}"))
                    return None
                found.append(_value(item))
        elif isinstance(node, Scalar):
            try:
                found = parse_series(node.text)
            except ValueError as cause:
                fields.wrong("values", f"values: {cause}")
                return None
        if not found:
            fields.wrong("values", "values: is no series; write one such as 0x4 400000x20, or a list")
            return None
        return found

    # -- what is expected

    def _read_expectations(self, case: Case, mentions: Mentions) -> None:
        for node in self._fields.mappings("alerts"):
            fields = Fields(node, ("at", "alert", "entity", "state"), self._mistakes)
            if fields.require("at", "alert", "entity", "state"):
                at, rule = fields.duration("at"), mentions.rule(fields)
                key, state = mentions.entity(fields), fields.choice("state", Phase)
                if at is not None and rule is not None and key is not None and state is not None:
                    case.alerts.append(ExpectedAlert(at, rule, key, state, node.place))
        case.only = mentions.receivers(self._fields, "only")
        if "messages" not in self._fields:
            return
        case.messages, case.messages_at = [], self._node.key("messages")
        for node in self._fields.mappings("messages"):
            fields = Fields(node, ("at", "to", "kind", "contains"), self._mistakes)
            if not fields.require("at", "to", "kind"):
                continue
            at, to, kind = fields.duration("at"), mentions.receiver(fields, "to"), fields.choice("kind", _KINDS)
            contains = tuple(text for text, _ in fields.texts("contains", single=True) or ())
            if to is not None and case.only is not None and to not in case.only:
                fields.wrong("to", f"to: 'only' leaves '{to}' out, so its messages are not looked at; name it there")
            if at is not None and to is not None and kind is not None:
                case.messages.append(ExpectedMessage(at, to, kind, contains, node.place))


def _tidy(path: Path) -> Path:
    """The same path without `..`, as people would write it, where that leads to the same file."""
    shorter = Path(os.path.normpath(path))
    return shorter if shorter.exists() and path.exists() and shorter.samefile(path) else path


def _value(node: Scalar) -> Value:
    """An item of a list, as it is; a plain `_` is no reading here too."""
    if isinstance(node.value, bool | int | float):
        return number_or_none(float(node.value))
    if node.value is None or (node.text == "_" and not node.style):
        return None
    return node.text
