"""Words for what the grammar refuses: where, what was found, what would be accepted there."""

from __future__ import annotations

import re
from collections.abc import Collection

from watchdog.rules.expressions.syntax import Span

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
