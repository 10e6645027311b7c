"""Scenario files: an incident told in YAML, checked as a whole, every mistake with its place.

    name: a task fails
    sources: 12            # of the generated fleet; seed: 1
    speed: 1               # scenario seconds per second of the clock
    dialect: {shape: B}    # see Dialect
    events:
      - {at: 20s, until: 90s, do: lag, entity: prod-orders, to: 15m, over: 30s}
      - {at: 30s, until: 40s, do: api_fault, path: "/sources/metrics", status: 503}

`entity` is a name, `kind/name`, an id, a glob (`prod-*`) or a list of these. `do` is one of DOINGS or `api_fault`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from watchdog.errors import ConfigError, Mistake
from watchdog.simulator.dialect import WORDS, Dialect
from watchdog.simulator.faults import BODIES, Kind
from watchdog.simulator.incidents import DOINGS, FOREVER
from watchdog.simulator.scenario import API_FAULT, Event, Scenario
from watchdog.simulator.scenario_values import (
    BadValueError,
    above_zero,
    choice,
    duration,
    flag,
    name_list,
    read_arg,
    text,
    what_is,
    whole,
)

_TOP = ("name", "description", "seed", "sources", "speed", "dialect", "events")
_EVENT = ("at", "until", "do", "entity")


def load_scenario(path: Path | str) -> Scenario:
    """Reads a file. Raises ConfigError with every mistake, one a line."""
    try:
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    return parse_scenario(content, str(path))


def parse_scenario(content: str, file: str = "scenario.yaml") -> Scenario:
    """As `load_scenario`, from text; `file` is its name in mistakes."""
    return _Reader(file).read(content)


def builtin_scenario(name: str) -> Scenario:
    """A scenario that comes with the product: `demo`."""
    source = files(__package__).joinpath("scenarios", f"{name}.yaml")
    if not source.is_file():
        raise ConfigError(f"there is no built-in scenario {name!r}; there is demo")
    return parse_scenario(source.read_text(encoding="utf-8"), f"{name}.yaml")


class _Reader:
    """Reads one file, collecting mistakes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []

    def read(self, content: str) -> Scenario:
        try:
            node = yaml.compose(content, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise ConfigError(f"{self.file}:{line}:{column}: is not YAML: {error.problem}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{self.file}:1:1: is not YAML: {error}") from error
        for alias in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(alias, yaml.AliasEvent):
                self._add(alias, "aliases are not read here; write the value again")
        found: dict[str, Any] = {}
        events: list[Event] = []
        for key, value in self._entries(node, _TOP, "a scenario is a map").items():
            if key == "events":
                for item in self._items(value):
                    self._event(item, events)
            elif key == "dialect":
                found[key] = self._dialect(value)
            else:
                convert = {"seed": whole, "sources": whole, "speed": above_zero}.get(key, text)
                found[key] = self._convert(value, convert)
        if self.mistakes:
            raise ConfigError("\n".join(map(str, sorted(self.mistakes))))
        return Scenario(**found, events=tuple(events))

    def _event(self, node: yaml.Node, events: list[Event]) -> None:
        nodes = self._entries(node, None, "an event is a map, e.g. {at: 20s, until: 90s, do: lag, entity: prod-orders}")
        if not nodes:
            return
        do = self._convert(nodes["do"], text) if "do" in nodes else None
        known = [*DOINGS, API_FAULT]
        if do is None:
            self._add(node, f"`do` is missing; {choice('', known)}")
            return
        if do not in known:
            self._add(nodes["do"], f"unknown `do: {do}`; {choice(str(do), known)}")
            return
        at = None
        if "at" in nodes:
            at = self._convert(nodes["at"], duration)
        else:
            self._missing(node, "at", "when it begins, e.g. 20s")
        until = self._convert(nodes["until"], duration) if "until" in nodes else FOREVER
        if at is not None and until is not None and until <= at and do != "appear":
            self._add(nodes["until"], f"`until` ({until:g}s) is not after `at` ({at:g}s)")
        args: dict[str, Any] = {}
        if do == API_FAULT:
            args = self._fault(node, nodes)
            place, names = nodes.get("ids", node), args.pop("ids", None)
        else:
            args = self._args(node, nodes, str(do))
            place, names = nodes.get("entity", node), None
            if "entity" in nodes:
                names = self._convert(nodes["entity"], name_list)
            else:
                self._missing(node, "entity", f"the name of a {' or '.join(sorted(DOINGS[str(do)].kinds))}")
        where = Mistake(self.file, place.start_mark.line + 1, place.start_mark.column + 1, "")
        events.append(Event(str(do), tuple(names or ()), at or 0.0, FOREVER if until is None else until, args, where))

    def _args(self, node: yaml.Node, nodes: Mapping[str, yaml.Node], do: str) -> dict[str, Any]:
        doing = DOINGS[do]
        args: dict[str, Any] = {}
        for key, value in nodes.items():
            if key in _EVENT:
                continue
            if key not in doing.args:
                self._add(self._key(node, key), f"`{do}` knows no {key!r}; {choice(key, [*_EVENT, *doing.args])}")
                continue
            args[key] = self._convert(value, lambda found, key=key: read_arg(found, doing.args[key]))
        for key in sorted(doing.required - nodes.keys()):
            self._missing(node, key, f"{doing.args[key]}")
        return args

    def _fault(self, node: yaml.Node, nodes: Mapping[str, yaml.Node]) -> dict[str, Any]:
        readers = {
            "path": text, "method": text, "kind": text, "status": whole, "detail": text, "body": text,
            "retry_after": text, "delay": duration, "times": whole, "after": whole, "size": whole, "location": text,
            "ids": name_list,
        }  # fmt: skip
        found: dict[str, Any] = {}
        for key, value in nodes.items():
            if key in ("do", "at", "until"):
                continue
            if key not in readers:
                what = f"`{API_FAULT}` knows no {key!r}; {choice(key, ['at', 'until', *readers])}"
                self._add(self._key(node, key), what)
                continue
            found[key] = self._convert(value, readers[key])
            if key in ("kind", "body") and found[key] is not None:
                self._one_of(value, key, found[key], BODIES if key == "body" else [kind.value for kind in Kind])
        return found

    def _dialect(self, node: yaml.Node) -> Dialect:
        found: dict[str, Any] = {}
        known = [entry.name for entry in fields(Dialect)]
        for key, value in self._entries(node, known, "a dialect is a map, e.g. {shape: B}").items():
            found[key] = self._convert(value, text if key in WORDS else flag)
            if key in WORDS and found[key] is not None:
                self._one_of(value, key, found[key], WORDS[key])
        return Dialect() if self.mistakes else Dialect(**found)

    # Nodes

    def _one_of(self, node: yaml.Node, key: str, found: str, allowed: Sequence[str]) -> None:
        if found not in allowed:
            self._add(node, f"unknown {key} {found!r}; {choice(found, allowed)}")

    def _entries(self, node: yaml.Node | None, known: Sequence[str] | None, otherwise: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._add(node, f"{otherwise}; found {what_is(node)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if known is not None and name not in known:
                self._add(key, f"unknown key {name!r}; {choice(name, known)}")
            elif name in found:
                self._add(key, f"{name!r} is said twice; keep one")
            else:
                found[name] = value
        return found

    def _items(self, node: yaml.Node) -> Iterable[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._add(node, f"events are a list; found {what_is(node)}")
        return []

    def _key(self, node: yaml.Node, name: str) -> yaml.Node:
        found: yaml.Node = next(key for key, _ in node.value if key.value == name)
        return found

    def _convert(self, node: yaml.Node, convert: Any) -> Any:
        try:
            return convert(node)
        except BadValueError as wrong:
            self._add(node, str(wrong))
        return None

    def _missing(self, node: yaml.Node, key: str, what: str) -> None:
        self._add(node, f"`{key}` is missing: {what}")

    def _add(self, node: yaml.Node | yaml.Event | None, what: str) -> None:
        mark = node.start_mark if node is not None else None
        self.mistakes.append(Mistake(self.file, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, what))
