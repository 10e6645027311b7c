"""Syntax tree to plan: resolves names, checks types and units, folds constants; every mistake has its place."""

from __future__ import annotations

from watchdog.readings.catalogue import CATALOGUE
from watchdog.rules.expressions import syntax_tree
from watchdog.rules.expressions.function_calls import Calls
from watchdog.rules.expressions.plan import (
    Always,
    Among,
    Compare,
    Const,
    Junction,
    Matching,
    Negative,
    Not,
    Presence,
    Sort,
    Truth,
)
from watchdog.rules.expressions.regex import regex, regex_mistake
from watchdog.rules.expressions.syntax_tree import Span, Syntax
from watchdog.rules.expressions.value_types import Typed, UnfitError, combined, text_sort, unified
from watchdog.rules.rule import UNREADABLE, Quantity

_NOT_A_VALUE = "true and false are compared with a metric only, where they are 1 and 0"
_NOT_A_TEXT = 'a text is neither true nor false; compare it with a text: `connector_status == "Broken"`'


class Checker(Calls):
    """Checks one expression where its scope says what names mean."""

    # -- truths

    def truth(self, node: Syntax) -> Truth | None:
        """The plan of what has to be logical; None after a mistake."""
        match node:
            case syntax_tree.Logic(operator, parts):
                made = [self._operand(part, node) for part in parts]
                known = tuple(part for part in made if part is not None)
                return junction(operator, known) if len(known) == len(made) else None
            case syntax_tree.Not(operand):
                inner = self.truth(operand)
                return None if inner is None else negation(inner)
            case syntax_tree.Comparison():
                return self._comparison(node)
            case syntax_tree.Call() if node.callee.names in (("absent",), ("present",)):
                return self._presence(node)
            case syntax_tree.Literal() | syntax_tree.Path() if (constant := self._boolean(node)) is not None:
                return Always(int(constant))
            case _:
                self._not_logical(node)
                return None

    def _operand(self, part: Syntax, whole: syntax_tree.Logic) -> Truth | None:
        if isinstance(part, syntax_tree.Literal) and not isinstance(part.value, bool):
            before = whole.parts[max(0, whole.parts.index(part) - 1)]
            if (
                whole.operator == "or"
                and isinstance(before, syntax_tree.Comparison)
                and before.operator in ("==", "in")
            ):
                self.mistakes.add(part.at, 'a comparison is missing; to try several values write `m in ["a", "b"]`')
                return None
        return self.truth(part)

    def _not_logical(self, node: Syntax) -> None:
        value = self.value(node)
        if value is None:
            return
        if isinstance(node, syntax_tree.Path) and len(node.names) == 1 and self.scope.param(node) is None:
            known = CATALOGUE.get(node.names[0])
            name = node.names[0]
        else:
            known, name = None, "StreamingConnected"
        if known and known.text:
            example = f'{name} == "Broken"'
        elif known and known.unit in ("ms", "s"):
            example = f"{name} > 5m"
        else:
            example = f"{name} == 1"
        what = "a text" if value.sort is Sort.TEXT else "a bare number"
        self.mistakes.add(node.at, f"{what} is neither true nor false; write `{example}`")

    def _presence(self, node: syntax_tree.Call) -> Truth | None:
        if not self.expects(node, 1, f"{node.callee.names[0]}(m)"):
            return None
        value = self.value(node.arguments[0])
        return None if value is None else Presence(value.plan, node.callee.names[0] == "present")

    # -- comparisons

    def _comparison(self, node: syntax_tree.Comparison) -> Truth | None:
        if node.operator in ("=~", "!~"):
            return self._matching(node)
        others = node.right if isinstance(node.right, tuple) else (node.right,)
        values = self.values((node.left, *others))
        if values is None:
            return None
        try:
            sort = text_sort(values)
            unit = ""
            if sort is not Sort.TEXT:
                values, unit = unified(values)
        except UnfitError as why:
            self.mistakes.add(node.operator_at, str(why))
            return None
        if isinstance(node.right, tuple):
            return self._among(node, values, unit)
        left, right = values
        if sort is Sort.TEXT and node.operator not in ("==", "!="):
            self.mistakes.add(node.operator_at, "texts are compared with ==, !=, in and =~, not by order")
            return None
        if isinstance(left.plan, Const) and isinstance(right.plan, Const):
            return Always(compared(node.operator, left.plan.value, right.plan.value))
        return Compare(node.operator, left.plan, right.plan, sort, unit)

    def _among(self, node: syntax_tree.Comparison, values: list[Typed], unit: str) -> Truth | None:
        left, *items = values
        assert isinstance(node.right, tuple)
        constants = [item.plan for item in items if isinstance(item.plan, Const)]
        for item, place in zip(items, node.right, strict=True):
            if not item.constant:
                self.mistakes.add(place.at, "a list holds constants only; compare with `==` and join with `or`")
        if len(constants) < len(items):
            return None
        if isinstance(left.plan, Const):
            found = any(compared("==", left.plan.value, item.value) == 1 for item in constants)
            return Always(int(found != (node.operator == "not in")))
        return Among(left.plan, tuple(constants), node.operator == "not in", unit)

    def _matching(self, node: syntax_tree.Comparison) -> Truth | None:
        assert not isinstance(node.right, tuple)
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return None
        if left.sort is Sort.NUMBER:
            self.mistakes.add(
                node.operator_at, f"`{node.operator}` matches texts; compare numbers with ==, > and their like"
            )
            return None
        if not isinstance(right.plan, Const) or not isinstance(right.plan.value, str):
            self.mistakes.add(
                node.right.at, f'`{node.operator}` wants a regular expression in quotes: `{node.operator} "prod-.*"`'
            )
            return None
        pattern = right.plan.value
        why = regex_mistake(pattern)
        if why:
            self.mistakes.add(node.right.at, why)
            return None
        if isinstance(left.plan, Const):
            return Always(int((regex(pattern).fullmatch(str(left.plan.value)) is not None) != (node.operator == "!~")))
        return Matching(left.plan, pattern, node.operator == "!~")

    # -- values

    def values(self, nodes: tuple[Syntax, ...]) -> list[Typed] | None:
        """The values of nodes that meet: beside a metric true and false are 1 and 0. None after a mistake."""
        truths = [self._boolean(node) for node in nodes]
        made = [None if truth is not None else self.value(node) for node, truth in zip(nodes, truths, strict=True)]
        if any(value is None and truth is None for value, truth in zip(made, truths, strict=True)):
            return None
        beside = any(value is not None and value.sort is not Sort.TEXT and not value.constant for value in made)
        found: list[Typed] = []
        for node, value, truth in zip(nodes, made, truths, strict=True):
            if value is None:
                if not beside:
                    texts = any(other is not None and other.sort is Sort.TEXT for other in made)
                    self.mistakes.add(node.at, _NOT_A_TEXT if texts else _NOT_A_VALUE)
                    return None
                value = Typed(Const(float(bool(truth))))
            found.append(value)
        return found

    def _boolean(self, node: Syntax) -> bool | None:
        if isinstance(node, syntax_tree.Literal) and isinstance(node.value, bool):
            return node.value
        param = self.scope.param(node)
        return param.value if param is not None and isinstance(param.value, bool) else None

    def value(self, node: Syntax) -> Typed | None:
        """The plan of a number or text; None after a mistake."""
        match node:
            case syntax_tree.Literal(value, unit):
                return self._constant(Quantity(value, unit), node.at)
            case syntax_tree.Path():
                return self._named(node)
            case syntax_tree.Negative(operand):
                inner = self.number(operand)
                if inner is None:
                    return None
                if isinstance(inner.plan, Const):
                    return Typed(Const(-inner.plan.number, inner.plan.unit), unit=inner.unit, free=inner.free)
                return Typed(Negative(inner.plan), unit=inner.unit, free=inner.free)
            case syntax_tree.Arithmetic():
                return self._arithmetic(node)
            case syntax_tree.Call():
                return self.call(node)
            case _:
                self.mistakes.add(
                    node.at, "a comparison is true or false, not a value; a metric or a number is wanted here"
                )
                return None

    def number(self, node: Syntax) -> Typed | None:
        """A value that is not a text."""
        if self._boolean(node) is not None:
            self.mistakes.add(node.at, _NOT_A_VALUE)
            return None
        value = self.value(node)
        if value is not None and value.sort is Sort.TEXT:
            self.mistakes.add(node.at, "a number is wanted here, this is a text")
            return None
        return value

    def _constant(self, quantity: Quantity, at: Span) -> Typed | None:
        value = quantity.value
        if isinstance(value, bool):
            self.mistakes.add(at, _NOT_A_VALUE)
            return None
        if isinstance(value, str):
            return Typed(Const(value), Sort.TEXT)
        if quantity == UNREADABLE:
            return None
        return Typed(Const(float(value), quantity.unit), unit=quantity.unit, free=quantity.unit in ("s", "bytes"))

    def _arithmetic(self, node: syntax_tree.Arithmetic) -> Typed | None:
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        try:
            return combined(node.operator, left, right)
        except UnfitError as why:
            self.mistakes.add(node.operator_at, str(why))
            return None

    def _named(self, node: syntax_tree.Path) -> Typed | None:
        param = self.scope.param(node)
        if param is not None:
            return self._constant(param, node.at)
        metric = self.scope.metric(node)
        return None if metric is None else metric.reading


