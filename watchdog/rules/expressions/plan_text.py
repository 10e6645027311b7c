"""Plans and values in words, as reasons show them: `increase(sourceRecordWriteTotal, 15m)`, `12m4s`, `1.5 MiB/s`."""

from __future__ import annotations

import math
import re

from watchdog.rules.expressions.plan import (
    Absolute,
    Always,
    Among,
    Arithmetic,
    Choose,
    Coalesce,
    Compare,
    Const,
    Extreme,
    Family,
    Junction,
    Matching,
    Negative,
    Not,
    Pause,
    Plan,
    Presence,
    Reading,
    Relative,
    Unchanged,
    Until,
    Window,
    walk,
)
from watchdog.units import exact_bytes, exact_duration, exact_number, format_bytes, format_duration, format_number

#: The duration that `time_until` answers where the value never gets there.
NEVER = "never"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FLIPPED = {"==": "==", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}


def value_words(value: float | str, unit: str = "") -> str:
    """A value with its unit, as people read it: two parts of a duration are enough."""
    if isinstance(value, str):
        return value
    if value == math.inf:
        return NEVER
    base = unit.removesuffix("/s")
    per = "/s" if base != unit else ""
    if base == "ms":
        return format_duration(value / 1000) + per
    if base == "s":
        return format_duration(value) + per
    if base == "bytes":
        return format_bytes(value) + per
    return format_number(value) + per


def constant_words(value: float | str, unit: str = "") -> str:
    """A constant as somebody would write it; unlike a reading it loses nothing."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value != value:
        return "unknown"
    base = unit.removesuffix("/s")
    per = "/s" if base != unit else ""
    if base in ("ms", "s"):
        return (exact_duration(value / 1000 if base == "ms" else value) or exact_number(value) + base) + per
    return (exact_bytes(value) if base == "bytes" else exact_number(value)) + per


def plan_words(plan: Plan, before: str = "") -> str:
    """A plan as an expression; `before` is the relative it is read through ("connector.")."""
    match plan:
        case Const(value, unit):
            return constant_words(value, unit)
        case Reading(_, metric):
            return _metric(metric, before)
        case Window(function, _, metric, seconds, quantile, offset):
            first = f"{exact_number(quantile)}, " if function == "quantile_over_time" else ""
            last = f", {constant_words(offset, 's')}" if offset else ""
            return f"{function}({first}{_metric(metric, before)}, {constant_words(seconds, 's')}{last})"
        case Pause(_, metric, days):
            return f"longest_pause({_metric(metric, before)}, {days}d)"
        case Until(value, target, slope):
            window = next(node for node in walk(slope) if isinstance(node, Window))
            words = f"{plan_words(value, before)}, {plan_words(target, before)}"
            return f"time_until({words}, {constant_words(window.seconds, 's')})"
        case Unchanged(_, metric):
            return f"unchanged_for({_metric(metric, before)})"
        case Relative(_, relation, body):
            return plan_words(body, f"{before}{relation}.")
        case Arithmetic(operator, left, right):
            return f"{_factor(left, operator, before)} {operator} {_factor(right, operator, before, right=True)}"
        case Negative(operand):
            return f"-{_factor(operand, '*', before)}"
        case Absolute(operand):
            return f"abs({plan_words(operand, before)})"
        case Extreme(function, parts):
            return f"{function}({', '.join(plan_words(part, before) for part in parts)})"
        case Coalesce(parts):
            return f"coalesce({', '.join(plan_words(part, before) for part in parts)})"
        case Family(_, relation, function, body):
            return f"{function}({relation}, {plan_words(body)})" if body is not None else f"{function}({relation})"
        case Choose(_, options):
            return plan_words(options[0], before)
        case _:
            return _truth_words(plan, before)


def _truth_words(plan: Plan, before: str) -> str:
    match plan:
        case Compare(operator, left, right):
            return f"{plan_words(left, before)} {operator} {plan_words(right, before)}"
        case Among(left, items, negated):
            return f"{plan_words(left, before)} {among_words(items, negated)}"
        case Matching(left, pattern, negated):
            return f"{plan_words(left, before)} {'!~' if negated else '=~'} {constant_words(pattern)}"
        case Presence(operand, present):
            return f"{'present' if present else 'absent'}({plan_words(operand, before)})"
        case Junction(operator, parts):
            words = [plan_words(part, before) for part in parts]
            loose = [isinstance(part, Junction) and part.operator == "or" != operator for part in parts]
            return f" {operator} ".join(f"({word})" if put else word for word, put in zip(words, loose, strict=True))
        case Not(operand):
            return f"not ({plan_words(operand, before)})"
        case Always(truth):
            return {1: "true", 0: "false"}.get(truth, "unknown")
        case _:
            raise AssertionError(plan)


def among_words(items: tuple[Const, ...], negated: bool) -> str:
    """`in ["Broken", "Unassigned"]`."""
    return f"{'not in' if negated else 'in'} [{', '.join(constant_words(item.value, item.unit) for item in items)}]"


def reads_metric(plan: Plan) -> bool:
    """Whether any reading, or any relative, decides a plan."""
    return any(isinstance(node, Reading | Window | Unchanged | Pause | Family) for node in walk(plan))


def metric_of(plan: Plan, before: str = "") -> str:
    """The first metric in a plan: `x`, `connector.x`, `topics.x`; "" if there is none."""
    match plan:
        case Reading(_, metric) | Window(metric=metric) | Unchanged(_, metric) | Pause(metric=metric):
            return before + metric
        case Relative(_, relation, body):
            return metric_of(body, f"{before}{relation}.")
        case Family(relation=relation, body=body):
            return metric_of(body, f"{before}{relation}.") if body is not None else ""
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return metric_of(left, before) or metric_of(right, before)
        case Among(left) | Matching(left) | Until(value=left):
            return metric_of(left, before)
        case Negative(operand) | Absolute(operand) | Not(operand) | Presence(operand):
            return metric_of(operand, before)
        case Extreme(_, parts) | Coalesce(parts) | Junction(_, parts) | Choose(_, parts):
            return next((found for part in parts if (found := metric_of(part, before))), "")
        case _:
            return ""


def _metric(name: str, before: str) -> str:
    return before + (name if _NAME.fullmatch(name) else f"metric({constant_words(name)})")


def _factor(plan: Plan, operator: str, before: str, *, right: bool = False) -> str:
    """An operand, in brackets where it binds looser than its operator."""
    words = plan_words(plan, before)
    if not isinstance(plan, Arithmetic):
        return words
    looser = plan.operator in "+-" and operator in "*/"
    same_to_the_right = right and (plan.operator in "+-") == (operator in "+-")
    return f"({words})" if looser or same_to_the_right else words
