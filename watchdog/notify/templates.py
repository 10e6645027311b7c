"""Texts: the templates of rules, sandboxed and bounded. A broken one spoils its own message, never the sending."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache, wraps
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchdog.errors import TextError
from watchdog.notify.template_errors import broken
from watchdog.notify.template_values import Instant, Number, Worded, seconds_of
from watchdog.notify.truncation import cut
from watchdog.units import format_bytes, format_duration, format_number

__all__ = ["FILTERS", "LIMIT", "NAMES", "Instant", "Number", "Worded", "check", "readings_of", "render"]

#: Bytes a template may have, and characters what it makes.
LIMIT = 4096
#: Python compiles what Jinja makes of a template, and has limits of its own.
_TOO_DEEP = (RecursionError, SyntaxError, MemoryError)
#: Names every template may use, besides the alert's labels.
NAMES = ("value", "reason", "params", "readings", "since", "duration", "severity", "links", "trend")
_LINKS = ("entity", "alert")
#: What a text needs; loops, macros, blocks and includes are not among it.
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Filter, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg,
    nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.Test,
    nodes.Keyword,
)  # fmt: skip
#: How the others are written, where that is not what they are called.
_WRITTEN = {"assign": "set", "assignblock": "set", "callblock": "call", "filterblock": "filter", "fromimport": "from",
            "pow": "**", "list": "[…]", "dict": "{…}", "tuple": "(…)", "slice": "[…:…]"}  # fmt: skip


def _words(value: Any, form: Callable[[Any], str]) -> str:
    """A filter's answer: texts stay what they are, nothing is unknown."""
    return value if isinstance(value, str) else "unknown" if value is None else form(value)


def _duration(value: Any) -> str:
    return _words(value, lambda number: format_duration(seconds_of(number)))


def _number(value: Any) -> str:
    return _words(value, lambda number: format_number(float(number)))


def _bytes(value: Any) -> str:
    return _words(value, lambda number: format_bytes(float(number)))


def _percent(value: Any) -> str:
    return _words(value, lambda number: format_number(float(f"{float(number) * 100:.3g}")) + "%")


def _ago(value: Any) -> str:
    return _words(value, lambda number: format_duration(seconds_of(number)) + " ago")


def _round(value: float, digits: int = 0) -> Number:
    return Number(round(float(value), digits), getattr(value, "unit", ""))


def _int(value: float) -> Number:
    return Number(int(value), getattr(value, "unit", ""))


FILTERS = ("duration", "number", "bytes", "percent", "ago")
#: Filters of the template language that are of use in a text.
_PLAIN_FILTERS = ("default", "d", "lower", "upper", "title", "capitalize", "trim", "abs", "length", "first", "last",
                  "join", "replace", "truncate", "string", "float")  # fmt: skip
