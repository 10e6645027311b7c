"""Judging: every rule over one snapshot, in columns. What rules share is computed once, selections once per fleet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import Fleet, Kind, Rows
from watchdog.readings.history import History, Wanted, Windows
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.columns import MAYBE, NO, YES, Logic
from watchdog.rules.expressions.plan import Truth, blend, conditions
from watchdog.rules.plan_evaluator import PlanEvaluator
from watchdog.rules.reasons import explain
from watchdog.rules.rule import Rule
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN, Explanation, Verdicts
from watchdog.rules.windows import BASE_POLLS, kept_base

logger = logging.getLogger(__name__)

_T = TypeVar("_T", bound=np.generic)
#: From the plan evaluator's truth to a verdict's.
_TRUTH = {YES: TRUE, NO: FALSE, MAYBE: UNKNOWN}


@dataclass(frozen=True, slots=True)
class _RuleColumns:
    """A rule with its plans: those of each variant for reasons, and one of all of them for columns."""

    rule: Rule
    exprs: tuple[Truth, ...]
    clears: tuple[Truth, ...] | None
    expr: Truth
    clear: Truth | None
    relatives: frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Selection:
    """The rows a rule covers, their variants, and the variant of every row of the table."""

    rows: Rows
    variant: npt.NDArray[np.intp]
    variants: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Explain:
    """Works out the reason of a row when somebody asks for it."""

    plan_evaluator: PlanEvaluator
    evaluation: _RuleColumns
    variants: npt.NDArray[np.intp]

    def __call__(self, row: int, *, clear: bool = False, ended: bool = False) -> Explanation:
        plans = self.evaluation.clears if clear else self.evaluation.exprs
        if plans is None:
            raise ValueError(f"rule {self.evaluation.rule.name} has no clear")
        with np.errstate(all="ignore"):
            return explain(self.plan_evaluator, plans[self.variants[row]], row, ended=ended)

    def conditions(self, row: int, *, clear: bool = False) -> list[int]:
        plans = (self.evaluation.clears if clear else self.evaluation.exprs) or ()
        if not plans:
            return []
        with np.errstate(all="ignore"):
            truths = [self.plan_evaluator.truth_cell(one, row) for one in conditions(plans[self.variants[row]])]
        return [_TRUTH[one] for one in truths]


class Evaluator:
    """The rules of one configuration, ready to be judged.

    `wanted` is what their windows need to be remembered: give it to `History.want`. `stopwatch` reads a clock in
    seconds, to tell what each rule costs.
    """

    def __init__(
        self, rules: Sequence[Rule], poll_every: float, *, stopwatch: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._poll_every = poll_every
        self._stopwatch = stopwatch
        self._fleet: Fleet | None = None
        self._selections: dict[str, _Selection] = {}
        self._shared: dict[str, _Selection] = {}
        self._rules: list[_RuleColumns] = []
        wanted: dict[tuple[Kind, str], Wanted] = {}
        for rule in rules:
            try:
                evaluation, windows = _prepared(rule)
            except Exception:
                logger.exception("rule cannot be judged", extra={"rule": rule.name})
                continue
            self._rules.append(evaluation)
            for key, want in windows:
                if want.seconds:
                    want = want._replace(seconds=want.seconds + BASE_POLLS * poll_every)
                if want.kept:
                    want = want._replace(kept=want.kept + kept_base(poll_every))
                wanted[key] = wanted.get(key, Wanted()) | want
        self.wanted: Windows = wanted

    def judge(self, snapshot: Snapshot, history: History) -> list[Verdicts]:
        """One `Verdicts` a rule, in the rules' order; a rule that surprises is logged and left out.

        `history` has recorded this snapshot already.
        """
        self._follow(snapshot.fleet)
        verdicts = []
        with np.errstate(all="ignore"):  # what is not finite is unknown, and becomes so in the sheet
            plan_evaluator = PlanEvaluator(snapshot, history, self._poll_every)
            for evaluation in self._rules:
                begun = self._stopwatch()
                try:
                    verdicts.append(self._verdicts(evaluation, plan_evaluator, begun))
                except Exception:
                    logger.exception("rule skipped this poll", extra={"rule": evaluation.rule.name})
        return verdicts

    def _verdicts(self, evaluation: _RuleColumns, plan_evaluator: PlanEvaluator, begun: float) -> Verdicts:
        rule = evaluation.rule
        table = plan_evaluator.snapshot.fleet.table(rule.each)
        chosen = self._selection(rule, plan_evaluator.snapshot.fleet)
        plan_evaluator.variants[rule.name] = chosen.variants
        truth = _verdict(_taken(plan_evaluator.truth_column(evaluation.expr, rule.each), chosen.rows))
        clear = None
        if evaluation.clear is not None:
            clear = _verdict(_taken(plan_evaluator.truth_column(evaluation.clear, rule.each), chosen.rows))
        observed = _taken(plan_evaluator.observed.rows(rule.each, evaluation.relatives), chosen.rows)
        if not observed.all():
            truth[~observed] = UNKNOWN
            if clear is not None:
                clear[~observed] = UNKNOWN
        return Verdicts(
            rule=rule,
            table=table,
            rows=chosen.rows,
            variant=chosen.variant,
            truth=truth,
            clear=clear,
            observed=observed,
            explain=_Explain(plan_evaluator, evaluation, chosen.variants),
            seconds=self._stopwatch() - begun,
        )

    def _follow(self, fleet: Fleet) -> None:
        """What was selected holds for one fleet; versions tell fleets apart where they are counted."""
        if fleet is self._fleet:
            return
        if self._fleet is None or not fleet.version or fleet.version != self._fleet.version:
            self._selections.clear()
            self._shared.clear()
        self._fleet = fleet

    def _selection(self, rule: Rule, fleet: Fleet) -> _Selection:
        found = self._selections.get(rule.name)
        if found is None:
            # rules that select alike, as all do that have no `where`, share one: it is three numbers an entity
            enabled = [terms.enabled for terms in rule.variants]
            wheres = [rule.where.items, *(override.where.items for override in rule.overrides)]
            selects = repr((rule.each, wheres, enabled))
            found = self._shared.get(selects)
            if found is None:
                found = self._shared[selects] = _selected(rule, fleet, enabled)
            self._selections[rule.name] = found
        return found


def _selected(rule: Rule, fleet: Fleet, enabled: Sequence[bool]) -> _Selection:
    table = fleet.table(rule.each)
    variants = np.zeros(len(table), dtype=np.intp)
    for index in range(len(rule.overrides), 0, -1):  # the first that matches wins, so it comes last
        variants[rule.overrides[index - 1].where.rows(table)] = index
    rows = np.flatnonzero(rule.where.rows(table) & np.array(enabled, dtype=np.bool_)[variants])
    return _Selection(rows, variants[rows], variants)


def _prepared(rule: Rule) -> tuple[_RuleColumns, list[tuple[tuple[Kind, str], Wanted]]]:
    """A rule's plans for each of its variants; raises ExpressionError where an override's params do not fit."""
    exprs = [rule.expr.bound(terms.params) for terms in rule.variants]
    clears = None if rule.clear is None else [rule.clear.bound(terms.params) for terms in rule.variants]
    evaluation = _RuleColumns(
        rule=rule,
        exprs=tuple(expression.plan for expression in exprs),
        clears=None if clears is None else tuple(expression.plan for expression in clears),
        expr=blend(rule.name, [expression.plan for expression in exprs]),
        clear=None if clears is None else blend(rule.name, [expression.plan for expression in clears]),
        relatives=rule.expr.relatives | (rule.clear.relatives if rule.clear else frozenset()),
    )
    each = zip(rule.variants, exprs, clears or exprs, strict=True)
    used = [expression for terms, expr, clear in each if terms.enabled for expression in (expr, clear)]
    return evaluation, [item for expression in used for item in expression.windows.items()]


def _taken(column: npt.NDArray[_T], rows: Rows) -> npt.NDArray[_T]:
    return column if len(rows) == len(column) else column[rows]


def _verdict(truth: Logic) -> Logic:
    """From the sheet's 0 false, 1 unknown, 2 true to the verdicts' 0, -1, 1, in a new array."""
    return (truth >> np.int8(1)) - (truth & np.int8(1))
