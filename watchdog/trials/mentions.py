"""Mentions: the names a rule test uses, looked up among what it and its rules have; an unknown one is a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from watchdog.configuration.fields import Fields
from watchdog.configuration.rules import RESERVED
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError
from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import LABELS, Entity, EntityKey
from watchdog.readings.naming import resolve
from watchdog.rules.rule import Rule
from watchdog.spelling import did_you_mean


class Mentions:
    """What one test may name. `policies` are all it runs, those of its reloads too; `whole` is False where a mistake
    left some entity out, so that not knowing a name proves nothing."""

    def __init__(self, entities: Sequence[Entity], policies: Iterable[Policy], *, whole: bool) -> None:
        self._entities = entities
        self._whole = whole
        self._rules: dict[str, list[Rule]] = {}
        self._receivers: set[str] = set()
        for policy in policies:
            self._receivers |= policy.receivers.keys()
            for rule in policy.rules:
                self._rules.setdefault(rule.name, []).append(rule)

    def entity(self, fields: Fields) -> EntityKey | None:
        text = fields.text("entity")
        if text is None:
            return None
        try:
            return resolve(text, self._entities).key
        except ConfigError as cause:
            if self._whole:
                fields.wrong("entity", f"entity: {cause}")
            return None

    def rule(self, fields: Fields) -> str | None:
        return self._known(fields, "alert", "rule", self._rules.keys())

    def receiver(self, fields: Fields, key: str) -> str | None:
        return self._known(fields, key, "receiver", self._receivers)

    def receivers(self, fields: Fields, key: str) -> frozenset[str] | None:
        """A list of receivers, each of which there has to be."""
        texts = fields.texts(key, single=True)
        for name, place in texts or ():
            if name not in self._receivers:
                fields.mistakes.append(place.mistake(_unknown(key, name, "receiver", self._receivers)))
        return None if texts is None else frozenset(name for name, _ in texts)

    @property
    def labels(self) -> frozenset[str]:
        """Every label an alert of these rules may have."""
        own = (terms.labels for rules in self._rules.values() for rule in rules for terms in rule.variants)
        return frozenset((*RESERVED, *(label for some in (*LABELS.values(), *own) for label in some)))

    def metric_hint(self, metric: str) -> str:
        """What is odd about a metric's name; "" where the rules or the catalogue know it."""
        exprs = [one for rules in self._rules.values() for rule in rules for one in (rule.expr, rule.clear) if one]
        read = {name for expr in exprs for _, name in expr.metrics}
        if metric in read or metric in CATALOGUE:
            return ""
        hint = did_you_mean(metric, read) or did_you_mean(metric, list(CATALOGUE))
        return f"metric: no rule of this test reads '{metric}', and the catalogue does not know it{hint}"

    def _known(self, fields: Fields, key: str, what: str, known: Collection[str]) -> str | None:
        name = fields.text(key)
        if name is not None and name not in known:
            fields.wrong(key, _unknown(key, name, what, known))
            return None
        return name


def _unknown(key: str, name: str, what: str, known: Collection[str]) -> str:
    hint = did_you_mean(name, known) or f"; there are {', '.join(sorted(known))}"
    if not known:
        hint = f"; they have no {what} at all: name the file that has it under 'rules:'"
    return f"{key}: the rules of this test have no {what} '{name}'{hint}"
