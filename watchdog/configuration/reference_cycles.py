"""Circles: things that lead back to themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

#: So many are told; rules that all suppress `*` have more than anybody reads.
_MOST = 10


def circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The circles among names and what each leads to: found one by one, each then opened at its last link. A circle
    begins with the name that stands first in `edges`."""
    left = {name: dict.fromkeys(following) for name, following in edges.items()}
    order = list(edges)
    found: list[list[str]] = []
    for _ in range(_MOST):
        try:
            TopologicalSorter(left).prepare()
        except CycleError as cause:
            # its links run against ours: each node is in the following one's list
            circle = list(reversed(cause.args[1]))[:-1]
            begin = circle.index(min(circle, key=order.index))
            circle = circle[begin:] + circle[:begin]
            if not any(set(circle) == set(known) for known in found):
                found.append(circle)
            del left[circle[-1]][circle[0]]
        else:
            break
    return found
