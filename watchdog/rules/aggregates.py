"""Values through the family: of the one relative upwards, and counts, sums and extremes over the children."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from watchdog.readings.fleet import Edges, Fleet, Kind
from watchdog.readings.snapshot import Floats

_T = TypeVar("_T", bound=np.generic)


def upwards(fleet: Fleet, kind: Kind, relation: str, values: npt.NDArray[_T], missing: float) -> npt.NDArray[_T]:
    """For every row of `kind` the value of its relative; `missing` where it has none."""
    edges = fleet.edges(kind, relation)
    assert edges is not None, relation
    found = np.full(len(fleet.table(kind)), missing, dtype=values.dtype)
    found[edges.parents] = values[edges.children]
    found[~edges.known] = missing
    return found


def count(edges: Edges, rows: int) -> Floats:
    """How many children each row has; unknown where the list itself is missing."""
    found = np.bincount(edges.parents, minlength=rows).astype(np.float64)
    found[~edges.known] = np.nan
    return found


def count_true(edges: Edges, rows: int, truths: npt.NDArray[np.int8]) -> Floats:
    """How many children are true (2); unknown if none is and at least one is unknown (1)."""
    seen = truths[edges.children]
    found = np.bincount(edges.parents[seen == 2], minlength=rows).astype(np.float64)
    unknown = np.bincount(edges.parents[seen == 1], minlength=rows) > 0
    found[(unknown & (found == 0)) | ~edges.known] = np.nan
    return found


def aggregate(edges: Edges, rows: int, function: str, values: Floats) -> Floats:
    """`sum`, `min`, `max` or `avg` over the known children; unknown if there are children and none is known.

    Without any children a sum is 0 and the rest unknown.
    """
    of_children = values[edges.children]
    known = ~np.isnan(of_children)
    parents, of_children = edges.parents[known], of_children[known]
    known_children = np.bincount(parents, minlength=rows)
    if function in ("sum", "avg"):
        # An empty array of weights makes counts of bincount's sums
        found = np.bincount(parents, weights=of_children, minlength=rows).astype(np.float64)
        if function == "avg":
            found = found / known_children  # 0/0 is NaN: unknown
        else:
            found[(known_children == 0) & (np.bincount(edges.parents, minlength=rows) > 0)] = np.nan
    else:
        found = np.full(rows, np.nan)
        # fmin and fmax take the other side of a NaN, so that the first child replaces it
        (np.fmin if function == "min" else np.fmax).at(found, parents, of_children)
    found[~edges.known] = np.nan
    if function in ("sum", "avg"):  # an extreme may be never, a sum with it is unknown
        found[~np.isfinite(found)] = np.nan
    return found
