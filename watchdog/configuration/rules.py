"""Reading rules: one entry of `rules:` to a Rule, or its mistakes."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from watchdog.configuration.fields import Fields, expected, hidden, in_text, is_nothing
from watchdog.configuration.metric_warnings import elsewhere, unseen
from watchdog.configuration.params import quantity
from watchdog.configuration.places import Mapping, Node, Place, Scalar
from watchdog.configuration.where import Labels, read_where
from watchdog.errors import ExpressionError, Mistake
from watchdog.notify import templates
from watchdog.readings.fleet import LABELS, Kind
from watchdog.rules.expressions import Expression, article, param_mistake, syntax_of
from watchdog.rules.rule import UNREADABLE, Flapping, NoData, Override, Quantity, Rule, Severity, Terms
from watchdog.rules.selector import Selector
from watchdog.spelling import did_you_mean

#: A template may make the whole of it; what it makes is checked again before it is shown.
_LINK = re.compile(r"\s*(https?://|\{\{)", re.IGNORECASE)
_TERMS = ("params", "for", "keep_firing_for", "severity", "no_data", "labels", "enabled")
_DEFAULTS = ("for", "keep_firing_for", "severity", "no_data", "labels", "annotations", "flapping", "enabled")
_KEYS = ("alert", "each", "where", "expr", "clear", "params", "overrides", "for", "keep_firing_for", "no_data",
         "severity", "flapping", "labels", "annotations", "suppresses", "enabled")  # fmt: skip
#: Labels every alert gets by itself.
RESERVED = ("alertname", "severity", "flapping")
_RULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]*\Z")
_WORD = re.compile(r"\w+")
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What `defaults:` of a file says for its rules."""

    terms: Terms = field(default_factory=Terms)
    annotations: dict[str, Node] = field(default_factory=dict)
    flapping: Flapping | None = field(default_factory=Flapping)
    labels_at: dict[str, Place] = field(default_factory=dict)
    labels_unread: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that was read, where its parts stand (for mistakes found only among all files), and its warnings."""

    rule: Rule
    suppresses_at: tuple[Place, ...] = ()


@dataclass(slots=True)
class RuleReader:
    """Reads the rules of one file. `seen` are metrics some poll has had, beside the catalogue's. `labels_unread`: some
    rule's labels could not be read, so that others than those found may be meant elsewhere."""

    mistakes: list[Mistake]
    warnings: list[Mistake]
    seen: Collection[str] = ()
    labels_unread: bool = False

    def defaults(self, node: Node) -> Defaults:
        if is_nothing(node):
            return Defaults()
        if not isinstance(node, Mapping):
            what = f"defaults: {expected('a mapping', node)}; write e.g. severity: warning below it"
            self.mistakes.append(node.place.mistake(what))
            return Defaults()
        fields = Fields(node, _DEFAULTS, self.mistakes)
        terms = self._terms(fields, Terms(), None, None)
        labels = fields.get("labels")
        at = labels.keys if isinstance(labels, Mapping) else {}
        fields.text_map("annotations")
        texts_at = fields.mapping("annotations")
        annotations = {} if texts_at is None else texts_at.items
        unread = self._labels_are_unread(fields)
        return Defaults(terms, annotations, self._flapping(fields, Flapping()), at, unread)

    def rule(self, node: Mapping, defaults: Defaults) -> Found | None:
        """One rule; None where it has mistakes."""
        before = len(self.mistakes)
        fields = Fields(node, _KEYS, self.mistakes)
        fields.require(alert="SourceLagHigh", each="source", expr="recordsLag > 1000")
        name = fields.text("alert")
        if name is not None and not _RULE_NAME.match(name):
            fields.wrong("alert", f"alert: '{hidden(name)}' cannot be a rule's name; write letters, digits, _ : . or -")
        each = fields.choice("each", Kind)
        every = {one for names in LABELS.values() for one in names}
        labels = Labels(every) if each is None else Labels(LABELS[each], article(each))
        where = Selector() if "where" not in fields else read_where(node.items["where"], labels, self.mistakes)
        terms = self._terms(fields, defaults.terms, each, None)
        if each is not None:
            self._labels_of_defaults(defaults, each)
        fields.text_map("annotations")
        own = fields.mapping("annotations")
        nodes = {**defaults.annotations, **({} if own is None else own.items)}
        annotations = {name: node.text for name, node in nodes.items() if isinstance(node, Scalar)}
        expr = self._expression(fields, "expr", each, terms)
        clear = self._expression(fields, "clear", each, terms)
        unread = self._labels_are_unread(fields) or defaults.labels_unread
        overrides, unread_too = self._overrides(fields, labels, terms, each, [one for one in (expr, clear) if one])
        if each is not None and not (unread or unread_too):  # else what the texts may name is not known
            params = None if fields.unread("params") else terms.params
            self._texts(nodes, each, [terms, *(override.terms for override in overrides)], params)
        suppresses = fields.texts("suppresses") or ()
        flapping = self._flapping(fields, defaults.flapping)
        if len(self.mistakes) > before or name is None or each is None or expr is None:
            return None
        place = node.key("alert")
        rule = Rule(
            name=name,
            each=each,
            expr=expr,
            clear=clear,
            where=where,
            terms=terms,
            overrides=tuple(overrides),
            flapping=flapping,
            annotations=annotations,
            suppresses=tuple(text for text, _ in suppresses),
            place=f"{place.file}:{place.line}",
        )
        return Found(rule, tuple(at for _, at in suppresses))

    # -- parts

    def _terms(self, fields: Fields, base: Terms, each: Kind | None, declared: Collection[str] | None) -> Terms:
        """`base` with what these fields name; maps are merged key by key. `declared`: the only params there may be."""
        for_, keep = fields.duration("for"), fields.duration("keep_firing_for")
        severity, no_data = fields.choice("severity", Severity), fields.choice("no_data", NoData)
        enabled = fields.flag("enabled")
        return replace(
            base,
            params={**base.params, **self._params(fields, declared)},
            for_=base.for_ if for_ is None else for_,
            keep_firing_for=base.keep_firing_for if keep is None else keep,
            severity=severity or base.severity,
            no_data=no_data or base.no_data,
            labels={**base.labels, **self._labels(fields, each)},
            enabled=base.enabled if enabled is None else enabled,
        )

    def _params(self, fields: Fields, declared: Collection[str] | None) -> dict[str, Quantity]:
        node = fields.mapping("params")
        found: dict[str, Quantity] = {}
        for name, value in ({} if node is None else node.items).items():
            assert node is not None
            wrong = param_mistake(name)
            found[name] = UNREADABLE
            if wrong is not None:
                self.mistakes.append(node.keys[name].mistake(f"params: {wrong}"))
            elif declared is not None and name not in declared:
                hint = did_you_mean(name, declared) or f"; the rule has {', '.join(declared) or 'none'}"
                self.mistakes.append(node.keys[name].mistake(f"params: the rule has no param '{name}'{hint}"))
            elif not isinstance(value, Scalar) or is_nothing(value):
                what = f"params.{name}: {expected('a value', value)}; write a number, a duration, a size or a text"
                self.mistakes.append(value.place.mistake(what))
            elif (made := quantity(value)) is None:
                what = f"params.{name}: {expected('a number that can be reckoned with', value)}; write a finite one"
                self.mistakes.append(value.place.mistake(what))
            else:
                found[name] = made
        return found

    def _labels_of_defaults(self, defaults: Defaults, each: Kind) -> None:
        """A label may fit the other rules of a file and still be the entity's own here."""
        for name, place in defaults.labels_at.items():
            if name in LABELS[each]:
                what = f"labels: '{name}' would overwrite the {each}'s own label; choose another name"
                self.mistakes.append(place.mistake(what))

    def _labels_are_unread(self, fields: Fields) -> bool:
        unread = fields.unread("labels")
        self.labels_unread = self.labels_unread or unread
        return unread

    def _labels(self, fields: Fields, each: Kind | None) -> dict[str, str]:
        node = fields.mapping("labels")
        found = fields.text_map("labels")
        for name in list(found):
            assert node is not None
            place = node.keys[name]
            if not _LABEL_NAME.match(name):
                what = f"labels: '{hidden(name)}' is no label name; write letters, digits and _"
                self.mistakes.append(place.mistake(what))
            elif name in RESERVED:
                what = f"labels: '{name}' is set by the watchdog itself; choose another name"
                if name == "severity":
                    what = "labels: 'severity' is a key of the rule; write 'severity: warning' beside 'labels'"
                self.mistakes.append(place.mistake(what))
            elif each is not None and name in LABELS[each]:
                what = f"labels: '{name}' would overwrite the {each}'s own label; choose another name"
                self.mistakes.append(place.mistake(what))
            elif "{{" in found[name] or "{%" in found[name]:
                value = node.items[name]
                what = f"labels.{name}: labels are fixed text, found a template; write it into annotations"
                self.mistakes.append(value.place.mistake(what))
        return found

    def _flapping(self, fields: Fields, base: Flapping | None) -> Flapping | None:
        node = fields.get("flapping")
        if node is None or is_nothing(node):
            return base
        if isinstance(node, Scalar) and node.text == "off":
            return None
        if not isinstance(node, Mapping):
            what = f"flapping: {expected('a mapping', node)}; write {{changes: 6, within: 1h}} or off"
            fields.wrong("flapping", what)
            return base
        inner = Fields(node, ("changes", "within"), self.mistakes)
        flapping = base or Flapping()
        within = inner.duration("within")
        changes = inner.get("changes")
        if changes is not None:
            count = changes.value if isinstance(changes, Scalar) else None
            if isinstance(count, bool) or not isinstance(count, int) or count < 2:
                inner.wrong("changes", f"changes: {expected('a number of changes', changes)}; write 2 or more, e.g. 6")
            else:
                flapping = replace(flapping, changes=count)
        if within is not None:
            if within <= 0:
                inner.wrong("within", "within: has to be longer than nothing, e.g. 1h")
            flapping = replace(flapping, within=within)
        return flapping

    def _expression(self, fields: Fields, key: str, each: Kind | None, terms: Terms) -> Expression | None:
        text, node = fields.text(key), fields.get(key)
        if text is None or not isinstance(node, Scalar):
            return None
        try:
            if each is None:  # what it reads cannot be judged, how it is written can
                syntax_of(text)
                return None
            expression = Expression.parse(text, each=each, params=terms.params)
        except ExpressionError as cause:
            self.mistakes += [in_text(node, at, length, f"{key}: {what}") for at, length, what in cause.mistakes]
            return None
        self._unseen(expression, node, key)
        return expression

    def _unseen(self, expression: Expression, node: Scalar, key: str) -> None:
        """Metrics that are probably misspelled, or another kind's."""
        for kind, metric in sorted(expression.metrics):
            at = re.search(rf"(?<![\w.]){re.escape(metric)}(?!\w)", node.text)
            place = node.place_of(at.start() if at else 0)
            whats = (unseen(metric, self.seen, expression.params), elsewhere(metric, kind))
            self.warnings += [place.mistake(f"{key}: {what}") for what in whats if what]

    def _overrides(
        self, fields: Fields, labels: Labels, terms: Terms, each: Kind | None, expressions: list[Expression]
    ) -> tuple[list[Override], bool]:
        """The overrides of a rule, and whether labels of one could not be read."""
        found, unread = [], False
        for node in fields.mappings("overrides"):
            inner = Fields(node, ("where", *_TERMS), self.mistakes)
            where = Selector()
            if inner.require(where="{name: prod-*}"):
                where = read_where(node.items["where"], labels, self.mistakes)
            merged = self._terms(inner, terms, each, None if fields.unread("params") else terms.params)
            unread = self._labels_are_unread(inner) or unread
            for expression in expressions:
                self._bind(expression, inner, terms, merged)
            found.append(Override(where, merged))
        return found, unread

    def _bind(self, expression: Expression, inner: Fields, terms: Terms, merged: Terms) -> None:
        """An override's params have to fit where the rule's own did; each is tried alone, to name the one."""
        before = len(self.mistakes)
        written = inner.mapping("params")
        names = [] if written is None else list(written.items)
        alone = [name for name in names if merged.params.get(name, UNREADABLE) != UNREADABLE]
        for name in alone if len(alone) > 1 else ():
            self._try(expression, terms, merged, [name], inner)
        if len(self.mistakes) == before:
            self._try(expression, terms, merged, alone, inner)

    def _try(self, expression: Expression, terms: Terms, merged: Terms, names: list[str], inner: Fields) -> None:
        try:
            expression.bound({**terms.params, **{name: merged.params[name] for name in names}})
        except ExpressionError as cause:
            whats = "; ".join(what for _, _, what in cause.mistakes)
            params = inner.mapping("params")
            at = inner.node.place if params is None else params.place
            if params is not None and len(names) == 1:
                at = params.items[names[0]].place
            what = f"params: {', '.join(names)} of another kind does not fit '{expression.text.strip()}': {whats}"
            self.mistakes.append(at.mistake(what))

    def _texts(
        self, annotations: dict[str, Node], each: Kind, variants: list[Terms], params: Collection[str] | None
    ) -> None:
        """Templates are checked here, so that a broken one is found before anybody is woken."""
        labels = {name for terms in variants for name in terms.labels}
        for key in ("summary", "description"):
            value = annotations.get(key)
            if not isinstance(value, Scalar):
                continue
            found = templates.check(value.text, {*LABELS[each], *RESERVED, *labels}, params=params)
            for offset, what in found:
                word = _WORD.match(value.text, offset)
                self.mistakes.append(in_text(value, offset, len(word[0]) if word else 1, f"{key}: {what}"))
            for offset, metric in () if found else templates.readings_of(value.text):
                if warning := unseen(metric, self.seen):
                    self.warnings.append(value.place_of(offset).mistake(f"{key}: {warning}"))
        link = annotations.get("runbook_url")
        if isinstance(link, Scalar) and not is_nothing(link) and not _LINK.match(link.text):
            what = f"runbook_url: '{hidden(link.text[:40])}' is no link; write one that begins with https:// or http://"
            self.mistakes.append(link.place.mistake(what))
