"""Plans computed over one snapshot, a column for each, every one once however many rules share it."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import Kind
from watchdog.readings.history import History
from watchdog.readings.snapshot import Flags, Floats, Snapshot
from watchdog.readings.vocabulary import Codes, Vocabulary
from watchdog.rules import aggregates, windows
from watchdog.rules.columns import MAYBE, NO, YES, Logic, column, finite, logic, picked, without_never
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
    Presence,
    Reading,
    Relative,
    Sort,
    Truth,
    Unchanged,
    Until,
    Value,
    Window,
)
from watchdog.rules.expressions.regex import regex
from watchdog.rules.observation import Observed

_COMPARE: dict[str, Callable[..., Flags]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_CALCULATE: dict[str, Callable[..., Floats]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


class PlanEvaluator:
    """One snapshot with what was computed of it.

    `variants` holds, for each rule with overrides, the variant of every row of its table. A constant stays a scalar
    until a column meets it. Callers silence numpy's warnings: what is not finite becomes unknown here.
    """

    def __init__(self, snapshot: Snapshot, history: History, poll_every: float) -> None:
        self.snapshot = snapshot
        self.history = history
        self.variants: dict[str, npt.NDArray[np.intp]] = {}
        self.observed = Observed(snapshot)
        self._poll_every = poll_every
        self._vocabulary = Vocabulary()
        self._numbers: dict[Value, Floats | float] = {}
        self._unknown: dict[Value, Flags | bool] = {}
        self._codes: dict[Value, Codes | int] = {}
        self._truths: dict[Truth, Logic | int] = {}
        history.align(snapshot.fleet)

    # -- what others ask for

    def truth_column(self, plan: Truth, kind: Kind) -> Logic:
        """The truth of every row of a kind's table."""
        return column(self.truth(plan), self._rows(kind), np.int8)

    def cell(self, plan: Value, row: int) -> float | str | None:
        """The value of one row: a number, a text, or nothing."""
        numbers = self.numbers(plan)
        number = numbers if isinstance(numbers, float) else float(numbers[row])
        if number == number:
            return number
        codes = self.codes(plan)
        code = codes if isinstance(codes, int) else int(codes[row])
        return self._vocabulary.shown[code] if code >= 0 else None

    def truth_cell(self, plan: Truth, row: int) -> int:
        truth = self.truth(plan)
        return truth if isinstance(truth, int) else int(truth[row])

    # -- numbers

    def numbers(self, plan: Value) -> Floats | float:
        """The numbers of a plan, NaN where it has none: a column, or a float if it is constant."""
        found = self._numbers.get(plan)
        if found is None:
            made = self._compute(plan)
            found = self._numbers[plan] = made if np.ndim(made) else float(made)
        return found

    def unknown(self, plan: Value) -> Flags | bool:
        """Where a plan has no number; a plain False where it has one everywhere."""
        found = self._unknown.get(plan)
        if found is None:
            numbers = self.numbers(plan)
            flags = np.isnan(numbers)
            found = self._unknown[plan] = bool(flags) if isinstance(numbers, float) else flags if flags.any() else False
        return found

    def _compute(self, plan: Value) -> Floats | float:
        match plan:
            case Const():
                return plan.number
            case Reading(kind, metric):
                return self.snapshot.column(kind, metric).numbers
            case Window():
                return windows.numbers(self.history, plan, self.snapshot.at, self._poll_every)
            case Unchanged(kind, metric):
                return self.history.unchanged_for(kind, metric, self.snapshot.at)
            case Pause(kind, metric, days):
                return self.history.longest_pause(kind, metric, days, self.snapshot.at)
            case Until(value, target, slope):
                return windows.until(*(np.asarray(self.numbers(part)) for part in (value, target, slope)))
            case Arithmetic(sign, left, right):
                return finite(_CALCULATE[sign](*(without_never(self.numbers(part)) for part in (left, right))))
            case Negative(operand):
                return np.asarray(np.negative(without_never(self.numbers(operand))))
            case Absolute(operand):
                return np.absolute(self.numbers(operand))
            case Extreme(function, parts):
                pick = np.minimum if function == "min" else np.maximum  # both keep NaN: unknown stays unknown
                made = self.numbers(parts[0])
                for part in parts[1:]:
                    made = np.asarray(pick(made, self.numbers(part)))
                return made
            case Coalesce(parts):
                return self._coalesced(parts)
            case Relative(kind, relation, body):
                return aggregates.upwards(self.snapshot.fleet, kind, relation, np.asarray(self.numbers(body)), np.nan)
            case Family():
                return self._family(plan)
            case Choose():
                return self._chosen_numbers(plan)
        raise AssertionError(plan)

    def _coalesced(self, parts: tuple[Value, ...]) -> Floats | float:
        made = np.asarray(self.numbers(parts[0]))
        text = np.asarray(self.codes(parts[0])) >= 0
        for part in parts[1:]:
            missing = np.isnan(made) & ~text
            made = np.where(missing, self.numbers(part), made)
            text = text | (missing & (np.asarray(self.codes(part)) >= 0))
        return float(made) if made.ndim == 0 else made

    def _family(self, plan: Family) -> Floats:
        fleet, kind = self.snapshot.fleet, plan.kind
        edges = fleet.edges(kind, plan.relation)
        assert edges is not None, plan
        rows, children = self._rows(kind), self._rows(edges.child)
        if plan.body is None:
            return aggregates.count(edges, rows)
        if plan.function == "count":
            return aggregates.count_true(edges, rows, column(self.truth(plan.body), children, np.int8))  # type: ignore[arg-type]
        return aggregates.aggregate(edges, rows, plan.function, column(self.numbers(plan.body), children, np.float64))  # type: ignore[arg-type]

    def _chosen_numbers(self, plan: Choose) -> Floats:
        variant = self.variants[plan.owner]
        options = [self.numbers(option) for option in plan.options]  # type: ignore[arg-type]
        if all(isinstance(option, float) for option in options):
            return np.take(np.array(options, dtype=np.float64), variant)
        return picked(variant, options, np.float64)

    # -- texts

    def codes(self, plan: Value) -> Codes | int:
        """The texts of a plan as codes, -1 where it has none: a column, or a number if there is but one."""
        found = self._codes.get(plan)
        if found is None:
            made = self._encode(plan)
            found = self._codes[plan] = made if np.ndim(made) else int(made)
        return found

    def _encode(self, plan: Value) -> Codes | int:
        match plan:
            case Const(value) if isinstance(value, str):
                return self._vocabulary.constant(value)
            case Reading(kind, metric):
                texts = self.snapshot.column(kind, metric).texts
                return -1 if texts is None else self._vocabulary.codes(texts.tolist(), len(texts))
            case Window(function="ago"):
                texts = windows.texts(self.history, plan, self.snapshot.at, self._poll_every)
                return -1 if texts is None else self._vocabulary.codes(texts.tolist(), len(texts))
            case Relative(kind, relation, body):
                codes = self.codes(body)
                if isinstance(codes, int):
                    return -1
                return aggregates.upwards(self.snapshot.fleet, kind, relation, codes, -1)
            case Coalesce(parts):
                numbers, codes = np.asarray(self.numbers(parts[0])), np.asarray(self.codes(parts[0]), dtype=np.int32)
                for part in parts[1:]:
                    missing = np.isnan(numbers) & (codes < 0)
                    codes = np.where(missing, self.codes(part), codes).astype(np.int32)
                    numbers = np.where(missing, self.numbers(part), numbers)
                return int(codes) if codes.ndim == 0 else codes
            case Choose(owner, options):
                return picked(self.variants[owner], [self.codes(option) for option in options], np.int32)  # type: ignore[arg-type]
            case _:
                return -1

    # -- truths

    def truth(self, plan: Truth) -> Logic | int:
        """A column of NO, MAYBE and YES, or one of them if it is constant."""
        found = self._truths.get(plan)
        if found is None:
            made = self._judge(plan)
            found = self._truths[plan] = made if np.ndim(made) else int(made)
        return found

    def _judge(self, plan: Truth) -> Logic | int:
        match plan:
            case Always(truth):
                return {1: YES, 0: NO}.get(truth, MAYBE)
            case Compare():
                return self._compare(plan)
            case Among():
                return self._among(plan)
            case Matching(left, pattern, negated):
                codes = np.asarray(self.codes(left))
                fits = regex(pattern).fullmatch
                known = np.array([(fits(word) is not None) != negated for word in self._vocabulary.shown] + [False])
                return logic(known[codes], codes < 0)
            case Presence(operand, present):
                there = ~np.asarray(self.unknown(operand)) | (np.asarray(self.codes(operand)) >= 0)
                return logic(there if present else ~there, False)
            case Junction(sign, parts):
                pick = np.minimum if sign == "and" else np.maximum
                made = self.truth(parts[0])
                for part in parts[1:]:
                    made = pick(made, self.truth(part))
                return made
            case Not(operand):
                return YES - self.truth(operand)
            case Choose(owner, options):
                return picked(self.variants[owner], [self.truth(option) for option in options], np.int8)  # type: ignore[arg-type]
        raise AssertionError(plan)

    def _compare(self, plan: Compare) -> Logic | int:
        if plan.sort is Sort.TEXT:
            return self._compare_texts(plan)
        compare = _COMPARE[plan.operator]
        unknown = np.asarray(self.unknown(plan.left)) | np.asarray(self.unknown(plan.right))
        made = logic(np.asarray(compare(self.numbers(plan.left), self.numbers(plan.right))), unknown)
        if plan.sort is Sort.ANY and plan.operator in ("==", "!="):
            texts = self._compare_texts(plan)
            made = np.where(np.asarray(made) == MAYBE, texts, made).astype(np.int8)
        return made

    def _compare_texts(self, plan: Compare) -> Logic | int:
        left, right = np.asarray(self.codes(plan.left)), np.asarray(self.codes(plan.right))
        return logic(left == right if plan.operator == "==" else left != right, (left < 0) | (right < 0))

    def _among(self, plan: Among) -> Logic | int:
        texts = [self._vocabulary.constant(item.value) for item in plan.items if isinstance(item.value, str)]
        if texts:
            codes = np.asarray(self.codes(plan.left))
            return logic(np.isin(codes, texts) != plan.negated, codes < 0)
        found = np.isin(np.asarray(self.numbers(plan.left)), [item.number for item in plan.items])
        unknown = np.asarray(self.unknown(plan.left))
        if not plan.items:  # an empty list may be asked of texts as well
            unknown = unknown & (np.asarray(self.codes(plan.left)) < 0)
        return logic(found != plan.negated, unknown)

    # -- rows

    def _rows(self, kind: Kind) -> int:
        return len(self.snapshot.fleet.table(kind))
