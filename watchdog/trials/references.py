"""Names in a rule test: entities as people write them, rules, receivers and metrics; an unknown one is a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from watchdog.configuration.fields import Fields
from watchdog.configuration.rules import RESERVED
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError
from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import LABELS, Entity, EntityKey, Kind
from watchdog.rules.rule import Rule
from watchdog.spelling import did_you_mean

#: So many candidates are listed where nothing like a name is there.
_FEW = 10


class UnknownEntityError(ConfigError):
    """No entity, or more than one, is called so; the text lists the candidates."""


def names_of(entity: Entity) -> set[str]:
    """Everything an entity may be called."""
    key, name = entity.key, entity.name
    kinds = {str(key.kind), str(entity.labels.get("kind", key.kind))}
    if key.kind in (Kind.SOURCE, Kind.DESTINATION):
        kinds.add("connector")
    found = {name, key.id}
    return found | {f"{kind}/{one}" for kind in kinds for one in found}


def resolve(text: str, entities: Iterable[Entity], kind: Kind | None = None) -> Entity:
    """The entity that `text` names; `kind` narrows the choice. Raises UnknownEntityError with candidates otherwise."""
    among = [one for one in entities if kind is None or one.key.kind is kind or _is_connector(one, kind)]
    by_id = [one for one in among if text in (one.key.id, str(one.key))]
    found = by_id or [one for one in among if text in names_of(one)]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = ", ".join(sorted(f"{one.key.kind}/{one.name} ({one.key.id})" for one in found))
        raise UnknownEntityError(f"'{text}' may be any of these: {candidates}; write the kind in front, or the id")
    hint = did_you_mean(text, sorted({one.name for one in among}))
    if not hint and 0 < len(among) <= _FEW:
        hint = f"; there are {', '.join(sorted(f'{one.key.kind}/{one.name}' for one in among))}"
    hint = hint or "; write [kind/]name[/task-or-topic], or the id"
    raise UnknownEntityError(f"no entity is called '{text}'{hint}")


def _is_connector(entity: Entity, kind: Kind) -> bool:
    return kind is Kind.CONNECTOR and entity.key.kind in (Kind.SOURCE, Kind.DESTINATION)


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
