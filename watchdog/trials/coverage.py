"""Coverage: which rules, overrides, branches of expressions and routes the rule tests reach."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.notify.routes import Route
from watchdog.rules.expressions.plan import conditions
from watchdog.rules.expressions.plan_text import plan_words
from watchdog.rules.rule import Rule
from watchdog.rules.selector import Selector
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN, Verdicts

#: What can be reached, in the order it is counted: a rule fires, an override covers an entity, a comparison is true and
#: is false, an alert comes to a route.
RULES, OVERRIDES, BRANCHES, ROUTES = KINDS = ("rules", "overrides", "branches", "routes")


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to reach. `place` is file:line; `what` says what no test does. Units are the same by kind and key."""

    kind: str
    key: tuple[object, ...]
    place: str = field(compare=False)
    name: str = field(compare=False)
    what: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything that could be reached, and what was."""

    units: tuple[Unit, ...]
    reached: frozenset[Unit]

    @property
    def share(self) -> float:
        """From 0 to 1; 1 where there is nothing to reach."""
        return len(self.reached) / len(self.units) if self.units else 1.0

    def counts(self, kind: str) -> tuple[int, int]:
        """How many of a kind were reached, of how many."""
        units = [one for one in self.units if one.kind == kind]
        return sum(one in self.reached for one in units), len(units)

    @property
    def missed(self) -> list[Unit]:
        """What no test reaches. A rule that is in no test is named once, without its overrides and branches."""
        missed = [one for one in self.units if one not in self.reached]
        seen = {one.key[0] for one in self.reached}
        unseen = {one.key[0] for one in missed if one.kind == RULES and one.key[0] not in seen}
        return [one for one in missed if one.kind == RULES or one.key[0] not in unseen]


class Observer:
    """Collects what the polls of rule tests reach, by kind and key."""

    def __init__(self) -> None:
        self.keys: set[tuple[str, tuple[object, ...]]] = set()

    def after_poll(self, engine: Engine) -> None:
        """Look at what a poll found."""
        if engine.evaluation is None:
            return
        for verdicts in engine.evaluation.verdicts.values():
            self._observe(verdicts)
        routes = engine.policy.routing.at(engine.evaluation.at)
        for episode in engine.records.open_episodes():
            rule = engine.policy.by_name.get(episode.alert.rule)
            if rule is not None:
                self._reach(RULES, _of_rule(rule))
            for route in routes:
                if route.where.matches(episode.facts.labels):
                    self._reach(ROUTES, _of_route(route))
                    if not route.continue_:
                        break

    def covered(self, policy: Policy) -> Coverage:
        """What of a configuration was reached."""
        units = tuple(_units(policy))
        return Coverage(units, frozenset(one for one in units if (one.kind, one.key) in self.keys))

    def _observe(self, verdicts: Verdicts) -> None:
        rule, key = verdicts.rule, _of_rule(verdicts.rule)
        for position, row in enumerate(verdicts.rows):
            if not verdicts.observed[position]:
                continue
            variant = int(verdicts.variant[position])
            if variant and verdicts.truth[position] != UNKNOWN:
                self._reach(OVERRIDES, (*key, variant))
            for clear in (False, True):
                for number, truth in enumerate(verdicts.explain.conditions(int(row), clear=clear)):
                    self._reach(BRANCHES, (*key, clear, number, truth))
        if not all(one.terms.enabled for one in rule.overrides):
            for entity in verdicts.table.entities:
                labels = {"id": entity.key.id, **entity.labels}
                matching = (n for n, one in enumerate(rule.overrides, 1) if one.where.matches(labels))
                first = next(matching, 0) if rule.where.matches(labels) else 0
                if first and not rule.variants[first].enabled:
                    self._reach(OVERRIDES, (*key, first))

    def _reach(self, kind: str, key: tuple[object, ...]) -> None:
        self.keys.add((kind, key))


def rule_paths(policies: Sequence[Policy], configured: Path) -> list[Path]:
    """The rule files and folders that tests with these policies are about: the configured one where they use it, else
    the folder of what they use. Files in folders called tests are the tests' own."""
    files = {Path(os.path.realpath(name)) for policy in policies for name in policy.sources}
    files = {file for file in files if "tests" not in file.parts[:-1]}
    home = Path(os.path.realpath(configured))
    inside = {file for file in files if file == home or home in file.parents}
    paths = [configured] if inside else []
    others = [str(file.parent) for file in files - inside]
    return [*paths, Path(os.path.commonpath(others))] if others else paths


def _units(policy: Policy) -> Iterator[Unit]:
    for rule in policy.rules:
        if any(terms.enabled for terms in rule.variants):
            yield from _units_of(rule)
    for route in policy.routes:
        words = f"route {{{_where(route.where)}}}" if route.where.items else "last route"
        file, line, _ = route.place.rsplit(":", 2)
        yield Unit(ROUTES, _of_route(route), f"{file}:{line}", words, "no alert of a test comes here")


def _units_of(rule: Rule) -> Iterator[Unit]:
    key = _of_rule(rule)
    yield Unit(RULES, key, rule.place, rule.name, "fires in no test")
    for variant, override in enumerate(rule.overrides, 1):
        covers = f"override {{{_where(override.where)}}}: covers no entity of a test"
        yield Unit(OVERRIDES, (*key, variant), rule.place, rule.name, covers)
    for clear, expression in ((False, rule.expr), (True, rule.clear)):
        for number, condition in enumerate(conditions(expression.plan) if expression is not None else ()):
            for truth, word in ((TRUE, "true"), (FALSE, "false")):
                never = f"{'clear' if clear else 'expr'}: {plan_words(condition)} is never {word}"
                yield Unit(BRANCHES, (*key, clear, number, truth), rule.place, rule.name, never)


def _of_rule(rule: Rule) -> tuple[object, ...]:
    return (f"{os.path.realpath(rule.place.rpartition(':')[0])} {rule.name}",)


def _of_route(route: Route) -> tuple[object, ...]:
    file, line, column = route.place.rsplit(":", 2)
    return (os.path.realpath(file), line, column)


def _where(where: Selector) -> str:
    return ", ".join(f"{label}: {items[0] if len(items) == 1 else list(items)}" for label, items in where.items.items())
