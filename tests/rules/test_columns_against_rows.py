"""The columnar evaluator answers what a plain, slow interpreter answers, over random expressions and readings."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.packing import RowIds, Saved
from watchdog.readings.snapshot import Snapshot, SparseReadings
from watchdog.rules.evaluator import Evaluator
from watchdog.rules.expressions import Expression
from watchdog.rules.rule import Override, Quantity, Rule, Terms
from watchdog.rules.selector import Selector
from watchdog.rules.verdicts import Verdicts

POLL = 30.0
METRICS = ("alpha", "beta", "gamma")  # outside the catalogue: no unit, and each reading is a number or a text
WINDOWS = ("increase", "rate", "delta", "changes", "resets", "avg_over_time", "min_over_time", "max_over_time", "ago")
CONNECTORS = [*(EntityKey(Kind.SOURCE, f"s{n}") for n in range(4)), EntityKey(Kind.DESTINATION, "d0")]
TASKS = [EntityKey(Kind.TASK, id) for id in ("s0/0", "s1/0", "s1/1", "d0/0")]
UNLISTED = CONNECTORS[3]  #: the API did not answer its list of tasks; s2 has none
KEYS = [*CONNECTORS, *TASKS]


def fleet(keys: list[EntityKey], version: int) -> Fleet:
    entities = []
    for key in keys:
        if key.kind is Kind.TASK:
            entities.append(Entity(key, {"name": key.id}, connector=owner(key)))
        else:
            entities.append(
                Entity(key, {"name": key.id}, lists=frozenset() if key == UNLISTED else frozenset({"tasks"}))
            )
    return Fleet.of(entities, 0.0, version)


def owner(task: EntityKey) -> EntityKey:
    return next(key for key in CONNECTORS if key.id == task.id.split("/")[0])


#: What listings find: everybody; or in another order, without s1 and one of its tasks.
WITHOUT = {CONNECTORS[1], TASKS[1], TASKS[2]}
FLEETS = (KEYS, [key for key in reversed(KEYS) if key not in WITHOUT])
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
LIMITS = {"s0": 2.0, "s1": 5.0}  # of the param `limit`; elsewhere 1


# -- expressions as nested tuples: their text, and what they mean


def text(node: Any) -> str:
    head, *rest = node
    match head:
        case "number":
            return str(rest[0])
        case "text":
            return f'"{rest[0]}"'
        case "metric":
            return rest[0]
        case "window":
            return f"{rest[0]}({text(rest[1])}, {rest[2]}s)"
        case "quantile":
            return f"quantile_over_time({rest[0]}, {text(rest[1])}, {rest[2]}s)"
        case "call":
            return f"{rest[0]}({', '.join(map(text, rest[1:]))})"
        case "family":
            return f"{rest[0]}(tasks, {text(rest[1])})"
        case "count":
            return "count(tasks)"
        case "in":
            return f"({text(rest[0])} {rest[1]} [{', '.join(map(text, rest[2]))}])"
        case "match":
            return f'({text(rest[0])} {rest[1]} "{rest[2]}")'
        case "not":
            return f"not ({text(rest[0])})"
        case "minus":
            return f"-({text(rest[0])})"
        case _:
            return f"({text(rest[0])} {head} {text(rest[1])})"


@dataclass
class World:
    """What was read: per entity and metric the readings in the order of their instants, and those of the last poll."""

    now: float = 0.0
    past: dict[tuple[EntityKey, str], list[tuple[float, float | str]]] = field(default_factory=dict)
    present: dict[tuple[EntityKey, str], float | str] = field(default_factory=dict)
    seen_now: set[tuple[EntityKey, str]] = field(default_factory=set)
    listed: list[EntityKey] = field(default_factory=lambda: KEYS)
    dark: frozenset[EntityKey] = frozenset()

    def listing(self, keys: list[EntityKey]) -> None:
        self.listed = keys
        self.past = {place: past for place, past in self.past.items() if place[0] in keys}

    def children(self, key: EntityKey) -> list[EntityKey]:
        return [task for task in self.listed if task.kind is Kind.TASK and owner(task) == key]

    def poll(self, at: float, readings: dict[tuple[EntityKey, str], tuple[float | str, float]]) -> None:
        self.now, self.present, self.seen_now = at, {}, set()
        for key, (value, lag) in readings.items():
            self.present[key] = value
            past = self.past.setdefault(key, [])
            if not past or at - lag >= past[-1][0]:
                self.seen_now.add(key)
            if not past or at - lag > past[-1][0]:
                past.append((at - lag, value))

    # values: a number, a text or None

    def value(self, node: Any, key: EntityKey, limit: float) -> Any:
        head, *rest = node
        match head:
            case "number" | "text":
                return float(rest[0]) if head == "number" else rest[0]
            case "metric" if rest[0] == "limit":
                return limit
            case "metric":
                return self.present.get(self.place(rest[0], key))
            case "window" | "quantile":
                return self.window(node, key)
            case "count":
                return None if key == UNLISTED else float(len(self.children(key)))
            case "family":
                return self.family(rest[0], rest[1], key, limit)
            case "minus":
                number = as_number(self.value(rest[0], key, limit))
                return None if number is None else -number
            case "call":
                return self.call(rest[0], rest[1:], key, limit)
        left, right = (as_number(self.value(part, key, limit)) for part in rest)
        if left is None or right is None or (head == "/" and right == 0):
            return None
        found = {"+": left.__add__, "-": left.__sub__, "*": left.__mul__, "/": left.__truediv__}[head](right)
        return found if math.isfinite(found) else None

    def call(self, name: str, parts: list[Any], key: EntityKey, limit: float) -> Any:
        if name == "unchanged_for":
            place = self.place(parts[0][1], key)
            if place not in self.seen_now:
                return None
            since, last = None, None
            for at, value in self.past[place]:
                if folded(value) != last:
                    since, last = at, folded(value)
            return self.now - since if since is not None else None
        values = [self.value(part, key, limit) for part in parts]
        if name == "coalesce":
            return next((value for value in values if value is not None), None)
        numbers = [as_number(value) for value in values]
        if any(number is None for number in numbers):
            return None
        return {"abs": lambda: abs(numbers[0]), "min": lambda: min(numbers), "max": lambda: max(numbers)}[name]()

    def window(self, node: Any, key: EntityKey) -> Any:
        name, metric, seconds = ("quantile", node[2], node[3]) if node[0] == "quantile" else node[1:]
        start = self.now - seconds
        past = self.past.get(self.place(metric[1], key), [])
        if name not in ("changes", "ago"):
            past = [(at, value) for at, value in past if not isinstance(value, str)]
        before = [(at, value) for at, value in past if at <= start]
        inside = [(at, value) for at, value in past if start < at <= self.now]
        if not before or before[-1][0] < start - 3 * POLL:
            return None
        base_at, base = before[-1]
        if name == "ago":
            return base
        if not inside:
            return None
        steps = list(zip([base, *(value for _, value in inside)], [value for _, value in inside], strict=False))
        values = [value for _, value in inside]
        growth = sum(new if new < old else new - old for old, new in steps) if name in ("increase", "rate") else 0.0
        match name:
            case "increase":
                return growth
            case "rate":
                return growth / (inside[-1][0] - base_at)
            case "delta":
                return values[-1] - base
            case "changes":
                return float(sum(folded(old) != folded(new) for old, new in steps))
            case "resets":
                return float(sum(new < old for old, new in steps))
            case "avg_over_time":
                return sum(values) / len(values)
            case "min_over_time":
                return min(values)
            case "max_over_time":
                return max(values)
        ordered = sorted(values)
        place = node[1] * (len(ordered) - 1)
        low = math.floor(place)
        below, above = ordered[low], ordered[min(low + 1, len(ordered) - 1)]
        return below + (above - below) * (place - low)

    def family(self, name: str, body: Any, key: EntityKey, limit: float) -> Any:
        if key == UNLISTED:
            return None
        if name == "count":
            truths = [self.truth(body, child, limit) for child in self.children(key)]
            return None if None in truths and True not in truths else float(truths.count(True))
        values = [as_number(self.value(body, child, limit)) for child in self.children(key)]
        known = [value for value in values if value is not None]
        if not known:
            return 0.0 if name == "sum" and not values else None
        return {"sum": lambda: sum(known), "min": lambda: min(known), "max": lambda: max(known),
                "avg": lambda: sum(known) / len(known)}[name]()  # fmt: skip

    # truths: True, False or None

    def truth(self, node: Any, key: EntityKey, limit: float) -> bool | None:
        head, *rest = node
        match head:
            case "not":
                inner = self.truth(rest[0], key, limit)
                return None if inner is None else not inner
            case "and" | "or":
                both = [self.truth(part, key, limit) for part in rest]
                decided = head == "or"
                if decided in both:
                    return decided
                return None if None in both else not decided
            case "call":
                there = self.value(rest[1], key, limit) is not None
                return there if rest[0] == "present" else not there
            case "in":
                value = self.value(rest[0], key, limit)
                items = [item[1] for item in rest[2]]
                value = as_text(value) if isinstance(items[0], str) else as_number(value)
                return None if value is None else (value in [folded(item) for item in items]) == (rest[1] == "in")
            case "match":
                value = as_text(self.value(rest[0], key, limit))
                return None if value is None else (re.fullmatch(rest[2], value, re.I) is not None) == (rest[1] == "=~")
        left, right = (self.value(part, key, limit) for part in rest)
        if "text" in (rest[0][0], rest[1][0]):
            left, right = as_text(left), as_text(right)
        elif head in ("==", "!=") and isinstance(left, str) and isinstance(right, str):
            left, right = folded(left), folded(right)
        else:
            left, right = as_number(left), as_number(right)
        if left is None or right is None:
            return None
        return OPERATORS[head](left, right)

    def named(self, node: Any, key: EntityKey) -> Iterator[EntityKey]:
        """Whose readings an expression names."""
        match node:
            case ("metric", "limit") | ("count",):
                return
            case ("metric", metric):
                yield self.place(metric, key)[0]
            case ("family", _, body):
                for child in self.children(key):
                    yield from self.named(body, child)
            case tuple() | list():
                for part in node:
                    yield from self.named(part, key)

    def place(self, metric: str, key: EntityKey) -> tuple[EntityKey, str]:
        if metric.startswith("connector."):
            return owner(key), metric.removeprefix("connector.")
        return key, metric


def as_number(value: Any) -> float | None:
    return value if isinstance(value, float) else None


def as_text(value: Any) -> str | None:
    return value.casefold() if isinstance(value, str) else None


def folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


# -- random expressions

numbers = st.integers(-3, 6).map(lambda n: ("number", n))


@cache  # a strategy made anew is checked anew, which takes longer than drawing from it
def metrics(kind: Kind) -> st.SearchStrategy[Any]:
    own = st.sampled_from(METRICS)
    if kind is Kind.TASK:
        own = own | own.map(lambda name: f"connector.{name}")
    return own.map(lambda name: ("metric", name))


@cache
def leaves(kind: Kind) -> st.SearchStrategy[Any]:
    seconds = st.sampled_from((30, 45, 60, 90, 200))
    found = [
        metrics(kind),
        metrics(kind),
        numbers,
        st.tuples(st.just("window"), st.sampled_from(WINDOWS), metrics(kind), seconds),
        st.tuples(st.just("quantile"), st.sampled_from((0, 0.25, 0.5, 1)), metrics(kind), seconds),
    ]
    if kind is not Kind.TASK:
        task = values(Kind.TASK, 1)
        found.append(st.tuples(st.just("family"), st.sampled_from(("sum", "min", "max", "avg")), task))
        found.append(st.tuples(st.just("family"), st.just("count"), truths(Kind.TASK, 1)))
        found.append(st.just(("count",)))
        found.append(st.just(("metric", "limit")))
    return st.one_of(*found)


@cache
def values(kind: Kind, depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return st.deferred(lambda: leaves(kind))
    part = values(kind, depth - 1)
    return st.one_of(
        st.deferred(lambda: leaves(kind)),
        st.tuples(st.sampled_from("+-*/"), part, part),
        st.tuples(st.just("minus"), part),
        st.tuples(st.just("call"), st.just("abs"), part),
        st.tuples(st.just("call"), st.sampled_from(("min", "max", "coalesce")), part, part),
    )


@cache
def truths(kind: Kind, depth: int) -> st.SearchStrategy[Any]:
    value, order = values(kind, 1), st.sampled_from(("==", "!=", ">", ">=", "<", "<="))
    words = st.sampled_from(("Up", "DOWN", "up")).map(lambda word: ("text", word))
    found = [
        st.tuples(order, value, value),
        st.tuples(st.sampled_from(("==", "!=")), metrics(kind), words),
        st.tuples(st.sampled_from(("==", "!=")), metrics(kind), metrics(kind)),
        st.tuples(st.just("call"), st.sampled_from(("absent", "present")), value),
        st.tuples(
            st.just("in"), metrics(kind), st.sampled_from(("in", "not in")), st.lists(words, min_size=1, max_size=2)
        ),
        st.tuples(st.just("in"), value, st.sampled_from(("in", "not in")), st.lists(numbers, min_size=1, max_size=2)),
        st.tuples(
            st.just("match"), metrics(kind), st.sampled_from(("=~", "!~")), st.sampled_from(("u.", "up|x", "D.*"))
        ),
        st.tuples(
            order,
            st.tuples(st.just("call"), st.just("unchanged_for"), metrics(kind)),
            st.sampled_from((30, 60, 70)).map(lambda n: ("number", n)),
        ),
    ]
    if depth:
        part = truths(kind, depth - 1)
        found += [st.tuples(st.sampled_from(("and", "or")), part, part), st.tuples(st.just("not"), part)]
    return st.one_of(*found)


PLACES = [(key, metric) for key in KEYS for metric in METRICS]
SEEN = (None, 0.0, 1.0, 2.0, 3.0, 4.0, "Up", "up", "down")
LATE = (0.0, 0.0, 0.0, 0.0, 10.0, 40.0)


def read(drawn: bytes) -> dict[tuple[EntityKey, str], tuple[float | str, float]]:
    """A byte for each place: what was read there, and how long before the poll. Bytes, because drawing them is quick."""
    found = {}
    for place, byte in zip(PLACES, drawn, strict=True):
        value = SEEN[byte % len(SEEN)]
        if value is not None:
            found[place] = (value, LATE[byte // len(SEEN) % len(LATE)])
    return found


#: Whom a failed request would have answered for; mostly nobody.
unobserved = st.just(frozenset()) | st.just(frozenset()) | st.frozensets(st.sampled_from(KEYS), max_size=2)
readings = st.binary(min_size=len(PLACES), max_size=len(PLACES)).map(read)
#: Polls: how many intervals after the one before, what happens in between, whom it has no answer for, what is read.
polls = st.lists(
    st.tuples(
        st.sampled_from((1, 1, 1, 2, 4)), st.sampled_from(("", "", "", "restart", "listing")), unobserved, readings
    ),
    min_size=1,
    max_size=9,
)
kinds = st.sampled_from((Kind.SOURCE, Kind.TASK, Kind.CONNECTOR))


def rule(name: str, kind: Kind, expression: Any) -> Rule:
    params = {"limit": Quantity(1.0)}
    overrides = tuple(
        Override(Selector({"name": (name,)}), Terms(params={"limit": Quantity(value)}))
        for name, value in LIMITS.items()
    )
    parsed = Expression.parse(text(expression), each=kind, params=params)
    return Rule(name, kind, parsed, terms=Terms(params=params), overrides=overrides)


@dataclass
class Columns:
    """The evaluator under test with its history, through restarts."""

    rules: list[Rule]
    history: History = field(default_factory=History)
    rosters: dict[str, RowIds] = field(default_factory=dict)
    saved: list[Saved] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.evaluator = Evaluator(self.rules, POLL)
        self.history.want(self.evaluator.wanted)

    def restart(self) -> None:
        self.history = History()
        self.__post_init__()
        self.history.restore(self.rosters.values(), self.saved)

    def judge(self, snapshot: Snapshot) -> list[Verdicts]:
        self.history.record(snapshot)
        self.rosters |= {roster.id: roster for roster in self.history.rosters()}
        self.saved += self.history.saved()
        return self.evaluator.judge(snapshot, self.history)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(kinds.flatmap(lambda kind: st.tuples(st.just(kind), truths(kind, 2))), min_size=1, max_size=2),
    polls,
)
def test_columns_answer_what_rows_answer(expressions, timeline) -> None:
    rules = [rule(f"R{index}", kind, expression) for index, (kind, expression) in enumerate(expressions)]
    columns, world, at, listings, known = Columns(rules), World(), 0.0, 0, fleet(KEYS, 1)
    for steps, event, world.dark, seen in timeline:
        at += steps * POLL
        if event == "restart":
            columns.restart()
        elif event == "listing":
            listings += 1
            world.listing(FLEETS[listings % 2])
            known = fleet(world.listed, listings + 1)
        answered = {key for key in world.listed if key not in world.dark}
        there = {place: reading for place, reading in seen.items() if place[0] in answered}
        world.poll(at, there)
        sparse = SparseReadings()
        for (key, metric), (value, lag) in there.items():
            sparse.put(key, metric, value, at - lag)
        dark = {
            kind: np.array([key in world.dark for key in known.table(kind).row], dtype=np.bool_)
            for kind in (Kind.SOURCE, Kind.DESTINATION, Kind.TASK)
        }
        snapshot = sparse.snapshot(at, known, dark)
        for verdicts, (_, expression) in zip(columns.judge(snapshot), expressions, strict=True):
            for row, entity in enumerate(verdicts.table.entities):
                assert verdicts.observed[row] == world.dark.isdisjoint(world.named(expression, entity.key))
                if not verdicts.observed[row]:
                    assert verdicts.truth[row] == -1
                    continue
                limit = LIMITS.get(entity.key.id, 1.0)
                expected = {True: 1, False: 0, None: -1}[world.truth(expression, entity.key, limit)]
                assert verdicts.truth[row] == expected, (text(expression), entity.key, at, verdicts.explain(row))
                verdicts.explain(row)
