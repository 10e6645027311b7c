"""Cases: rule test files to typed values, every mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from watchdog.alerts.life import Phase
from watchdog.alerts.silences import Matcher, parse_matcher
from watchdog.configuration.fields import Fields, did_you_mean, expected
from watchdog.configuration.files import load_files
from watchdog.configuration.places import Mapping as MappingNode
from watchdog.configuration.places import Node, Place, Scalar, Sequence, read
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError, Mistake, RuleFileError
from watchdog.notify.message import MessageKind
from watchdog.readings.fleet import Entity, EntityKey, Kind
from watchdog.readings.naming import resolve
from watchdog.trials.population import ENTITY_KINDS, populate
from watchdog.trials.series import Value, parse_series
from watchdog.units import parse_duration

_KEYS = ("name", "rules", "start", "interval", "entities", "readings", "silences", "receivers_down", "api_down",
         "restarts", "acks", "unobserved", "gone", "reloads", "alerts", "only", "messages")  # fmt: skip
#: Monday morning, so that a test that names no start is the same on every day.
_START = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Span:
    """`[start, end)` in seconds from the start of the test; `end` is infinite where none is named."""

    start: float
    end: float

    def covers(self, at: float) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    at: float
    rule: str
    entity: EntityKey
    state: Phase
    place: Place


@dataclass(frozen=True, slots=True)
class ExpectedMessage:
    at: float
    to: str
    kind: MessageKind
    contains: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Restart:
    """Down from `down`, up again at `up`; the same instant for a restart between two polls."""

    down: float
    up: float


@dataclass(slots=True)
class Case:
    """One test. Instants are seconds from `start`, which is seconds since the epoch."""

    name: str
    place: Place
    policy: Policy
    start: float = _START
    interval: float = 60.0
    entities: tuple[Entity, ...] = ()
    readings: dict[EntityKey, dict[str, list[Value]]] = field(default_factory=dict)
    silences: list[tuple[tuple[Matcher, ...], Span]] = field(default_factory=list)
    receivers_down: list[tuple[str, Span]] = field(default_factory=list)
    api_down: list[Span] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    acks: list[tuple[float, str, EntityKey]] = field(default_factory=list)
    unobserved: list[tuple[EntityKey, Span]] = field(default_factory=list)
    gone: list[tuple[EntityKey, Span]] = field(default_factory=list)
    reloads: list[tuple[float, Policy]] = field(default_factory=list)
    alerts: list[ExpectedAlert] = field(default_factory=list)
    messages: list[ExpectedMessage] | None = None
    only: frozenset[str] | None = None

    @property
    def ends(self) -> float:
        """The later of the last reading and the last expectation, plus one minute."""
        longest = max((len(values) for found in self.readings.values() for values in found.values()), default=1)
        expected = [*(one.at for one in self.alerts), *(one.at for one in self.messages or ())]
        return max((longest - 1) * self.interval, *expected, 0.0) + 60.0


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
        fields.require("tests")
        cases = [case for node in fields.mappings("tests") if (case := _Reader(file, node, mistakes).case())]
    elif root is not None:
        mistakes.append(root.place.mistake(f"{expected('a mapping', root)}; a test file begins with tests:"))
    elif not mistakes:
        mistakes.append(Mistake(str(file), 1, 1, "is empty; a test file begins with tests:"))
    if mistakes:
        raise RuleFileError(mistakes)
    return cases


class _Reader:
    """Reads one test."""

    def __init__(self, file: Path, node: MappingNode, mistakes: list[Mistake]) -> None:
        self._file = file
        self._mistakes = mistakes
        self._fields = Fields(node, _KEYS, mistakes)
        self._node = node
        self._entities: tuple[Entity, ...] = ()

    def case(self) -> Case | None:
        before = len(self._mistakes)
        fields = self._fields
        fields.require("name", "rules")
        policy = self._policy(fields)
        self._entities = self._read_entities()
        if policy is None:
            return None
        case = Case(fields.text("name") or "", self._node.place, policy, entities=self._entities)
        case.start = self._start()
        interval = fields.duration("interval")
        if interval is not None:
            case.interval = interval
            if interval < 1:
                fields.wrong("interval", "interval: polls are at least 1s apart")
                return None
        self._read_readings(case)
        self._read_world(case)
        self._read_expectations(case)
        return case if len(self._mistakes) == before else None

    # -- what is there

    def _policy(self, fields: Fields) -> Policy | None:
        paths = fields.texts("rules", single=True)
        if paths is None:
            return None
        try:
            return load_files([self._file.parent / text for text, _ in paths], {}, expand=False)
        except RuleFileError as cause:
            self._mistakes += cause.mistakes
            return None

    def _start(self) -> float:
        text = self._fields.text("start")
        if text is None:
            return _START
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self._fields.wrong("start", f"start: '{text}' is not a time; write ISO 8601, e.g. 2026-01-05T09:00Z")
            return _START
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()

    def _read_entities(self) -> tuple[Entity, ...]:
        described: list[tuple[Kind, str, dict[str, str | tuple[str, ...]], Place]] = []
        for node in self._fields.mappings("entities"):
            kind = next((kind for kind in ENTITY_KINDS if str(kind) in node.items), None)
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
        return populate(described, self._mistakes)

    def _read_readings(self, case: Case) -> None:
        for node in self._fields.mappings("readings"):
            fields = Fields(node, ("entity", "metric", "values"), self._mistakes)
            if not fields.require("entity", "metric", "values"):
                continue
            key, metric, values = self._entity(fields), fields.text("metric"), self._values(fields)
            if key is None or metric is None or values is None:
                continue
            series = case.readings.setdefault(key, {})
            if metric in series:
                fields.wrong("metric", f"metric: {metric} of this entity stands here twice")
            series[metric] = values

    def _values(self, fields: Fields) -> list[Value] | None:
        node = fields.get("values")
        if isinstance(node, Sequence):
            found: list[Value] = []
            for item in node.items:
                if not isinstance(item, Scalar):
                    self._mistakes.append(item.place.mistake(f"values: {expected('a value', item)}"))
                    return None
                found.append(_value(item))
            return found
        if not isinstance(node, Scalar):
            fields.wrong("values", "values: write a series such as 0x4 400000x20, or a list")
            return None
        try:
            return parse_series(node.text)
        except ValueError as cause:
            fields.wrong("values", f"values: {cause}")
            return None

    # -- what happens

    def _read_world(self, case: Case) -> None:
        for fields, span in self._spans("silences", "where", "matchers"):
            matchers = self._matchers(fields)
            if matchers:
                case.silences.append((matchers, span))
        for fields, span in self._spans("receivers_down", "receiver"):
            receiver = self._receiver(fields, "receiver", case.policy)
            if receiver is not None:
                case.receivers_down.append((receiver, span))
        case.api_down = [span for _, span in self._spans("api_down")]
        for name, into in (("unobserved", case.unobserved), ("gone", case.gone)):
            for fields, span in self._spans(name, "entity"):
                if fields.require("entity") and (key := self._entity(fields)) is not None:
                    into.append((key, span))
        self._read_restarts(case)
        for node in self._fields.mappings("acks"):
            fields = Fields(node, ("at", "alert", "entity", "author", "comment"), self._mistakes)
            if fields.require("at", "alert", "entity"):
                at, rule, key = fields.duration("at"), self._rule(fields, case.policy), self._entity(fields)
                if at is not None and rule is not None and key is not None:
                    case.acks.append((at, rule, key))
        for node in self._fields.mappings("reloads"):
            fields = Fields(node, ("at", "rules"), self._mistakes)
            if fields.require("at", "rules"):
                at, policy = fields.duration("at"), self._policy(fields)
                if at is not None and policy is not None:
                    case.reloads.append((at, policy))

    def _spans(self, key: str, *more: str) -> list[tuple[Fields, Span]]:
        found = []
        for node in self._fields.mappings(key):
            fields = Fields(node, ("from", "until", *more), self._mistakes)
            start, end = fields.duration("from"), fields.duration("until")
            if start is not None and end is not None and end <= start:
                fields.wrong("until", "until: has to be later than from")
            found.append((fields, Span(start or 0.0, float("inf") if end is None else end)))
        return found

    def _read_restarts(self, case: Case) -> None:
        node = self._fields.get("restarts")
        items = node.items if isinstance(node, Sequence) else () if node is None else (node,)
        for item in items:
            if isinstance(item, MappingNode):
                fields = Fields(item, ("down", "up"), self._mistakes)
                down, up = fields.duration("down"), fields.duration("up")
                if fields.require("down", "up") and down is not None and up is not None:
                    case.restarts.append(Restart(down, up))
                continue
            at = self._at(item, "restarts")
            if at is not None:
                case.restarts.append(Restart(at, at))
        case.restarts.sort(key=lambda one: one.down)

    def _at(self, node: Node, key: str) -> float | None:
        try:
            if isinstance(node, Scalar):
                return parse_duration(node.text)
            self._mistakes.append(node.place.mistake(f"{key}: {expected('a duration', node)}"))
        except ValueError as cause:
            self._mistakes.append(node.place.mistake(f"{key}: {cause}"))
        return None

    def _matchers(self, fields: Fields) -> tuple[Matcher, ...]:
        if "matchers" in fields:
            return tuple(self._parsed(parse_matcher, text, place) for text, place in fields.texts("matchers") or ())
        node = fields.mapping("where")
        if node is None:
            fields.require("where")
            return ()
        found: list[Matcher] = []
        for label, value in node.items.items():
            scalars = value.items if isinstance(value, Sequence) else (value,)
            found += matchers_of(label, tuple(one.text for one in scalars if isinstance(one, Scalar)))
        return tuple(found)

    def _parsed(self, parse: Callable[[str], _T], text: str, place: Place) -> _T:
        try:
            return parse(text)
        except ValueError as cause:
            self._mistakes.append(place.mistake(str(cause)))
            return parse("x=y")

    # -- what is expected

    def _read_expectations(self, case: Case) -> None:
        for node in self._fields.mappings("alerts"):
            fields = Fields(node, ("at", "alert", "entity", "state"), self._mistakes)
            if fields.require("at", "alert", "entity", "state"):
                at, rule = fields.duration("at"), self._rule(fields, case.policy, case)
                key, state = self._entity(fields), fields.choice("state", Phase)
                if at is not None and rule is not None and key is not None and state is not None:
                    case.alerts.append(ExpectedAlert(at, rule, key, state, node.place))
        only = self._fields.texts("only", single=True)
        if only is not None:
            case.only = frozenset(name for name, _ in only)
        if "messages" not in self._fields:
            return
        case.messages = []
        for node in self._fields.mappings("messages"):
            fields = Fields(node, ("at", "to", "kind", "contains"), self._mistakes)
            if not fields.require("at", "to", "kind"):
                continue
            at, to = fields.duration("at"), self._receiver(fields, "to", case.policy, case)
            kind = fields.choice("kind", MessageKind)
            contains = tuple(text for text, _ in fields.texts("contains", single=True) or ())
            if at is not None and to is not None and kind is not None:
                case.messages.append(ExpectedMessage(at, to, kind, contains, node.place))

    # -- names

    def _entity(self, fields: Fields) -> EntityKey | None:
        text = fields.text("entity")
        if text is None:
            return None
        try:
            return resolve(text, self._entities).key
        except ConfigError as cause:
            fields.wrong("entity", f"entity: {cause}")
            return None

    def _rule(self, fields: Fields, policy: Policy, case: Case | None = None) -> str | None:
        name = fields.text("alert")
        known = set(policy.by_name) | {one for _, later in (case.reloads if case else ()) for one in later.by_name}
        if name is not None and name not in known:
            self._unknown(fields, "alert", name, known)
            return None
        return name

    def _receiver(self, fields: Fields, key: str, policy: Policy, case: Case | None = None) -> str | None:
        name = fields.text(key)
        known = set(policy.receivers) | {one for _, later in (case.reloads if case else ()) for one in later.receivers}
        if name is not None and name not in known:
            self._unknown(fields, key, name, known)
            return None
        return name

    def _unknown(self, fields: Fields, key: str, name: str, known: set[str]) -> None:
        hint = did_you_mean(name, known) or f"; there are {', '.join(sorted(known)) or 'none'}"
        fields.wrong(key, f"{key}: the rules of this test have no '{name}'{hint}")


def matchers_of(label: str, items: tuple[str, ...]) -> list[Matcher]:
    """The matchers that a label's `where` items are shorthand for."""

    def regex(glob: str) -> str:
        return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)

    positive = [regex(item) for item in items if not item.startswith("!")]
    negative = [regex(item[1:]) for item in items if item.startswith("!")]
    found = [Matcher(label, "|".join(positive), regex=True)] if positive else []
    return found + [Matcher(label, one, regex=True, equal=False) for one in negative]


def _value(node: Scalar) -> Value:
    if isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node.value, int | float):
        return float(node.value)
    return None if node.value is None else node.text


