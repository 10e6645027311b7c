"""What judging one rule over one snapshot answers, in columns, and the reason of a single verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import EntityKey, Rows, Table
from watchdog.rules.rule import Quantity, Rule

#: Three-valued truth, one a row: 1 true, 0 false, -1 unknown.
Truth = npt.NDArray[np.int8]
TRUE, FALSE, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a verdict is what it is, for one entity.

    `reason` names the comparisons that decided with the values seen; `value` is the metric's side of the first of them
    (None if it had no reading), `limit` its other side; `metric` the metric behind `value`; `readings` every metric
    the rule names.
    """

    reason: str
    value: Quantity | None = None
    limit: Quantity | None = None
    metric: str = ""
    readings: Mapping[str, float | str | None] = field(default_factory=dict)


class Explain(Protocol):
    """Explains one row of the table, for `expr` or (`clear=True`) for `clear`; with `ended` it says what changed."""

    def __call__(self, row: int, *, clear: bool = False, ended: bool = False) -> Explanation: ...

    def conditions(self, row: int, *, clear: bool = False) -> list[int]:
        """The truth of every comparison in text order, whatever it decided."""
        ...


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One rule over one snapshot. All arrays have one element per element of `rows`.

    `rows`: the rows of `table` the rule covers (its `where` matches and it is enabled there), ascending.
    `variant`: index into `rule.variants`. `truth`, `clear` (None without a `clear`): three-valued.
    `observed`: False where a failed request leaves the entity or a named relative in the dark: not evaluated there.
    """

    rule: Rule
    table: Table
    rows: Rows
    variant: npt.NDArray[np.intp]
    truth: Truth
    clear: Truth | None
    observed: npt.NDArray[np.bool_]
    explain: Explain
    seconds: float = 0.0  #: what judging it cost, for the rules page

    def position(self, entity: EntityKey) -> int | None:
        """Which element of the arrays is an entity's; None where the rule does not cover it."""
        row = self.table.row.get(entity)
        if row is None:
            return None
        found = int(self.rows.searchsorted(row))
        return found if found < len(self.rows) and self.rows[found] == row else None
