"""The mistakes of one expression: collected while it is parsed and checked, and worded for the parser's refusals."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from watchdog.rules.expressions.syntax_tree import Span


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


_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
#: What the grammar's names are in its answers, in the order they are listed.
_WORDS = {
    "AND": "and", "OR": "or", "COMPARE": "a comparison", "IN": "in", "PLUS": "+", "MINUS": "-", "MULTIPLY": "* or /",
    "DOT": ".", "COMMA": ",", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "$END": "the end",
}  # fmt: skip
_CLOSING = {"(": ")", "[": "]"}


def unexpected(text: str, at: int, found: str, accepted: Collection[str]) -> tuple[Span, str]:
    """Where the grammar refused a text, and words for it; `accepted` are the grammar's names of what it would take."""
    where = Span(at, at + max(1, len(found)))
    if not text.strip():
        return where, "an expression is missing; write a comparison such as `recordsLag > 1000`"
    if found in ("'", '"'):
        return where, "a text without its closing quote"
    opened = _opened(text[:at])
    if at < len(text) and found in _CLOSING.values() and _CLOSING.get(opened[-1][1] if opened else "") != found:
        return where, f"this {found} closes nothing"
    what = "the expression ends too early" if at >= len(text) else f"unexpected {found!r}"
    if {"QUANTITY", "NAME"} <= set(accepted):
        return where, f"{what}; a value is missing here: a metric, a number, a text or ("
    if at >= len(text) and opened:
        begin, bracket = opened[-1]
        return Span(begin, begin + 1), f"this {bracket} is not closed; a {_CLOSING[bracket]} is missing"
    return where, f"{what}; accepted here: {', '.join(word for name, word in _WORDS.items() if name in accepted)}"


def _opened(text: str) -> list[tuple[int, str]]:
    """The brackets that are open at the end of a text, outermost first."""
    found: list[tuple[int, str]] = []
    for at, letter in enumerate(blanked(text)):
        if letter in _CLOSING:
            found.append((at, letter))
        elif letter in _CLOSING.values() and found:
            found.pop()
    return found


def blanked(text: str) -> str:
    """The text with what stands between quotes blanked out."""
    return _STRING.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)
