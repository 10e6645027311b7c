"""Expressions of rules: `Expression.parse` makes one of a text, or tells every mistake in it with its place."""

from watchdog.rules.expressions.expression import Expression, syntax_of
from watchdog.rules.expressions.names import article, param_mistake

__all__ = ["Expression", "article", "param_mistake", "syntax_of"]
