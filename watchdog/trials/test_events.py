"""Happenings: what a rule test does to the world besides its readings, as written."""

from __future__ import annotations

import re
from itertools import pairwise

from watchdog.alerts.silences import Matcher, parse_matcher
from watchdog.configuration.fields import Fields, expected
from watchdog.configuration.places import Mapping as MappingNode
from watchdog.configuration.places import Node, Place, Scalar, Sequence
from watchdog.configuration.where import Labels, read_where
from watchdog.trials.cases import Case, Restart, Span
from watchdog.trials.references import Mentions
from watchdog.units import parse_duration

#: How an acknowledgement may be given in a test.
_VIA = ("", "link", "pagerduty", "slack")


def read_happenings(fields: Fields, mentions: Mentions, case: Case) -> None:
    """Everything that happens in a test; what is wrong is added to the fields' mistakes."""
    _Reader(fields, mentions, case).read()


def matchers_of(label: str, items: tuple[str, ...]) -> list[Matcher]:
    """The matchers that a label's `where` items are shorthand for."""

    def regex(glob: str) -> str:
        return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)

    positive = [regex(item) for item in items if not item.startswith("!")]
    negative = [regex(item[1:]) for item in items if item.startswith("!")]
    found = [Matcher(label, "|".join(positive), regex=True)] if positive else []
    return found + [Matcher(label, one, regex=True, equal=False) for one in negative]


class _Reader:
    def __init__(self, fields: Fields, mentions: Mentions, case: Case) -> None:
        self._fields = fields
        self._mistakes = fields.mistakes
        self._mentions = mentions
        self._case = case

    def read(self) -> None:
        case = self._case
        for fields, span in self._spans("silences", "where", "matchers"):
            matchers = self._matchers(fields)
            if matchers is not None:
                case.silences.append((matchers, span))
        for fields, span in self._spans("receivers_down", "receiver"):
            if fields.require("receiver") and (receiver := self._mentions.receiver(fields, "receiver")) is not None:
                case.receivers_down.append((receiver, span))
        case.api_down = [span for _, span in self._spans("api_down")]
        for name, into in (("unobserved", case.unobserved), ("gone", case.gone)):
            for fields, span in self._spans(name, "entity"):
                if fields.require("entity") and (key := self._mentions.entity(fields)) is not None:
                    into.append((key, span))
        for node in self._fields.mappings("acks"):
            fields = Fields(node, ("at", "alert", "entity", "author", "comment", "via"), self._mistakes)
            if fields.require("at", "alert", "entity"):
                at, rule, key = fields.duration("at"), self._mentions.rule(fields), self._mentions.entity(fields)
                via = fields.text("via") or ""
                if via not in _VIA:
                    ways = ", ".join(filter(None, _VIA))
                    fields.wrong("via", f"via: '{via}' is not a way to acknowledge; write one of {ways}")
                if at is not None and rule is not None and key is not None:
                    case.acks.append((at, rule, key, via))
        self._read_restarts()

    def _spans(self, key: str, *more: str) -> list[tuple[Fields, Span]]:
        found = []
        for node in self._fields.mappings(key):
            fields = Fields(node, ("from", "until", *more), self._mistakes)
            start, end = fields.duration("from"), fields.duration("until")
            if end is not None and end <= (start or 0.0):
                fields.wrong("until", "until: has to be later than from")
            found.append((fields, Span(start or 0.0, float("inf") if end is None else end)))
        return found

    def _read_restarts(self) -> None:
        node = self._fields.get("restarts")
        items = node.items if isinstance(node, Sequence) else () if node is None else (node,)
        found: list[tuple[Restart, Place]] = []
        for item in items:
            restart = self._restart(item)
            if restart is not None:
                found.append((restart, item.place))
        found.sort(key=lambda one: one[0].down)
        for (before, _), (after, place) in pairwise(found):
            if after.down < before.up:
                self._mistakes.append(place.mistake("restarts: begins while it is still down from the one before"))
        self._case.restarts = [restart for restart, _ in found]

    def _restart(self, node: Node) -> Restart | None:
        if isinstance(node, MappingNode):
            fields = Fields(node, ("down", "up"), self._mistakes)
            down, up = fields.duration("down"), fields.duration("up")
            if not fields.require("down", "up") or down is None or up is None:
                return None
            if up < down:
                fields.wrong("up", "up: has to be later than down")
                return None
            return Restart(down, up)
        try:
            if isinstance(node, Scalar):
                at = parse_duration(node.text)
                return Restart(at, at)
            self._mistakes.append(node.place.mistake(f"restarts: {expected('a duration', node)}; write 12m"))
        except ValueError as cause:
            self._mistakes.append(node.place.mistake(f"restarts: {cause}, or {{down: 12m, up: 20m}}"))
        return None

    def _matchers(self, fields: Fields) -> tuple[Matcher, ...] | None:
        """None where they have a mistake: a silence that holds nothing back, or everything, is one."""
        before = len(self._mistakes)
        if "matchers" in fields:
            key, found = "matchers", [
                one for text, place in fields.texts("matchers") or ()
                if (one := self._matcher(text, place)) is not None
            ]  # fmt: skip
        else:
            key, found = "where", []
            if fields.require("where"):
                where = read_where(fields.node.items["where"], Labels(self._mentions.labels), self._mistakes)
                found = [one for label, items in where.items.items() for one in matchers_of(label, items)]
        if len(self._mistakes) > before:
            return None
        if all(matcher.matches_empty() for matcher in found):
            what = "needs at least one label whose pattern does not match the empty string, e.g. alertname: '?*'"
            fields.wrong(key, f"{key}: {what}")
            return None
        return tuple(found)

    def _matcher(self, text: str, place: Place) -> Matcher | None:
        try:
            return parse_matcher(text)
        except ValueError as cause:
            self._mistakes.append(place.mistake(str(cause)))
            return None
