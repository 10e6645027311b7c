"""Texts: the templates of rules, sandboxed and bounded. A broken one spoils its own message, never the sending."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchdog.errors import TextError
from watchdog.units import format_bytes, format_duration, format_number

#: A template, and what it makes, may have so many characters.
LIMIT = 4096
#: Names every template may use, besides the alert's labels.
NAMES = ("value", "reason", "params", "readings", "since", "duration", "severity", "links")
_LINKS = ("entity", "alert")
#: What a text needs; loops, macros, blocks and includes are not among it.
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg,
    nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.Test,
    nodes.Keyword,
)  # fmt: skip


class Number(float):
    """A number that knows its unit (`ms`, `s`, `bytes`, … or ""), so that `| duration` need not be told."""

    unit: str

    def __new__(cls, value: float, unit: str = "") -> Number:
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    def __str__(self) -> str:
        return format_number(self)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)


def _seconds(value: float) -> float:
    return float(value) / 1000 if isinstance(value, Number) and value.unit == "ms" else float(value)


def _duration(value: Any) -> str:
    return value if isinstance(value, str) else "unknown" if value is None else format_duration(_seconds(value))


def _number(value: Any) -> str:
    return value if isinstance(value, str) else "unknown" if value is None else format_number(round(float(value), 3))


def _bytes(value: Any) -> str:
    return value if isinstance(value, str) else "unknown" if value is None else format_bytes(float(value))


def _percent(value: Any) -> str:
    return value if isinstance(value, str) else "unknown" if value is None else f"{float(value) * 100:.3g}%"


FILTERS = ("duration", "number", "bytes", "percent", "ago")
#: Filters of the template language that cannot blow a text up.
_PLAIN_FILTERS = ("default", "d", "lower", "upper", "title", "capitalize", "trim", "round", "int", "float", "abs",
                  "length", "first", "last", "join", "replace", "truncate", "string")  # fmt: skip


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in ("*", "%") and not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"'{operator}' is for numbers only")
        return super().call_binop(context, operator, left, right)


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
    plain = {name: environment.filters[name] for name in _PLAIN_FILTERS}
    environment.filters = {**plain, "duration": _duration, "number": _number, "bytes": _bytes, "percent": _percent,
                           "ago": lambda value: _duration(value) + " ago"}  # fmt: skip
    environment.globals.clear()
    return environment


_sandbox = _environment()


def check(template: str, labels: Collection[str], *, params: Collection[str] = ()) -> list[tuple[int, str]]:
    """What is wrong with a template, as (offset in characters, message); `labels` and `params` may be named in it."""
    if len(template) > LIMIT:
        return [(LIMIT, f"the text has {len(template)} characters; {LIMIT} are the most")]
    try:
        tree = _sandbox.parse(template)
    except TemplateSyntaxError as cause:
        return [(_line_start(template, cause.lineno), f"the template is broken: {cause.message}")]
    found = _unfit(template, tree)
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name):
            base, known = node.node.name, {"params": params, "links": _LINKS}
            if base in known and node.attr not in known[base]:
                offset = _offset(template, node.attr, node.lineno)
                accepted = ", ".join(known[base]) or "none here"
                found.append((offset, f"{base} has no '{node.attr}'; there are {accepted}"))
    if found:
        return found
    for name in sorted(meta.find_undeclared_variables(tree) - {*labels, *NAMES}):
        accepted = ", ".join(sorted({*labels, *NAMES}))
        found.append((_offset(template, name, 1), f"nothing is called '{name}' here; there are {accepted}"))
    return found


def _unfit(template: str, tree: nodes.Template) -> list[tuple[int, str]]:
    """What a text may not hold, whatever its names mean."""
    found: list[tuple[int, str]] = []
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            found.append((_line_start(template, node.lineno), f"'{what}' is not allowed in a text, as loops are not"))
        elif isinstance(node, nodes.Filter) and node.name not in _sandbox.filters:
            offset = _offset(template, node.name, node.lineno)
            found.append((offset, f"unknown filter '{node.name}'; there are {', '.join(FILTERS)}"))
    return found


def render(template: str, names: Mapping[str, object]) -> str:
    """The text of a template, cut to LIMIT at a word with "…"; raises TextError that says what is wrong."""
    if "{" not in template:
        return cut(template, LIMIT)
    try:
        made = _compiled(template).render({name: _safe(value) for name, value in names.items()})
    except (TemplateError, SecurityError, UndefinedError) as cause:
        raise TextError(str(cause)) from cause
    except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError, MemoryError) as cause:
        raise TextError(f"{type(cause).__name__}: {cause}") from cause
    return cut(made.strip(), LIMIT)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word, with "…" where something is missing."""
    if len(text) <= limit:
        return text
    kept = text[: max(0, limit - 1)]
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return (kept[:space] if space > limit // 2 else kept).rstrip() + "…"


@lru_cache(maxsize=1024)
def _compiled(template: str) -> Any:
    if len(template) > LIMIT:
        raise TextError(f"the text has more than {LIMIT} characters")
    mistakes = _unfit(template, _sandbox.parse(template))
    if mistakes:
        raise TextError(mistakes[0][1])
    return _sandbox.from_string(template)


def _safe(value: object) -> object:
    """Values from the API are texts and numbers; a long one is cut before a template can multiply it."""
    if isinstance(value, str):
        return value[:LIMIT]
    if isinstance(value, Mapping):
        return {key: _safe(one) for key, one in value.items()}
    return value


def _line_start(template: str, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        offset = template.find("\n", offset) + 1
    return offset


def _offset(template: str, word: str, line: int) -> int:
    found = re.compile(rf"\b{re.escape(word)}\b").search(template, _line_start(template, line))
    return found.start() if found else 0
