"""Scope: what names mean where an expression stands, be it among params, metrics, relatives or lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import Kind
from watchdog.readings.relations import CHILDREN, PARENTS
from watchdog.rules.expressions import syntax_tree
from watchdog.rules.expressions.mistakes import Mistakes
from watchdog.rules.expressions.names import LABEL_NAMES, RELATIONS, article
from watchdog.rules.expressions.plan import Reading, Relative, Sort, Value
from watchdog.rules.expressions.syntax_tree import Syntax
from watchdog.rules.expressions.value_types import Typed
from watchdog.rules.rule import Quantity


class Metric(NamedTuple):
    """A metric as an expression names it: whose, and the steps that lead there from the expression's own kind."""

    kind: Kind
    name: str
    steps: tuple[tuple[Kind, str], ...] = ()  #: (task, "connector") for `connector.x`

    def around(self, plan: Value) -> Value:
        """A plan over the metric's own kind, brought to where the expression reads it."""
        for kind, relation in reversed(self.steps):
            plan = Relative(kind, relation, plan)
        return plan

    @property
    def reading(self) -> Typed:
        """Its newest reading."""
        known = CATALOGUE.get(self.name)
        sort = Sort.ANY if known is None else Sort.TEXT if known.text else Sort.NUMBER
        return Typed(self.around(Reading(self.kind, self.name)), sort, known.unit if known else "")


class Scope:
    """Where a part of an expression stands: it is judged for entities of the kind `each`.

    `read` gathers the metrics that are read, by the kind that has them; `through` the relatives they are read through,
    as paths from the rule's own entity: () for itself, ("connector",), ("tasks",), ("connectors", "tasks").
    """

    def __init__(self, each: Kind, params: Mapping[str, Quantity], mistakes: Mistakes) -> None:
        self.each = each
        self.mistakes = mistakes
        self.read: set[tuple[Kind, str]] = set()
        self.through: set[tuple[str, ...]] = set()
        self._params = params
        self._path: tuple[str, ...] = ()

    @contextmanager
    def below(self, relation: str) -> Iterator[None]:
        """Among the members of one of its lists."""
        outer, path = self.each, self._path
        self.each, self._path = CHILDREN[outer][relation], (*path, relation)
        try:
            yield
        finally:
            self.each, self._path = outer, path

    def param(self, node: Syntax) -> Quantity | None:
        """The value of the param that a node names; None where it names none."""
        return self._params.get(node.names[0]) if isinstance(node, syntax_tree.Path) and len(node.names) == 1 else None

    def names_metric(self, node: Syntax) -> bool:
        """Whether a node names a metric, known or not."""
        if isinstance(node, syntax_tree.Call):
            return node.callee.names[-1] == "metric"
        return isinstance(node, syntax_tree.Path) and self.param(node) is None

    def metric(self, node: Syntax) -> Metric | None:
        """The metric that a name, `connector.name` or `metric("odd-name")` is; None after a mistake."""
        if isinstance(node, syntax_tree.Call) and node.callee.names[-1] == "metric":
            names, spans = node.callee.names[:-1], node.callee.spans[:-1]
            argument = node.arguments[0] if len(node.arguments) == 1 else None
            if (
                not isinstance(argument, syntax_tree.Literal)
                or not isinstance(argument.value, str)
                or not argument.value
            ):
                self.mistakes.add(node.at, 'metric() wants one name in quotes: `metric("odd-name")`')
                return None
            name, at = argument.value, argument.at
        elif isinstance(node, syntax_tree.Path):
            names, spans, name, at = node.names[:-1], node.spans[:-1], node.names[-1], node.spans[-1]
            why = None if names else self._why_no_metric(name)
            if why is not None:
                self.mistakes.add(at, why)
                return None
        else:
            self.mistakes.add(node.at, "a metric is wanted here, by its name")
            return None
        kind, steps = self.each, []
        for relation, place in zip(names, spans, strict=True):
            parent = PARENTS.get(kind, {}).get(relation)
            if parent is None:
                self.mistakes.add(place, _no_parent(kind, relation, name))
                return None
            steps.append((kind, relation))
            kind = parent
        known = CATALOGUE.get(name)
        if known is not None and known.sensitive:
            self.mistakes.add(at, f"{name} holds row keys; its readings are dropped, so no rule can read it")
            return None
        self.read.add((kind, name))
        self.through.add((*self._path, *names))
        return Metric(kind, name, tuple(steps))

    def names_list(self, node: Syntax) -> bool:
        """Whether a node names a list, so that `min(topics, recordsLag)` is no `min` of two values."""
        if not isinstance(node, syntax_tree.Path) or len(node.names) != 1 or self.param(node) is not None:
            return False
        name = node.names[0]
        known = CATALOGUE.get(name)
        return name in CHILDREN[self.each] or (name in RELATIONS and not (known and self.each in known.on))

    def no_list(self, name: str) -> str:
        """What to say of a list that entities of this kind do not have."""
        return f"{article(self.each)} has no `{name}`; it has {', '.join(CHILDREN[self.each]) or 'no lists'}"

    def _why_no_metric(self, name: str) -> str | None:
        """What else a word means here that is no metric; None where it may be one."""
        known = CATALOGUE.get(name)
        if known is not None and (self.each in known.on or name not in RELATIONS | LABEL_NAMES):
            return None
        if name in CHILDREN[self.each]:
            return f"`{name}` is a list: write `count({name})`, `count({name}, …)` or `sum({name}, …)`"
        if name in PARENTS.get(self.each, {}):
            return f"`{name}` is a relative: name a reading of it, e.g. `{name}.connector_status`"
        if name in RELATIONS:
            return self.no_list(name)
        if name in LABEL_NAMES:
            return f"`{name}` is a label, not a reading: select entities by it with `where: {{{name}: …}}`"
        return None


def _no_parent(kind: Kind, relation: str, name: str) -> str:
    if relation in CHILDREN[kind]:
        return f"`{relation}` are several: write `count({relation}, {name} …)` or `sum({relation}, {name})`"
    has = ", ".join(f"`{one}.{name}`" for one in PARENTS.get(kind, {}))
    below = ", ".join(CHILDREN[kind])
    rest = f"; it has {has}" if has else f"; its lists are {below}" if below else ""
    return f"{article(kind)} has no `{relation}`{rest}"
