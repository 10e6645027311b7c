"""What rules share is computed once, constants are folded, and who a rule covers is worked out once per listing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind, Table
from watchdog.readings.history import History
from watchdog.readings.snapshot import Column, Snapshot, SparseReadings
from watchdog.rules.evaluator import Evaluator
from watchdog.rules.expressions import Expression
from watchdog.rules.expressions.plan import Always, Compare, Const, Junction, Reading, Window
from watchdog.rules.plan_evaluator import PlanEvaluator
from watchdog.rules.rule import Override, Quantity, Rule, Terms
from watchdog.rules.selector import Selector, glob

SOURCES = [Entity(EntityKey(Kind.SOURCE, f"s{n}"), {"kind": "source", "name": f"s{n}"}) for n in range(100)]
FLEET = Fleet.of(SOURCES, 0.0, 1)
AT = 600.0


def plan(text: str, **params: float) -> object:
    quantities = {name: Quantity(value) for name, value in params.items()}
    return Expression.parse(text, each=Kind.SOURCE, params=quantities).plan


def snapshot(fleet: Fleet, at: float = AT) -> Snapshot:
    sparse = SparseReadings()
    for entity in SOURCES:
        sparse.put(entity.key, "recordsLag", 7.0, at)
        sparse.put(entity.key, "connector_status", f"State {entity.key.id}", at)
    return sparse.snapshot(at, fleet)


# -- computed once


@pytest.mark.parametrize(
    "text",
    [
        "recordsLag * 2 + latency / 1ms > 5",
        "quantile_over_time(0.9, recordsLag, 5m) > 5",
        'count(tasks, task_status == "FAILED") > 0',
        "avg(topics, recordsLag) > 5",
    ],
)
def test_the_same_words_in_two_rules_are_one_column(text: str) -> None:
    one, other = plan(f"{text} and latency > 1s"), plan(f"present(recordsLag) or not {text}")
    assert isinstance(one, Junction) and isinstance(other, Junction)
    mine, theirs = one.parts[0], other.parts[1].operand  # type: ignore[union-attr]
    assert mine == theirs and mine is not theirs
    with np.errstate(all="ignore"):
        plan_evaluator = PlanEvaluator(snapshot(FLEET), History(), 30.0)
        assert isinstance(mine, Compare)
        assert plan_evaluator.numbers(mine.left) is plan_evaluator.numbers(theirs.left)
        assert plan_evaluator.truth(mine) is plan_evaluator.truth(theirs)


def test_a_window_is_computed_once_for_all_rules_and_variants() -> None:
    asked: list[tuple[Kind, str]] = []

    class Counting(History):
        def series(self, kind, metric):  # type: ignore[no-untyped-def]
            asked.append((kind, metric))
            return super().series(kind, metric)

    rules = [_rule(f"R{n}", f"increase(recordsLag, 5m) > {n} + limit", overrides=3) for n in range(10)]
    _judge(rules, Counting())
    assert asked == [(Kind.SOURCE, "recordsLag")]


def test_a_metric_is_read_once_for_all_rules() -> None:
    built: list[str] = []
    seen = snapshot(FLEET)

    def build(kind: Kind, metric: str) -> Column:
        built.append(metric)
        return seen.column(kind, metric)

    counting = Snapshot(AT, FLEET, build=build, describe=seen.readings, names=seen.names)
    evaluator = Evaluator([_rule(f"R{n}", f"recordsLag > {n}") for n in range(10)], 30.0)
    evaluator.judge(counting, History())
    assert built == ["recordsLag"]


# -- folded


@pytest.mark.parametrize(
    ("why", "text", "folded"),
    [
        ("arithmetic", "recordsLag > 2 * 5 + limit / 2", "recordsLag > 12"),
        ("units", "latency > 2 * 5m - 30s", "latency > 570000"),
        ("functions", "recordsLag > max(3, limit, abs(-12))", "recordsLag > 12"),
        ("true beside a comparison", "true and recordsLag > 12", "recordsLag > 12"),
        ("false beside one", "recordsLag > 12 or 1 > 2", "recordsLag > 12"),
        ("not", "not (1 > 2) and recordsLag > 12", "recordsLag > 12"),
    ],
)
def test_constant_parts_are_folded(why: str, text: str, folded: str) -> None:
    assert plan(text, limit=4.0) == plan(folded), why


def test_what_is_decided_by_constants_reads_nothing() -> None:
    assert plan("recordsLag > 12 or 2 > 1") == Always(1)
    assert plan("recordsLag > 12 and 1 / 0 > 1 and 1 > 2") == Always(0)
    assert plan("1 / 0 > 1") == Always(-1)
    assert plan("recordsLag > 5") == Compare(
        ">", Reading(Kind.SOURCE, "recordsLag"), Const(5.0, "records"), plan("recordsLag > 1").sort, "records"  # type: ignore[attr-defined]
    )  # fmt: skip
    assert Window("increase", Kind.SOURCE, "recordsLag", 300.0) in (
        plan("increase(recordsLag, 300s) > 1").left,  # type: ignore[attr-defined]
        plan("increase(recordsLag, 5m) > 2").left,  # type: ignore[attr-defined]
    )


# -- who is covered


@dataclass(frozen=True)
class CountingSelector(Selector):
    """Notes for which fleet's table it was asked."""

    asked: list[Table] = field(default_factory=list)

    def rows(self, table: Table) -> npt.NDArray[np.bool_]:
        self.asked.append(table)
        return Selector.rows(self, table)


