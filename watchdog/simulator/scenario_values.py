"""Values in a scenario file: one YAML node to a number, a duration, a text; or what was found and would be accepted."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Any

import yaml

from watchdog.simulator.incidents import Arg
from watchdog.units import parse_duration

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_OUTCOMES = ("completed", "failed", "hanging", "cancelled")


class BadValueError(ValueError):
    """A value that is not what it should be; its text says both."""


def choice(found: str, among: Iterable[str]) -> str:
    """What would be accepted: the nearest word, or all of them."""
    known = list(among)
    near = difflib.get_close_matches(found, known, 1) if found else []
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(known[:24]) + (f" and {len(known) - 24} more" if len(known) > 24 else "")
    return f"write one of {shown}" if known else "there is none"


def what_is(node: yaml.Node | None) -> str:
    """A node as a mistake names it."""
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a map" if isinstance(node, yaml.MappingNode) else "a list" if node else "nothing"


def text(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.value:
        return str(node.value)
    raise BadValueError(f"{what_is(node)} is not a text")


def number(node: yaml.Node) -> float:
    if isinstance(node, yaml.ScalarNode) and _NUMBER.fullmatch(node.value) and math.isfinite(float(node.value)):
        return float(node.value)
    raise BadValueError(f"{what_is(node)} is not a number")


def above_zero(node: yaml.Node) -> float:
    found = number(node)
    if found <= 0:
        raise BadValueError(f"{what_is(node)} is not above 0")
    return found


def whole(node: yaml.Node) -> int:
    if isinstance(node, yaml.ScalarNode) and re.fullmatch(r"[0-9]{1,12}", node.value):
        return int(node.value)
    raise BadValueError(f"{what_is(node)} is not a whole number of 0 or more")


def duration(node: yaml.Node) -> float:
    """Seconds; a plain 0 needs no unit."""
    if isinstance(node, yaml.ScalarNode) and node.value == "0":
        return 0.0
    try:
        return parse_duration(node.value if isinstance(node, yaml.ScalarNode) else "")
    except ValueError:
        expected = "write a number and ms, s, m, h or d, e.g. 90s"
        raise BadValueError(f"{what_is(node)} is not a duration; {expected}") from None


def flag(node: yaml.Node) -> bool:
    if isinstance(node, yaml.ScalarNode) and node.value in ("true", "false"):
        return bool(node.value == "true")
    raise BadValueError(f"{what_is(node)} is neither true nor false")


def name_list(node: yaml.Node) -> list[str]:
    """One text, or a list of texts."""
    found = [text(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else [text(node)]
    if not found:
        raise BadValueError("the list is empty; write at least one name")
    return found


def scalar(node: yaml.Node) -> float | str | bool | None:
    """As JSON would have it; what is quoted is a text."""
    if not isinstance(node, yaml.ScalarNode):
        raise BadValueError(f"{what_is(node)} is not a single value; write {Arg.SCALAR}")
    value = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return value
    if value in ("null", "~", ""):
        return None
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"[-+]?[0-9]+", value):
        return int(value)
    return float(value) if _NUMBER.fullmatch(value) else value


def read_arg(node: yaml.Node, arg: Arg) -> Any:
    """An incident's argument as the world takes it."""
    if arg is Arg.OUTCOME:
        found = text(node)
        if found not in _OUTCOMES:
            raise BadValueError(f"{found!r} is not an outcome; {choice(found, _OUTCOMES)}")
        return found
    if arg is Arg.DURATION_OR_NUMBER:
        if isinstance(node, yaml.ScalarNode) and _NUMBER.fullmatch(node.value):
            return float(node.value)
        return 1000 * duration(node)
    return {
        Arg.DURATION: duration, Arg.NUMBER: number, Arg.WHOLE: whole, Arg.TEXT: text, Arg.FLAG: flag,
        Arg.SCALAR: scalar, Arg.TEXTS: name_list,
    }[arg](node)  # fmt: skip
