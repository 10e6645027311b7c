"""Text to syntax tree, or the mistakes that keep it from being one."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from watchdog.rules.expressions.mistakes import Mistakes, unexpected
from watchdog.rules.expressions.promql import habits, respelled
from watchdog.rules.expressions.syntax_tree import (
    Arithmetic,
    Call,
    Comparison,
    Literal,
    Logic,
    Negative,
    Not,
    Path,
    Span,
    Syntax,
)
from watchdog.rules.rule import UNREADABLE
from watchdog.units import near_quantity, parse_duration, parse_size

#: Deeper than anybody writes, shallower than Python's own limit.
_DEPTH = 80
_LENGTH = 20_000
_PLAIN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"\w+|.", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


def read(text: str, mistakes: Mistakes) -> Syntax | None:
    """The tree of a text; None if there is none, which is then among the mistakes.

    A tree may come with mistakes of its own (a chained comparison, `5parsecs`).
    """
    if len(text) > _LENGTH:
        mistakes.add(Span(0, 1), f"an expression of {len(text)} characters is too long; {_LENGTH} are accepted")
        return None
    foreign = habits(text)
    for habit in foreign:
        mistakes.add(habit.at, habit.what)
    if foreign:
        again = respelled(text, foreign)
        if again is None:
            return None
        text, mistakes.origin = again
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as found:
        if not foreign:  # else it may come of the spelling
            mistakes.add(*_refused(text, found))
        return None
    return _Builder(mistakes).build(tree.children[0], 0)


def _refused(text: str, found: UnexpectedInput) -> tuple[Span, str]:
    """Where and why the grammar does not go on."""
    if isinstance(found, UnexpectedToken):
        at = len(text) if found.token.type == "$END" else found.pos_in_stream or 0
        return unexpected(text, at, str(found.token), found.accepts or found.expected)
    at = found.pos_in_stream or 0
    # the lexer knows what may follow by state only, the parser what may follow here
    before = _parser().parse_interactive(text[:at])
    with suppress(UnexpectedInput):
        before.exhaust_lexer()
    accepted: set[str] = before.accepts()  # type: ignore[no-untyped-call]  # lark is typed in parts
    word = _WORD.match(text, at)
    return unexpected(text, at, word[0] if word else "", accepted)


@cache
def _parser() -> Lark:
    """Built once, when the first expression is read."""
    grammar = resources.files(__package__).joinpath("expression.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


class _TooDeepError(Exception):
    pass


class _Builder:
    """Lark's tree to ours."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes

    def build(self, tree: Any, depth: int) -> Syntax | None:
        try:
            return self._node(tree, depth)
        except _TooDeepError:
            self._mistakes.add(_span(tree), f"nested too deeply; {_DEPTH} levels are accepted")
            return None

    def _node(self, tree: Tree[Token], depth: int) -> Syntax:
        if depth > _DEPTH:
            raise _TooDeepError
        parts, at = tree.children, _span(tree)
        match tree.data:
            case "or_" | "and_":
                return Logic(tree.data[:-1], tuple(self._node(p, depth + 1) for p in parts if isinstance(p, Tree)), at)
            case "not_":
                return Not(self._node(_tree(parts[1]), depth + 1), at)
            case "comparison":
                return self._comparison(tree, depth)
            case "arithmetic":
                left, operator, right = parts
                made = self._node(_tree(left), depth + 1), self._node(_tree(right), depth + 1)
                return Arithmetic(str(operator), *made, _span(operator), at)
            case "negative":
                return self._negative(self._node(_tree(parts[1]), depth + 1), at)
            case "group":
                return self._node(_tree(parts[0]), depth + 1)
            case "path":
                return _path(tree)
            case "call":
                callee, *arguments = (_tree(part) for part in parts)
                return Call(_path(callee), tuple(self._node(argument, depth + 1) for argument in arguments), at)
            case "list":  # only `in` may have one to its right; anything else is told there
                self._mistakes.add(at, 'a list goes with `in`: write `connector_status in ["Broken", "Unassigned"]`')
                return Literal(True, "", at)
            case "quantity":
                return self._quantity(str(parts[0]), at)
            case "string":
                return Literal(_unquoted(str(parts[0])), "", at)
            case _:
                return Literal(tree.data == "true", "", at)

    def _negative(self, operand: Syntax, at: Span) -> Syntax:
        if isinstance(operand, Literal) and isinstance(operand.value, float):
            return Literal(-operand.value, operand.unit, at)
        return Negative(operand, at)

    def _comparison(self, tree: Tree[Token], depth: int) -> Syntax:
        first, word, second = (_tree(part) for part in tree.children[:3])
        operator = " ".join(str(token) for token in word.children)
        if len(tree.children) > 3:
            self._mistakes.add(
                _span(tree.children[3]),
                "comparisons do not chain; join two of them: `1 < recordsLag and recordsLag < 10`",
            )
        left = self._node(first, depth + 1)
        right: Syntax | tuple[Syntax, ...]
        if second.data == "list" and operator in ("in", "not in"):
            right = tuple(self._node(_tree(item), depth + 1) for item in second.children)
        else:
            right = self._node(second, depth + 1)
            if operator in ("in", "not in"):
                self._mistakes.add(
                    _span(second), f'`{operator}` wants a list: write `{operator} ["Broken", "Unassigned"]`'
                )
                right = ()
        return Comparison(operator, left, right, _span(word), _span(tree))

    def _quantity(self, word: str, at: Span) -> Literal:
        """A number, duration or size."""
        if _PLAIN.fullmatch(word):
            value, unit = float(word), ""
        else:
            try:
                value, unit = parse_duration(word), "s"
            except ValueError:
                try:
                    value, unit = parse_size(word), "bytes"
                except ValueError:
                    self._mistakes.add(at, _not_a_quantity(word))
                    return Literal(UNREADABLE.value, UNREADABLE.unit, at)
        if value in (float("inf"), float("-inf")):
            self._mistakes.add(at, f"{word} is too large; numbers go up to 1.8e308")
        return Literal(value, unit, at)


def _not_a_quantity(word: str) -> str:
    meant = near_quantity(word)
    hint = f"; did you mean '{meant}'?" if meant else ""
    if thousands := re.fullmatch(r"([0-9]+)([kKMGT])", word):  # of what cannot be known
        number = int(thousands[1]) * 1000 ** (" kMGT".index(thousands[2].replace("K", "k")))
        hint = f"; did you mean {number} or '{meant}'?"
    return (
        f"{word!r} is not a number, duration or size; write a number and ms, s, m, h or d (5m, 1h30m), "
        f"or B, KB, MB, GB, KiB, MiB or GiB (10MiB){hint}"
    )


def _unquoted(token: str) -> str:
    """The text between the quotes. A backslash before anything but a quote, n, t and itself stays: `"\\d+"`."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), token[1:-1])


def _path(tree: Tree[Token]) -> Path:
    return Path(tuple(map(str, tree.children)), tuple(map(_span, tree.children)), _span(tree))


def _tree(part: Any) -> Tree[Token]:
    assert isinstance(part, Tree)
    return part


def _span(part: Any) -> Span:
    if isinstance(part, Token):
        assert part.start_pos is not None and part.end_pos is not None
        return Span(part.start_pos, part.end_pos)
    return Span(part.meta.start_pos, part.meta.end_pos)
