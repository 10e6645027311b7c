"""Calls of functions over time: windows with their offsets, pauses, and when a value gets somewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod

from watchdog.rules.expressions import syntax_tree
from watchdog.rules.expressions.limits import LONGEST_DAYS, LONGEST_REACH, LONGEST_WINDOW
from watchdog.rules.expressions.names import FUNCTIONS, WINDOWS
from watchdog.rules.expressions.plan import Const, Pause, Sort, Truth, Unchanged, Until, Value, Window
from watchdog.rules.expressions.scope import Metric, Scope
from watchdog.rules.expressions.value_types import Typed, UnfitError, unified
from watchdog.units import format_duration

OVER_TIME = frozenset({*WINDOWS, "unchanged_for", "longest_pause", "time_until"})
_WITH_OFFSET = ("increase", "rate", "delta")
_DAY = 86_400.0


class WindowCalls(ABC):
    """The part of the checker that knows functions over time; what an argument is, the other part knows."""

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

    def expects(self, node: syntax_tree.Call, count: int, spelling: str) -> bool:
        """Whether a call has so many arguments; says so if not."""
        if len(node.arguments) != count:
            name, plural = node.callee.names[-1], "" if count == 1 else "s"
            what = f"{name} takes {count} argument{plural}, not {len(node.arguments)}: write `{spelling}`"
            self.mistakes.add(node.callee.at, what)
        return len(node.arguments) == count

    def over_time(self, node: syntax_tree.Call) -> Typed | None:
        """The plan of a call of one of `OVER_TIME`; None after a mistake."""
        match node.callee.names[0]:
            case "unchanged_for":
                return self._unchanged(node)
            case "longest_pause":
                return self._longest_pause(node)
            case "time_until":
                return self._time_until(node)
            case _:
                return self._window(node)

    def _window(self, node: syntax_tree.Call) -> Typed | None:
        name = node.callee.names[0]
        quantile, shifted = name == "quantile_over_time", name in _WITH_OFFSET and len(node.arguments) == 3
        spelling = f"{name}(m, 15m, 7d)" if shifted else WINDOWS[name]
        if not shifted and not self.expects(node, 3 if quantile else 2, spelling):
            return None
        if self._out_of_order(node, ("share", "metric", "window")[not quantile :] + ("window",) * shifted):
            self.mistakes.add(node.arguments[0].at, f"the arguments stand in another order: write `{spelling}`")
            return None
        *first, of, length = node.arguments[:2] if shifted else node.arguments
        share = self._share(first[0]) if quantile else 0.0
        metric = self._of_metric(of, name)
        seconds = self._seconds(length, name, LONGEST_REACH if name == "ago" else LONGEST_WINDOW)
        offset = self._offset(node.arguments[2], name, seconds or 0.0) if shifted else 0.0
        if metric is None or seconds is None or share is None or offset is None:
            return None
        typed = metric.reading
        if typed.sort is Sort.TEXT and name not in ("changes", "ago"):
            self.mistakes.add(of.at, f"{name} is of numbers, {metric.name} is a text; `changes` and `ago` take texts")
            return None
        unit = (
            ""
            if name in ("changes", "resets")
            else _per_second(typed.unit)
            if name in ("rate", "slope")
            else typed.unit
        )
        plan: Value = Window(name, metric.kind, metric.name, seconds, share, offset)
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

    def _longest_pause(self, node: syntax_tree.Call) -> Typed | None:
        spelling = FUNCTIONS["longest_pause"]
        if not self.expects(node, 2, spelling):
            return None
        if self._out_of_order(node, ("metric", "window")):
            self.mistakes.add(node.arguments[0].at, f"the arguments stand in another order: write `{spelling}`")
            return None
        metric = self._of_metric(node.arguments[0], "longest_pause")
        typed = self.value(node.arguments[1])
        if metric is None or typed is None:
            return None
        seconds = _duration_of(typed)
        if seconds is None or seconds % _DAY or not _DAY <= seconds <= LONGEST_DAYS * _DAY:
            found = "" if seconds is None else f", not over {format_duration(seconds)}"
            what = f"longest_pause looks back over whole days, 1d to {LONGEST_DAYS}d{found}: write `{spelling}`"
            self.mistakes.add(node.arguments[1].at, what)
            return None
        return Typed(metric.around(Pause(metric.kind, metric.name, int(seconds / _DAY))), unit="s")

    def _time_until(self, node: syntax_tree.Call) -> Typed | None:
        spelling = FUNCTIONS["time_until"]
        if not self.expects(node, 3, spelling):
            return None
        of, target, length = node.arguments
        if self._out_of_order(node, ("metric", "share", "window")):
            self.mistakes.add(of.at, f"the arguments stand in another order: write `{spelling}`")
            return None
        metric = self._of_metric(of, "time_until")
        there, seconds = self.number(target), self._seconds(length, "time_until", LONGEST_WINDOW)
        if metric is None or there is None or seconds is None:
            return None
        if metric.reading.sort is Sort.TEXT:
            self.mistakes.add(of.at, f"time_until is of numbers, {metric.name} is a text")
            return None
        try:
            (value, there), _ = unified([metric.reading, there])
        except UnfitError as why:
            self.mistakes.add(target.at, str(why))
            return None
        slope = metric.around(Window("slope", metric.kind, metric.name, seconds))
        return Typed(Until(value.plan, there.plan, slope), unit="s")

    def _of_metric(self, node: syntax_tree.Syntax, function: str) -> Metric | None:
        if not self.scope.names_metric(node):
            self.mistakes.add(node.at, f"{function} is of a metric, by its name: write `{FUNCTIONS[function]}`")
            return None
        return self.scope.metric(node)

    def _seconds(self, node: syntax_tree.Syntax, function: str, longest: float) -> float | None:
        typed = self.value(node)
        if typed is None:
            return None
        seconds = _duration_of(typed)
        if seconds is None:
            self.mistakes.add(node.at, f"the window of {function} is a duration: write `{FUNCTIONS[function]}`")
        elif not 0 < seconds <= longest:
            most = "24h" if longest == LONGEST_WINDOW else format_duration(longest)
            what = f"a window of {format_duration(seconds)} is not possible; more than 0s and at most {most} are"
            self.mistakes.add(node.at, what)
        else:
            return seconds
        return None

    def _offset(self, node: syntax_tree.Syntax, function: str, window: float) -> float | None:
        typed = self.value(node)
        if typed is None:
            return None
        seconds = _duration_of(typed)
        if seconds is None:
            what = f"the offset of {function} is a duration: write `{function}(m, 15m, 7d)`"
            self.mistakes.add(node.at, what)
        elif seconds < 0 or seconds + window > LONGEST_REACH:
            what = (
                f"an offset of {format_duration(seconds)} is not possible; with its window it reaches back 15d at most"
            )
            self.mistakes.add(node.at, what)
        else:
            return seconds
        return None

    def _share(self, node: syntax_tree.Syntax) -> float | None:
        typed = self.number(node)
        if typed is None:
            return None
        if not isinstance(typed.plan, Const) or typed.unit or not 0 <= typed.plan.number <= 1:
            self.mistakes.add(node.at, "the quantile is a number from 0 to 1: write `quantile_over_time(0.9, m, 15m)`")
            return None
        return typed.plan.number


def _per_second(unit: str) -> str:
    return f"{unit}/s" if unit else ""


def _duration_of(typed: Typed) -> float | None:
    """The seconds of a constant duration; None of anything else."""
    return typed.plan.number if isinstance(typed.plan, Const) and typed.free and typed.unit == "s" else None
