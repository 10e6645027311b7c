"""An expression, checked: its text, what it reads, and its plan for given params."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.errors import ExpressionError
from watchdog.readings.fleet import Kind
from watchdog.readings.history import Wanted, Windows
from watchdog.rules.expressions.checker import Checker
from watchdog.rules.expressions.limits import LONGEST_WINDOW
from watchdog.rules.expressions.mistakes import Mistakes
from watchdog.rules.expressions.parser import read
from watchdog.rules.expressions.plan import Pause, Plan, Truth, Unchanged, Window, walk
from watchdog.rules.expressions.scope import Scope
from watchdog.rules.expressions.syntax_tree import Syntax
from watchdog.rules.rule import Quantity


@dataclass(frozen=True, slots=True)
class Expression:
    """A logical expression over the entities of one kind.

    `metrics`: what it reads, each with the kind that has it. `windows`: what has to be remembered for it. `relatives`:
    through whom it reads, as paths from the entity: () for its own readings, ("connector",), ("pipelines", "tasks").
    """

    text: str
    each: Kind
    plan: Truth = field(compare=False)
    metrics: frozenset[tuple[Kind, str]] = field(compare=False)
    relatives: frozenset[tuple[str, ...]] = field(compare=False)
    windows: Windows = field(compare=False)
    params: Mapping[str, Quantity] = field(hash=False)
    _syntax: Syntax = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, *, each: Kind, params: Mapping[str, Quantity]) -> Expression:
        """Raises ExpressionError with every mistake as (offset, length, message)."""
        mistakes = Mistakes()
        return cls._checked(text, syntax_of(text, mistakes), each, params, mistakes)

    @classmethod
    def _checked(
        cls, text: str, syntax: Syntax, each: Kind, params: Mapping[str, Quantity], mistakes: Mistakes
    ) -> Expression:
        scope = Scope(each, params, mistakes)
        plan = Checker(scope).truth(syntax)
        if mistakes or plan is None:
            raise ExpressionError(text, mistakes.all)
        return cls(
            text=text,
            each=each,
            plan=plan,
            metrics=frozenset(scope.read),
            relatives=frozenset(scope.through),
            windows=windows_of(plan),
            params=dict(params),
            _syntax=syntax,
        )

    def bound(self, params: Mapping[str, Quantity]) -> Expression:
        """The same text with other params, as an override has them; raises ExpressionError where they do not fit."""
        if params == self.params:
            return self
        return self._checked(self.text, self._syntax, self.each, params, Mistakes())


def syntax_of(text: str, mistakes: Mistakes | None = None) -> Syntax:
    """How an expression is written, whatever its names mean; raises ExpressionError where it is not one.

    What is not spelled as here but understood, as PromQL's habits, is added to `mistakes` or raised without them.
    """
    found = Mistakes() if mistakes is None else mistakes
    syntax = read(text, found)
    if syntax is None or (found and mistakes is None):
        raise ExpressionError(text, found.all)
    return syntax


def windows_of(plan: Plan) -> dict[tuple[Kind, str], Wanted]:
    """What a plan needs to be remembered."""
    found: dict[tuple[Kind, str], Wanted] = {}
    for node in walk(plan):
        if isinstance(node, Window):
            wanted = Wanted(seconds=node.reach) if node.reach <= LONGEST_WINDOW else Wanted(kept=node.reach)
        elif isinstance(node, Pause):
            wanted = Wanted(days=node.days)
        elif isinstance(node, Unchanged):
            wanted = Wanted(unchanged=True)
        else:
            continue
        key = (node.kind, node.metric)
        found[key] = found.get(key, Wanted()) | wanted
    return found
