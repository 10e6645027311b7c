"""Calls of functions: their arguments checked, their plans made."""

from __future__ import annotations

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.relations import CHILDREN
from watchdog.rules.expressions import syntax_tree
from watchdog.rules.expressions.names import FUNCTIONS, article
from watchdog.rules.expressions.plan import (
    Absolute,
    Coalesce,
    Const,
    Extreme,
    Family,
    Sort,
)
from watchdog.rules.expressions.promql import FUNCTIONS as FOREIGN
from watchdog.rules.expressions.value_types import Typed, UnfitError, text_sort, unified
from watchdog.rules.expressions.window_calls import OVER_TIME, WindowCalls
from watchdog.spelling import did_you_mean

_AGGREGATES = ("count", "sum", "min", "max", "avg")


class Calls(WindowCalls):
    """The part of the checker that knows functions; what an argument is, the other part knows."""

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
        if name in OVER_TIME:
            return self.over_time(node)
        match name:
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
