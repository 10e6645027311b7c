"""Calls of functions: their arguments checked, their plans made."""

from __future__ import annotations

from abc import ABC, abstractmethod

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.relations import CHILDREN
from watchdog.rules.expressions import syntax_tree
from watchdog.rules.expressions.names import FUNCTIONS, WINDOWS, article
from watchdog.rules.expressions.plan import (
    Absolute,
    Coalesce,
    Const,
    Extreme,
    Family,
    Sort,
    Truth,
    Unchanged,
    Value,
    Window,
)
from watchdog.rules.expressions.promql import FUNCTIONS as FOREIGN
from watchdog.rules.expressions.scope import Metric, Scope
from watchdog.rules.expressions.value_types import Typed, UnfitError, text_sort, unified
from watchdog.spelling import did_you_mean
from watchdog.units import format_duration

_LONGEST = 86_400.0
_AGGREGATES = ("count", "sum", "min", "max", "avg")


class Calls(ABC):
    """The part of the checker that knows functions; what an argument is, the other part knows."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.mistakes = scope.mistakes

    @abstractmethod
    def truth(self, node: syntax_tree.Syntax) -> Truth | None: ...
    @abstractmethod
    def value(self, node: syntax_tree.Syntax) -> Typed | None: ...
    @abstractmethod
    def number(self, node: syntax_tree.Syntax) -> Typed | None: ...
    @abstractmethod
    def values(self, nodes: tuple[syntax_tree.Syntax, ...]) -> list[Typed] | None: ...

    def call(self, node: syntax_tree.Call) -> Typed | None:
        """The plan of a call that answers a value; None after a mistake."""
        name = node.callee.names[-1]
        if name == "metric":
            metric = self.scope.metric(node)
            return None if metric is None else metric.reading
        if len(node.callee.names) > 1 or name not in FUNCTIONS:
            self._unknown_function(node)
            return None
        if name in _AGGREGATES and node.arguments and self.scope.names_list(node.arguments[0]):
            return self._family(node)
        if name in WINDOWS:
            return self._window(node)
        match name:
            case "unchanged_for":
                return self._unchanged(node)
            case "abs":
                return self._abs(node)
            case "min" | "max":
                return self._extreme(node)
            case "coalesce":
                return self._coalesce(node)
            case "absent" | "present":
                self.mistakes.add(
                    node.at, f"`{name}` is true or false, not a value; join it with `and`, `or` and `not`"
                )
            case _:
                self._not_of_family(node)
        return None

    def expects(self, node: syntax_tree.Call, count: int, spelling: str) -> bool:
        """Whether a call has so many arguments; says so if not."""
        if len(node.arguments) != count:
            name, plural = node.callee.names[-1], "" if count == 1 else "s"
            what = f"{name} takes {count} argument{plural}, not {len(node.arguments)}: write `{spelling}`"
            self.mistakes.add(node.callee.at, what)
        return len(node.arguments) == count

    def _unknown_function(self, node: syntax_tree.Call) -> None:
        name = ".".join(node.callee.names)
        param = self.scope.param(node.callee)
        if param is not None or name in CATALOGUE:
            why = f"{name!r} is {'a metric' if param is None else 'a param'}, not a function; write its name alone"
        elif len(node.callee.names) > 1 and node.callee.names[-1] in FUNCTIONS:
            why = f"relatives go into the brackets: write `{node.callee.names[-1]}({node.callee.names[0]}.m, …)`"
        elif name in FOREIGN:
            why = f"no function {name!r}; {FOREIGN[name]}"
        elif name.casefold() in FUNCTIONS:
            why = f"no function {name!r}; write {name.casefold()!r} in lower case"
        else:
            near = did_you_mean(name, FUNCTIONS)
            why = f"no function {name!r}" + (near or f"; there are {', '.join(sorted(FUNCTIONS))}")
        self.mistakes.add(node.callee.at, why)

    # -- one row at a time

    def _abs(self, node: syntax_tree.Call) -> Typed | None:
        if not self.expects(node, 1, "abs(x)"):
            return None
        value = self.number(node.arguments[0])
        if value is None:
            return None
        if isinstance(value.plan, Const):
            return Typed(Const(abs(value.plan.number), value.plan.unit), unit=value.unit, free=value.free)
        return Typed(Absolute(value.plan), unit=value.unit, free=value.free)

    def _extreme(self, node: syntax_tree.Call) -> Typed | None:
        name = node.callee.names[0]
        if len(node.arguments) < 2:
            spellings = f"write `{name}(a, b)` or `{name}(topics, recordsLag)`"
            self.mistakes.add(node.callee.at, f"{name} takes two values, or a list and a metric: {spellings}")
            return None
        values = self.values(node.arguments)
        if values is None:
            return None
        for value, place in zip(values, node.arguments, strict=True):
            if value.sort is Sort.TEXT:
                self.mistakes.add(place.at, "a number is wanted here, this is a text")
                return None
        try:
            values, unit = unified(values)
        except UnfitError as why:
            self.mistakes.add(node.callee.at, str(why))
            return None
        plans = [value.plan for value in values]
        free = all(value.free for value in values) and bool(unit)
        constants = [plan for plan in plans if isinstance(plan, Const)]
        if len(constants) == len(plans):
            numbers = [plan.number for plan in constants]
            made = (min if name == "min" else max)(numbers) if all(n == n for n in numbers) else float("nan")
            return Typed(Const(made, unit), unit=unit, free=free)
        return Typed(Extreme(name, tuple(plans)), unit=unit, free=free)

    def _coalesce(self, node: syntax_tree.Call) -> Typed | None:
        if len(node.arguments) < 2:
            self.mistakes.add(
                node.callee.at, "coalesce takes a metric and what to take without it: write `coalesce(m, 0)`"
            )
            return None
        values = self.values(node.arguments)
        if values is None:
            return None
        try:
            sort, unit = text_sort(values), ""
            if sort is not Sort.TEXT:
                values, unit = unified(values)
        except UnfitError as why:
            self.mistakes.add(node.callee.at, str(why))
            return None
        free = all(value.free for value in values) and bool(unit)
        # A metric outside the catalogue stays what each row makes of it, even beside a number.
        mixed = sort is not Sort.TEXT and any(value.sort is Sort.ANY for value in values)
        return Typed(Coalesce(tuple(value.plan for value in values)), Sort.ANY if mixed else sort, unit, free)

    # -- over time

    def _window(self, node: syntax_tree.Call) -> Typed | None:
        name = node.callee.names[0]
        quantile = name == "quantile_over_time"
        if not self.expects(node, 3 if quantile else 2, WINDOWS[name]):
            return None
        if self._out_of_order(node, ("share", "metric", "window")[not quantile :]):
            self.mistakes.add(node.arguments[0].at, f"the arguments stand in another order: write `{WINDOWS[name]}`")
            return None
        *first, of, length = node.arguments
        share = self._share(first[0]) if quantile else 0.0
        metric, seconds = self._of_metric(of, name), self._seconds(length, name)
        if metric is None or seconds is None or share is None:
            return None
        typed = metric.reading
        if typed.sort is Sort.TEXT and name not in ("changes", "ago"):
            self.mistakes.add(of.at, f"{name} is of numbers, {metric.name} is a text; `changes` and `ago` take texts")
            return None
        if name == "rate":
            unit = f"{typed.unit}/s" if typed.unit else ""
        else:
            unit = "" if name in ("changes", "resets") else typed.unit
        plan: Value = Window(name, metric.kind, metric.name, seconds, share)
        sort = typed.sort if name == "ago" else Sort.NUMBER
        return Typed(metric.around(plan), sort, unit)

    def _out_of_order(self, node: syntax_tree.Call, wanted: tuple[str, ...]) -> bool:
        """Whether a call has the right arguments, but not where they belong."""
        found = []
        for argument in node.arguments:
            match argument:
                case syntax_tree.Literal(float(), unit):
                    found.append("window" if unit == "s" else "share")
                case syntax_tree.Path() if (param := self.scope.param(argument)) is not None:
                    found.append("window" if param.unit == "s" else "share")
                case _:
                    found.append("metric" if self.scope.names_metric(argument) else "")
        return tuple(found) != wanted and sorted(found) == sorted(wanted)

    def _unchanged(self, node: syntax_tree.Call) -> Typed | None:
        if not self.expects(node, 1, "unchanged_for(m)"):
            return None
        metric = self._of_metric(node.arguments[0], "unchanged_for")
        if metric is None:
            return None
        return Typed(metric.around(Unchanged(metric.kind, metric.name)), unit="s")

    def _of_metric(self, node: syntax_tree.Syntax, function: str) -> Metric | None:
        if not self.scope.names_metric(node):
            self.mistakes.add(node.at, f"{function} is of a metric, by its name: write `{FUNCTIONS[function]}`")
            return None
        return self.scope.metric(node)

    def _seconds(self, node: syntax_tree.Syntax, function: str) -> float | None:
        typed = self.value(node)
        if typed is None:
            return None
        if not isinstance(typed.plan, Const) or not typed.free or typed.unit != "s":
            self.mistakes.add(node.at, f"the window of {function} is a duration: write `{WINDOWS[function]}`")
            return None
        seconds = typed.plan.number
        if not 0 < seconds <= _LONGEST:
            self.mistakes.add(
                node.at, f"a window of {format_duration(seconds)} is not possible; more than 0s and at most 24h are"
            )
            return None
        return seconds

    def _share(self, node: syntax_tree.Syntax) -> float | None:
        typed = self.number(node)
        if typed is None:
            return None
        if not isinstance(typed.plan, Const) or typed.unit or not 0 <= typed.plan.number <= 1:
            self.mistakes.add(node.at, "the quantile is a number from 0 to 1: write `quantile_over_time(0.9, m, 15m)`")
            return None
        return typed.plan.number

    # -- over the family

    def _not_of_family(self, node: syntax_tree.Call) -> None:
        name, first, each = node.callee.names[0], node.arguments[0] if node.arguments else None, self.scope.each
        at, found = (node.callee if first is None else first).at, ""
        if isinstance(first, syntax_tree.Path) and self.scope.param(first) is None:
            found = f", {'.'.join(first.names)!r} is none{did_you_mean(first.names[0], CHILDREN[each])}"
        lists = ", ".join(CHILDREN[each])
        what = f"{name} is over a list of relatives{found}; {article(each)} has {lists or 'no lists'}"
        self.mistakes.add(at, what + (f": write `{FUNCTIONS[name]}`" if lists else ""))

    def _family(self, node: syntax_tree.Call) -> Typed | None:
        function, first = node.callee.names[0], node.arguments[0]
        assert isinstance(first, syntax_tree.Path)
        outer, relation = self.scope.each, first.names[0]
        if relation not in CHILDREN[outer]:
            self.mistakes.add(first.at, self.scope.no_list(relation))
            return None
        if function == "count" and len(node.arguments) == 1:
            return Typed(Family(outer, relation, function))
        alone = function in ("min", "max")  # their spelling is that of two values
        if not self.expects(node, 2, f"{function}(topics, recordsLag)" if alone else FUNCTIONS[function]):
            return None
        with self.scope.below(relation):
            if function == "count":
                truth = self.truth(node.arguments[1])
                return None if truth is None else Typed(Family(outer, relation, function, truth))
            value = self.number(node.arguments[1])
        if value is None:
            return None
        return Typed(Family(outer, relation, function, value.plan), unit=value.unit, free=value.free)
