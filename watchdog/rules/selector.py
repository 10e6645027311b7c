"""`where`: labels to globs, over entities and over alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from watchdog.readings.fleet import LabelValue, Table


@lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """`*` any text, `?` one character, everything else itself; case-sensitive, the whole value.

    Between two stars the first place that fits will do, so nothing is tried twice however many stars there are.
    """
    first, *rest = ("".join("." if c == "?" else re.escape(c) for c in part) for part in pattern.split("*"))
    between = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile("(?s:" + first + between + (f".*{rest[-1]}" if rest else "") + r")\Z")


def matches_items(items: tuple[str, ...], value: LabelValue) -> bool:
    """One of the positive items matches (or there is none) and none of the `!` items does.

    On a label with several values the items see every one; with none, they see "".
    """
    values = (value,) if isinstance(value, str) else (value or ("",))
    positive = [item for item in items if not item.startswith("!")]
    if positive and not any(glob(item).match(one) for item in positive for one in values):
        return False
    return not any(glob(item[1:]).match(one) for item in items if item.startswith("!") for one in values)


@dataclass(frozen=True, slots=True)
class Selector:
    """A `where`: every label named must match its items. Empty: everything."""

    items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def matches(self, labels: Mapping[str, LabelValue]) -> bool:
        return all(matches_items(items, labels.get(label, "")) for label, items in self.items.items())

    def rows(self, table: Table) -> npt.NDArray[np.bool_]:
        """Which rows of a table it selects; each distinct value of a label is tried once."""
        chosen = np.ones(len(table), dtype=np.bool_)
        for label, items in self.items.items():
            known: dict[LabelValue, bool] = {}
            column = table.label(label)
            for value in column:
                if value not in known:
                    known[value] = matches_items(items, value)
            chosen &= np.fromiter((known[value] for value in column), dtype=np.bool_, count=len(table))
        return chosen