def junction(operator: str, parts: tuple[Truth, ...]) -> Truth:
    """Constant parts folded: `x and true` is x."""
    decides, neutral = (0, 1) if operator == "and" else (1, 0)
    if any(isinstance(part, Always) and part.truth == decides for part in parts):
        return Always(decides)
    left = tuple(part for part in parts if not (isinstance(part, Always) and part.truth == neutral))
    if not left:
        return Always(neutral)
    if all(isinstance(part, Always) for part in left):
        return Always(-1)
    return left[0] if len(left) == 1 else Junction(operator, left)


def negation(part: Truth) -> Truth:
    """`not` of a constant is one, and not absent is present: its reason then says so."""
    match part:
        case Always(truth):
            return Always(-1 if truth < 0 else 1 - truth)
        case Presence(operand, present):
            return Presence(operand, not present)
        case _:
            return Not(part)


def compared(operator: str, left: float | str, right: float | str) -> int:
    """1, 0 or -1 (unknown) of two constants."""
    if isinstance(left, str) or isinstance(right, str):
        same = str(left).casefold() == str(right).casefold()
        return int(same if operator == "==" else not same)
    if left != left or right != right:
        return -1
    return int({"==": left == right, "!=": left != right, ">": left > right, ">=": left >= right,
                "<": left < right, "<=": left <= right}[operator])  # fmt: skip
