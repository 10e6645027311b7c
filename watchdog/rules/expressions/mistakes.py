"""The mistakes of one expression, gathered while it is read and checked."""

from __future__ import annotations

from collections.abc import Callable

from watchdog.rules.expressions.syntax import Span


class Mistakes:
    """Where and what; the first at a place counts, later ones there would be its echoes.

    `origin`: where a character of the text that is read stands in the text as written.
    """

    def __init__(self) -> None:
        self._found: dict[int, tuple[int, int, str]] = {}
        self.origin: Callable[[int], int] = lambda at: at

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, at: Span, what: str) -> None:
        start, end = self.origin(at.start), self.origin(at.end)
        self._found.setdefault(start, (start, max(1, end - start), what))

    @property
    def all(self) -> list[tuple[int, int, str]]:
        return sorted(self._found.values())
