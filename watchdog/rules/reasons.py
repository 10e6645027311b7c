"""Why a verdict is what it is: the comparisons that decided it for one entity, with the values seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

from watchdog.rules.columns import MAYBE, NO, YES
from watchdog.rules.expressions.plan import (
    Always,
    Among,
    Choose,
    Compare,
    Const,
    Family,
    Junction,
    Matching,
    Not,
    Plan,
    Presence,
    Reading,
    Relative,
    Truth,
    Value,
    children,
)
from watchdog.rules.expressions.plan_text import (
    FLIPPED,
    NEVER,
    among_words,
    constant_words,
    metric_of,
    plan_words,
    reads_metric,
    value_words,
)
from watchdog.rules.plan_evaluator import PlanEvaluator
from watchdog.rules.rule import Quantity
from watchdog.rules.verdicts import Explanation


def explain(plan_evaluator: PlanEvaluator, plan: Truth, row: int, *, ended: bool = False) -> Explanation:
    """The reason of one row's truth; the row is of the table the plan is over.

    With `ended` the reason says what changed: `task_status is now RUNNING`, `recordsLag is now 3 (no longer > 500)`.
    """
    first = next(_deciding(plan_evaluator, plan, row), None)
    value = limit = None
    metric = ""
    if first is not None:
        side, other, _ = _sides(first)
        unit = _unit(first)
        value, metric = _quantity(plan_evaluator, side, row, unit), metric_of(side)
        limit = None if other is None else _quantity(plan_evaluator, other, row, unit)
    return Explanation(
        _words(plan_evaluator, plan, row, ended), value, limit, metric, dict(_readings(plan_evaluator, plan, row))
    )


def _deciding(plan_evaluator: PlanEvaluator, plan: Truth, row: int) -> Iterator[Compare | Among | Matching]:
    """The comparisons that decided, in text order."""
    match plan:
        case Compare() | Among() | Matching():
            yield plan
        case Not(operand):
            yield from _deciding(plan_evaluator, operand, row)
        case Junction(operator, parts):
            result = plan_evaluator.truth_cell(plan, row)
            # All parts decide a true `and` and a false `or`; otherwise those that are what the whole is.
            by_all = result == (YES if operator == "and" else NO)
            for part in parts:
                if by_all or plan_evaluator.truth_cell(part, row) == result:
                    yield from _deciding(plan_evaluator, part, row)
        case _:
            return


def _words(plan_evaluator: PlanEvaluator, plan: Truth, row: int, ended: bool = False) -> str:
    match plan:
        case Compare() | Among() | Matching():
            return _comparison_words(plan_evaluator, plan, row, ended)
        case Presence(operand, present):
            value = plan_evaluator.cell(operand, row)
            asked = "present" if present else "absent"
            return _missing(operand) if value is None else f"{plan_words(operand)} is {value_words(value)} ({asked})"
        case Not(operand):
            return f"not ({_words(plan_evaluator, operand, row)})"
        case Junction(operator, parts):
            shown = parts
            if operator == "or" and plan_evaluator.truth_cell(plan, row) == YES:
                shown = tuple(part for part in parts if plan_evaluator.truth_cell(part, row) == YES)
            if ended and operator == "and" and plan_evaluator.truth_cell(plan, row) == NO:
                shown = tuple(part for part in parts if plan_evaluator.truth_cell(part, row) == NO)
            words = [_words(plan_evaluator, part, row, ended) for part in shown]
            if operator == "and":  # an `or` within an `and` needs brackets if more than one of its parts shows
                words = [
                    f"({word})" if _shows_or(plan_evaluator, part, row) else word
                    for word, part in zip(words, shown, strict=True)
                ]
            return f" {operator} ".join(words)
        case Always():
            return plan_words(plan)
        case Choose():  # only a rule's own plan is chosen from, never one variant's
            raise AssertionError(plan)
    raise AssertionError(plan)


def _shows_or(plan_evaluator: PlanEvaluator, plan: Truth, row: int) -> bool:
    if not isinstance(plan, Junction) or plan.operator != "or":
        return False
    truths = [plan_evaluator.truth_cell(part, row) for part in plan.parts]
    return YES not in truths or truths.count(YES) > 1


def _sides(plan: Compare | Among | Matching) -> tuple[Value, Value | None, str]:
    """The side that reads a metric, the other, and the operator seen from the first."""
    if not isinstance(plan, Compare):
        return plan.left, None, ""
    if reads_metric(plan.left) or not reads_metric(plan.right):
        return plan.left, plan.right, plan.operator
    return plan.right, plan.left, FLIPPED[plan.operator]


def _unit(plan: Compare | Among | Matching) -> str:
    return "" if isinstance(plan, Matching) else plan.unit


def _comparison_words(
    plan_evaluator: PlanEvaluator, plan: Compare | Among | Matching, row: int, ended: bool = False
) -> str:
    side, other, operator = _sides(plan)
    unit = _unit(plan)
    value = plan_evaluator.cell(side, row)
    if value is None:
        return _missing(side)
    if isinstance(plan, Among):
        limit = among_words(plan.items, plan.negated)
    elif isinstance(plan, Matching):
        limit = f"{'!~' if plan.negated else '=~'} {constant_words(plan.pattern)}"
    else:
        assert other is not None
        seen = plan_evaluator.cell(other, row)
        if seen is None:
            return _missing(other)
        if isinstance(other, Const):
            limit = f"{operator} {constant_words(other.value, unit)}"
        else:
            shown = constant_words(seen) if isinstance(seen, str) else value_words(seen, unit)
            limit = f"{operator} {plan_words(other)} = {shown}"
    if plan_evaluator.truth_cell(plan, row) == MAYBE:
        # Both sides are there but do not fit, as a text beside a number.
        return f"{plan_words(side)} is {value_words(value, unit)}, which cannot be compared ({limit})"
    if ended and plan_evaluator.truth_cell(plan, row) == NO:
        no_longer = f" (no longer {limit})" if operator in ("<", "<=", ">", ">=") else ""
        return f"{plan_words(side)} is now {value_words(value, unit)}{no_longer}"
    return f"{plan_words(side)} is {value_words(value, unit)} ({limit})"


def _missing(plan: Plan) -> str:
    return f"{plan_words(plan)} has no reading"


def _quantity(plan_evaluator: PlanEvaluator, plan: Value, row: int, unit: str) -> Quantity | None:
    # A constant as the rule spells it, a reading as the API does.
    value = plan.value if isinstance(plan, Const) else plan_evaluator.cell(plan, row)
    if value is None or value != value:
        return None
    if value == math.inf:  # a text everywhere people and programs read it: JSON has no infinity
        return Quantity(NEVER)
    return Quantity(value, "" if isinstance(value, str) else unit)


def _readings(plan_evaluator: PlanEvaluator, plan: Plan, row: int) -> Iterator[tuple[str, float | str | None]]:
    """Every metric of the entity and its relatives upwards that a plan names, with what was read."""
    if isinstance(plan, Reading) or (isinstance(plan, Relative) and isinstance(plan.body, Reading)):
        yield metric_of(plan), plan_evaluator.cell(plan, row)
        return
    if isinstance(plan, Family | Relative):
        return
    for child in children(plan):
        yield from _readings(plan_evaluator, child, row)