_PLAIN_TESTS = ("defined", "undefined", "none", "number", "string", "even", "odd", "in", "eq", "ne", "lt", "le", "gt",
                "ge", "==", "!=", "<", "<=", ">", ">=", "true", "false")  # fmt: skip


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, neither given nor giving more than a text may hold: `replace` upon `replace` grows without end."""

    @wraps(function)
    def bounded(*arguments: Any, **named: Any) -> Any:
        made = function(*(_limited(one) for one in arguments), **named)
        return _limited(made)

    return bounded


def _limited(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LIMIT:
        raise SecurityError(f"a part of the text grows beyond {LIMIT} characters")
    return value


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "%", "+"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in ("*", "%") and not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"'{operator}' is for numbers only")
        return _limited(super().call_binop(context, operator, left, right))


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=_finished)
    ours = {"duration": _duration, "number": _number, "bytes": _bytes, "percent": _percent, "ago": _ago}
    plain = {name: _bounded(environment.filters[name]) for name in _PLAIN_FILTERS}
    environment.filters = {**plain, "round": _round, "int": _int, **ours}
    environment.tests = {name: environment.tests[name] for name in _PLAIN_TESTS}
    environment.globals.clear()
    return environment


def _finished(value: Any) -> Any:
    """What is printed: nothing is unknown, and a float has no noise."""
    return "unknown" if value is None else format_number(value) if type(value) is float else value


_sandbox = _environment()


class _Parts:
    """What a name with parts holds (`params.limit`). It has no attributes, so that `params.items` is the param."""

    __slots__ = ("_lenient", "_parts")

    def __init__(self, parts: Mapping[Any, object], *, lenient: bool) -> None:
        self._parts = parts
        self._lenient = lenient

    def __getitem__(self, name: str) -> object:
        return self._parts.get(name) if self._lenient else self._parts[name]

    def __str__(self) -> str:
        return ", ".join(f"{name}={_finished(value)}" for name, value in self._parts.items())


def check(template: str, labels: Collection[str], *, params: Collection[str] | None = ()) -> list[tuple[int, str]]:
    """What is wrong with a template, as (offset in characters, message); `labels` and `params` may be named in it, any
    params where it is not known which there are (None)."""
    size = len(template.encode())
    if size > LIMIT:
        return [(min(len(template), LIMIT), f"the text has {size} bytes; {LIMIT} (4 KiB) are the most")]
    try:
        tree = _sandbox.parse(template)
        found = [*_unfit(template, tree), *_misnamed(template, tree, {*labels, *NAMES}, params)]
        if not found:
            _compiled(template)
            found = list(_never_rendered(template, tree))
    except TemplateSyntaxError as cause:
        return [broken(template, cause)]
    except _TOO_DEEP:
        return [(0, "the template is nested too deeply; write it flatter")]
    except (TemplateError, TextError, ArithmeticError, TypeError, ValueError) as cause:
        return [(0, f"the template is broken: {cause}")]
    return found


def readings_of(template: str) -> list[tuple[int, str]]:
    """The metrics a fit template names below `readings`, with the offset of each."""
    found = []
    for node in _sandbox.parse(template).find_all((nodes.Getattr, nodes.Getitem)):
        part = node.attr if isinstance(node, nodes.Getattr) else getattr(getattr(node, "arg", None), "value", None)
        whole = getattr(node, "node", None)
        if isinstance(whole, nodes.Name) and whole.name == "readings" and isinstance(part, str):
            found.append((_offset(template, part, node.lineno), part))
    return found


def _unfit(template: str, tree: nodes.Template) -> list[tuple[int, str]]:
    """What a text may not hold, whatever its names mean."""
    found: list[tuple[int, str]] = []
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Call):
            name = getattr(node.node, "attr", getattr(node.node, "name", ""))
            what = "nothing is called with brackets in a text; write a filter, e.g. {{ name | upper }}"
            found.append((_offset(template, name, node.lineno), what))
        elif not isinstance(node, _ALLOWED):
            kind = type(node).__name__.lower()
            what = f"'{_WRITTEN.get(kind, kind)}' is not allowed in a text, as loops are not; write if and filters"
            found.append((_begin(template, node.lineno), what))
        elif isinstance(node, nodes.Filter) and node.name not in _sandbox.filters:
            offset = _offset(template, node.name, node.lineno)
            found.append((offset, f"unknown filter '{node.name}'; there are {', '.join(FILTERS)}"))
        elif isinstance(node, nodes.Filter) and node.name in FILTERS and (node.args or node.kwargs):
            offset = _offset(template, node.name, node.lineno)
            found.append((offset, f"the filter '{node.name}' takes nothing in brackets; write | {node.name}"))
        elif isinstance(node, nodes.Test) and node.name not in _sandbox.tests:
            offset = _offset(template, node.name, node.lineno)
            found.append((offset, f"unknown test '{node.name}'; compare with == or >, or write 'is none'"))
    return found


class _Anything(Mapping[Any, object]):
    """A sample of readings or params: every name is there, with the same value."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __getitem__(self, name: object) -> object:
        return self._value

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return ""


