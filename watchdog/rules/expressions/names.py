"""Words that mean something in expressions, so that nothing else may be called by them."""

from __future__ import annotations

import re

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import LABELS, Kind
from watchdog.readings.relations import CHILDREN, PARENTS

KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})
WINDOWS = {
    "increase": "increase(m, 15m)",
    "rate": "rate(m, 15m)",
    "delta": "delta(m, 15m)",
    "slope": "slope(m, 15m)",
    "changes": "changes(m, 15m)",
    "resets": "resets(m, 15m)",
    "avg_over_time": "avg_over_time(m, 15m)",
    "min_over_time": "min_over_time(m, 15m)",
    "max_over_time": "max_over_time(m, 15m)",
    "quantile_over_time": "quantile_over_time(0.9, m, 15m)",
    "ago": "ago(m, 15m)",
}
#: Every function, and how it is written.
FUNCTIONS = {
    **WINDOWS,
    "unchanged_for": "unchanged_for(m)",
    "longest_pause": "longest_pause(m, 7d)",
    "time_until": "time_until(m, 0, 30m)",
    "abs": "abs(x)",
    "min": "min(a, b)",
    "max": "max(a, b)",
    "absent": "absent(m)",
    "present": "present(m)",
    "coalesce": "coalesce(m, x)",
    "count": 'count(tasks, task_status == "FAILED")',
    "sum": "sum(topics, recordsLag)",
    "avg": "avg(topics, recordsLag)",
    "metric": 'metric("odd-name")',
}
RELATIONS = frozenset(name for table in (CHILDREN, PARENTS) for names in table.values() for name in names)
LABEL_NAMES = frozenset(name for names in LABELS.values() for name in names)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def param_mistake(name: str) -> str | None:
    """Why a param may not be called so; None if it may."""
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot be named in an expression; write letters, digits and _, beginning with a letter"
    for what, names in (
        ("keyword", KEYWORDS),
        ("function", FUNCTIONS),
        ("metric", CATALOGUE),
        ("label", LABEL_NAMES),
        ("relative", RELATIONS),
    ):
        if name in names:
            return f"a param may not be called {name!r}: that is a {what}"
    return None


def article(kind: Kind) -> str:
    """`a source`, `an account`."""
    return f"{'an' if kind is Kind.ACCOUNT else 'a'} {kind}"
