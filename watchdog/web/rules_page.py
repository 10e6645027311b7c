"""What the rules page shows: every rule, what it matches, its last result, what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from watchdog.alerts.episodes import Episode
from watchdog.cycle.evaluation import Evaluation
from watchdog.notify.rendering import in_words
from watchdog.rules.rule import NoData, Rule
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN, Verdicts
from watchdog.units import format_duration

_SOME = 4


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule. `covers` counts the entities it is judged on, `true`, `false`, `unknown`, `unobserved` its last answers
    (-1 where it was not judged), `sample` some it covers, `names` some it is true on; `cost` is that of the last poll
    in words."""

    name: str
    severity: str
    each: str
    where: str
    expr: str
    clear: str
    terms: tuple[tuple[str, str], ...]
    summary: str
    place: str
    enabled: bool
    never: bool
    firing: int
    covers: int
    true: int
    false: int
    unknown: int
    unobserved: int
    sample: tuple[str, ...]
    names: tuple[str, ...]
    cost: str


def rule_views(rules: Iterable[Rule], evaluation: Evaluation | None, firing: Iterable[Episode]) -> list[RuleView]:
    """Those that fire first, then those that never match, then by name."""
    counts = Counter(one.alert.rule for one in firing)
    never = frozenset() if evaluation is None else frozenset(evaluation.never_matching)
    made = [
        _view(rule, None if evaluation is None else evaluation.verdicts.get(rule.name), counts, never) for rule in rules
    ]
    return sorted(made, key=lambda one: (not one.firing, not one.never, one.name.casefold()))


def _view(rule: Rule, verdicts: Verdicts | None, counts: Counter[str], never: frozenset[str]) -> RuleView:
    answers: Sequence[int] = (-1, -1, -1, -1)
    names: tuple[str, ...] = ()
    sample: tuple[str, ...] = ()
    cost, covers = "", 0
    if verdicts is not None:
        seen = verdicts.observed
        truth = verdicts.truth[seen]
        answers = [int(np.count_nonzero(truth == one)) for one in (TRUE, FALSE, UNKNOWN)]
        answers = [*answers, int(np.count_nonzero(~seen))]
        hits = verdicts.rows[seen & (verdicts.truth == TRUE)][:_SOME]
        names = tuple(verdicts.table.entities[row].name for row in hits.tolist())
        covers = len(verdicts.rows)
        sample = tuple(verdicts.table.entities[row].name for row in verdicts.rows[:_SOME].tolist())
        cost = f"{verdicts.seconds * 1000:.2f} ms"
    terms = rule.terms
    said = [("for", format_duration(terms.for_)), ("keep firing for", format_duration(terms.keep_firing_for)),
            ("no data", str(terms.no_data) if terms.no_data is not NoData.KEEP else ""),
            ("overrides", str(len(rule.overrides) or "")),
            ("suppresses", ", ".join(rule.suppresses))]  # fmt: skip
    said += [(name, in_words(value)) for name, value in terms.params.items()]
    return RuleView(
        name=rule.name,
        severity=str(terms.severity),
        each=str(rule.each),
        where=", ".join(f"{label}: {' '.join(items)}" for label, items in rule.where.items.items()),
        expr=rule.expr.text.strip(),
        clear="" if rule.clear is None else rule.clear.text.strip(),
        terms=tuple((name, value) for name, value in said if value and value != "0s"),
        summary=rule.annotations.get("summary", ""),
        place=rule.place,
        enabled=any(one.enabled for one in rule.variants),
        never=rule.name in never,
        firing=counts[rule.name],
        covers=covers,
        true=answers[0],
        false=answers[1],
        unknown=answers[2],
        unobserved=answers[3],
        sample=sample,
        names=names,
        cost=cost,
    )