def _never_rendered(template: str, tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Expressions that fail whatever the alert: with numbers, with texts, and with nothing known."""
    samples = [_sample(value, tree) for value in (Number(7.25, "s"), Number(-3.5, ""), "some text", None)]
    for output in tree.find_all(nodes.Output):
        for one in output.nodes:
            if isinstance(one, nodes.TemplateData | nodes.Const | nodes.Name):
                continue
            alone = nodes.Template([nodes.Output([one], lineno=one.lineno)], lineno=one.lineno)
            alone.set_environment(_sandbox)
            failures = [failure for sample in samples if (failure := _failure(alone, sample))]
            if len(failures) == len(samples):
                yield _begin(template, one.lineno), f"this can never be rendered: {failures[0]}"
                return
    failures = [failure for sample in samples if (failure := _failure(tree, sample))]
    if len(failures) == len(samples):  # a condition, not an expression that is printed
        yield _begin(template, 1), f"this can never be rendered: {failures[0]}"


def _sample(value: object, tree: nodes.Template) -> dict[str, object]:
    text: dict[str, object] = dict.fromkeys(meta.find_undeclared_variables(tree), "some text")
    return text | {
        "value": value, "params": _Anything(value), "readings": _Anything(value), "since": Instant(1e9, 2e9),
        "duration": Number(60.5, "s"), "links": _Anything("https://example.org"),
    }  # fmt: skip


def _failure(tree: nodes.Template, names: Mapping[str, object]) -> str:
    try:
        _sandbox.from_string(tree).render(dict(names))
    except (TemplateError, ArithmeticError, AssertionError, TypeError, ValueError, LookupError) as cause:
        return str(cause)
    return ""


def _misnamed(
    template: str, tree: nodes.Template, known: Collection[str], params: Collection[str] | None
) -> list[tuple[int, str]]:
    """Names nothing has, and parts of names that have none."""
    found = []
    parts: dict[str, Collection[str] | None] = {"params": params, "links": _LINKS, "readings": None}
    called = {id(node.node) for node in tree.find_all(nodes.Call)}  # refused as a whole
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if id(node) in called:
            continue
        part = node.attr if isinstance(node, nodes.Getattr) else getattr(getattr(node, "arg", None), "value", None)
        whole = getattr(node, "node", None)
        base = whole.name if isinstance(whole, nodes.Name) else ""
        if base in parts:
            accepted = parts[base]
            if accepted is not None and isinstance(part, str) and part not in accepted:
                offset = _offset(template, part, node.lineno)
                found.append((offset, f"{base} has no '{part}'; there are {', '.join(accepted) or 'none'}"))
        elif isinstance(node, nodes.Getattr) and (base in known or not base):
            what = f"'{base or 'this'}' has no parts; params, readings and links have"
            found.append((_offset(template, node.attr, node.lineno), what))
    written = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}  # refused, but not for its name
    for node in tree.find_all(nodes.Name):
        if node.name not in known and node.name not in written and id(node) not in called:
            hint = difflib.get_close_matches(node.name, known, 1)
            accepted = f"did you mean '{hint[0]}'?" if hint else f"there are {', '.join(sorted(known))}"
            what = f"nothing is called '{node.name}' here; {accepted}"
            found.append((_offset(template, node.name, node.lineno), what))
    return list(dict.fromkeys(found))


def render(template: str, names: Mapping[str, object]) -> str:
    """The text of a template, cut to LIMIT at a word with "…"; raises TextError that says what is wrong.

    A name that is not given is a label the alert does not have: "". A reading that is not given is unknown.
    """
    if "{" not in template:
        return cut(template, LIMIT)
    try:
        compiled, used = _compiled(template)
        made = compiled.render({name: _safe(name, names.get(name, "")) for name in used})
    except TextError:
        raise
    except TemplateError as cause:
        raise TextError(str(cause)) from cause
    except _TOO_DEEP as cause:
        raise TextError("the template is nested too deeply") from cause
    except (ArithmeticError, AssertionError, TypeError, ValueError, LookupError) as cause:
        raise TextError(f"{type(cause).__name__}: {cause}") from cause
    return cut(made.strip(), LIMIT)


@lru_cache(maxsize=1024)
def _compiled(template: str) -> tuple[Template, frozenset[str]]:
    """A template that is fit, and the names it uses."""
    if len(template.encode()) > LIMIT:
        raise TextError(f"the text has more than {LIMIT} bytes")
    tree = _sandbox.parse(template)
    mistakes = _unfit(template, tree)
    if mistakes:
        raise TextError(mistakes[0][1])
    return _sandbox.from_string(template), frozenset(meta.find_undeclared_variables(tree))


def _safe(name: str, value: object) -> object:
    """Values from the API are texts and numbers; a long one is cut before a template can multiply it."""
    if isinstance(value, str):
        return value[:LIMIT]
    if isinstance(value, Mapping):
        return _Parts({key: _safe(name, one) for key, one in value.items()}, lenient=name == "readings")
    return value


def _line_start(template: str, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        offset = template.find("\n", offset) + 1
    return offset


def _begin(template: str, line: int) -> int:
    """Where the first expression or tag of a line begins."""
    start = _line_start(template, line)
    found = re.compile(r"\{[{%]").search(template, start)
    return found.start() if found else start


def _offset(template: str, word: str, line: int) -> int:
    """Where a name or text stands in the expressions of a template, from a line on."""
    position = 0
    for number, kind, value in _sandbox.lex(template):
        at = template.find(value, position)
        if at < 0:
            continue
        if number >= line and (value == word or (kind == "string" and value[1:-1] == word)) and kind != "data":
            return at
        position = at + len(value)
    return _line_start(template, line)