def test_where_and_overrides_are_worked_out_once_per_listing() -> None:
    where, override = CountingSelector({"name": ("s*",)}), CountingSelector({"name": ("s1",)})
    rule = _rule("R", "recordsLag > 5")
    rule = replace(rule, where=where, overrides=(Override(override, rule.terms),))
    evaluator, history = Evaluator([rule], 30.0), History()
    for poll in range(5):
        evaluator.judge(snapshot(FLEET, AT + poll), history)
    assert [len(where.asked), len(override.asked)] == [1, 1]
    listed_again = Fleet.of(SOURCES[:50], 1.0, 2)
    for poll in range(5):
        (verdicts,) = evaluator.judge(snapshot(listed_again, AT + 10 + poll), history)
    assert [len(where.asked), len(override.asked), len(verdicts.rows)] == [2, 2, 50]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("recordsLag > limit", ""),
        ("increase(recordsLag, limit) < 0 or recordsLag > 5", "s"),
        ("connector_status == limit", None),
        ("connector_status =~ limit", None),
        ("connector_status in [limit]", None),
    ],
)
def test_a_rule_may_have_a_hundred_overrides(text: str, unit: str | None) -> None:
    params = [{"limit": Quantity(f"state s{n}") if unit is None else Quantity(float(n + 1), unit)} for n in range(101)]
    expression = Expression.parse(text, each=Kind.SOURCE, params=params[100])
    overrides = tuple(Override(Selector({"name": (f"s{n}",)}), Terms(params=params[n])) for n in range(100))
    rule = Rule("R", Kind.SOURCE, expression, terms=Terms(params=params[100]), overrides=overrides)
    (verdicts,) = _judge([rule], History())
    assert verdicts.truth.tolist() == ([1] * 6 + [0] * 94 if text == "recordsLag > limit" else [1] * 100)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("prod-*", ["prod-", "prod-a*"], ["Prod-a", "a-prod-a"]),
        ("*-eu", ["-eu", "a-eu", "a-eu-eu"], ["a-eu-", "a-us"]),
        ("*a*b*", ["ab", "xaxbx", "aabb"], ["ba", "b", ""]),
        ("*ab", ["ab", "aab", "abab"], ["abb", "ba"]),
        ("a?c", ["abc", "a.c"], ["ac", "abbc"]),
        ("[a].c", ["[a].c"], ["a.c", "[a]xc"]),
        ("**", ["", "x\ny"], []),
        ("", [""], ["x"]),
    ],
)  # fmt: skip
def test_globs(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [text for text in (*matching, *others) if glob(pattern).match(text)] == matching


def test_many_stars_cost_no_time() -> None:
    assert not glob("*a" * 30 + "*b").match("a" * 5000)


def _rule(name: str, text: str, overrides: int = 0) -> Rule:
    terms = [Terms(params={"limit": Quantity(float(n))}) for n in range(overrides + 1)]
    expression = Expression.parse(text, each=Kind.SOURCE, params=terms[0].params)
    chosen = tuple(Override(Selector({"name": (f"s{n}",)}), one) for n, one in enumerate(terms[1:]))
    return Rule(name, Kind.SOURCE, expression, terms=terms[0], overrides=chosen)


def _judge(rules: list[Rule], history: History):  # type: ignore[no-untyped-def]
    evaluator = Evaluator(rules, 30.0)
    history.want(evaluator.wanted)
    seen = snapshot(FLEET)
    history.record(seen)
    return evaluator.judge(seen, history)
