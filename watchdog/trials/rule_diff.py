"""What an edit of the rules does: two replays of the same polls, compared rule by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from watchdog.alerts.mutes import NIGHT, WEEKEND
from watchdog.cycle.policy import Policy
from watchdog.notify.rendering import in_words
from watchdog.readings.fleet import EntityKey
from watchdog.rules.rule import Rule, Terms
from watchdog.rules.selector import Selector
from watchdog.trials.replay import Page, Report, RuleReport, Stretch
from watchdog.units import format_duration

#: Differences that are named one by one.
LARGEST = 5
Local = Callable[[float], datetime]


@dataclass(frozen=True, slots=True)
class Pages:
    """How many pages, and how many of them at night (22:00 to 07:00) and at the weekend."""

    count: int = 0
    night: int = 0
    weekend: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """One rule under one configuration. `seconds` is the time that its alerts fired, added up."""

    episodes: int
    seconds: float
    pages: dict[str, Pages]  #: by receiver
    ends: dict[str, int]  #: messages that tell of ends, by receiver


@dataclass(frozen=True, slots=True)
class Shift:
    """One episode that begins at another time: `by` seconds, negative where it begins earlier now."""

    entity: str
    began: float
    by: float


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """One rule whose effect differs. `edits` says how its text differs, empty where something else is the cause."""

    rule: str
    edits: tuple[str, ...]
    old: Side | None  #: None: the rule does not exist there
    new: Side | None
    gained: tuple[str, ...]  #: kind/name of whom only the new rule covers
    lost: tuple[str, ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Largest:
    """One difference by name: `seconds` more or less of firing, or so many `pages` more or less, and why."""

    rule: str
    entity: str
    what: str
    why: str
    weight: float


@dataclass(frozen=True, slots=True)
class ReceiverDifference:
    """A receiver whose targets or pages differ; targets are as written, variables unexpanded."""

    receiver: str
    old: Pages
    new: Pages
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Two configurations over the same polls."""

    start: float
    end: float
    polls: int
    rules: tuple[RuleDifference, ...] = ()
    receivers: tuple[ReceiverDifference, ...] = ()
    largest: tuple[Largest, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.rules or self.receivers)


def difference(old: Policy, new: Policy, before: Report, after: Report, local: Local) -> Difference:
    """What differs in effect. `local` tells the local time of an instant, for nights and weekends."""
    names = dict.fromkeys(rule.name for rule in (*old.rules, *new.rules))
    rules: list[RuleDifference] = []
    largest: list[Largest] = []
    for name in names:
        one = _Compared(name, old, new, before, after, local)
        if one.differs:
            rules.append(one.difference())
            largest += one.largest()
    largest.sort(key=lambda one: -one.weight)
    return Difference(after.start, after.end, after.polls, tuple(rules),
                      tuple(_receivers(old, new, before, after, local)), tuple(largest[:LARGEST]))  # fmt: skip


class _Compared:
    """One rule's two reports."""

    def __init__(self, name: str, old: Policy, new: Policy, before: Report, after: Report, local: Local) -> None:
        self.name = name
        self.rules = old.by_name.get(name), new.by_name.get(name)
        self.reports = _report(before, name), _report(after, name)
        self.pages = _about(before.pages, name), _about(after.pages, name)
        self.ends = _about(before.ends, name), _about(after.ends, name)
        self.covered = [{} if one is None else one.covered for one in self.reports]
        self.end = after.end
        self.local = local

    @property
    def differs(self) -> bool:
        """Whether anybody would have noticed: episodes, their severity, pages, ends, or whom the rule covers."""
        episodes, pages, ends = ([_noticed(one) for one in both] for both in (self.reports, self.pages, self.ends))
        return (
            episodes[0] != episodes[1]
            or pages[0] != pages[1]
            or ends[0] != ends[1]
            or (bool(episodes[0]) and self._severities(0) != self._severities(1))
            or self.covered[0].keys() != self.covered[1].keys()
        )

    def _severities(self, place: int) -> list[str]:
        rule = self.rules[place]
        return [] if rule is None else [str(terms.severity) for terms in rule.variants]

    def difference(self) -> RuleDifference:
        old, new = self.covered
        return RuleDifference(
            self.name,
            tuple(edits(*self.rules)),
            old=self._side(0),
            new=self._side(1),
            gained=tuple(sorted(name for key, name in new.items() if key not in old)),
            lost=tuple(sorted(name for key, name in old.items() if key not in new)),
            shifts=tuple(self._shifts()),
        )

    def _side(self, place: int) -> Side | None:
        report = self.reports[place]
        if report is None:
            return None
        pages: dict[str, list[Page]] = {}
        for page in self.pages[place]:
            pages.setdefault(page.receiver, []).append(page)
        counted = {receiver: count(of, self.local) for receiver, of in sorted(pages.items())}
        ends = dict(sorted(Counter(end.receiver for end in self.ends[place]).items()))
        return Side(len(report.stretches), sum(_lasted(one, self.end) for one in report.stretches), counted, ends)

    def _pairs(self) -> Iterator[tuple[Stretch | None, Stretch | None]]:
        """Episodes of the same entity that overlap are one and the same trouble; the rest is in one of the two."""
        theirs: dict[EntityKey, list[Stretch]] = {}
        for stretch in () if self.reports[1] is None else self.reports[1].stretches:
            theirs.setdefault(stretch.entity_key, []).append(stretch)
        for ours in () if self.reports[0] is None else self.reports[0].stretches:
            rest = theirs.get(ours.entity_key, [])
            match = next((one for one in rest if _overlap(ours, one, self.end)), None)
            if match is not None:
                rest.remove(match)
            yield ours, match
        yield from ((None, one) for one in chain.from_iterable(theirs.values()))

    def _shifts(self) -> Iterator[Shift]:
        for ours, match in self._pairs():
            if ours is not None and match is not None and ours.began != match.began:
                yield Shift(match.entity, match.began, match.began - ours.began)

    def largest(self) -> Iterator[Largest]:
        """Each episode that differs; where none does, each receiver whose pages differ."""
        found = False
        for ours, match in self._pairs():
            weight = abs(self._lasts(match) - self._lasts(ours))
            if ours is None and match is not None:
                found = True
                yield self._only("fires now", match, match.reason, weight)
            elif ours is not None and match is None:
                found = True
                yield self._only("does not fire any more", ours, self._why_gone(ours), weight)
            elif ours is not None and match is not None and (weight or ours.began != match.began):
                found = True
                yield self._moved(ours, match, weight)
        if not found:
            yield from self._moved_pages()

    def _only(self, what: str, one: Stretch, why: str, weight: float) -> Largest:
        words = f"{what}: from {self.local(one.began):%Y-%m-%d %H:%M} for {format_duration(_lasted(one, self.end))}"
        return Largest(self.name, one.entity, words, why, weight)

    def _moved(self, ours: Stretch, match: Stretch, weight: float) -> Largest:
        shift = match.began - ours.began
        when = f" {format_duration(abs(shift))} {'later' if shift > 0 else 'earlier'}" if shift else ""
        lasted = f"{format_duration(self._lasts(match))} instead of {format_duration(self._lasts(ours))}"
        words = f"fires{when}, from {self.local(match.began):%Y-%m-%d %H:%M} for {lasted}"
        return Largest(self.name, match.entity, words, match.reason, max(weight, abs(shift)))

    def _lasts(self, one: Stretch | None) -> float:
        return 0.0 if one is None else _lasted(one, self.end)

    def _why_gone(self, was: Stretch) -> str:
        rule = self.rules[1]
        if rule is None:
            return "the rule does not exist any more"
        if was.entity_key not in self.covered[1]:
            return "the rule does not cover it any more"
        longest = max((terms.for_ for terms in rule.variants), default=0.0)
        if was.held < longest:
            return f"it was true for {format_duration(was.held)}, `for` is {format_duration(longest)}"
        changed = ", ".join(edits(*self.rules))
        return f"it fired because {was.reason}" + (f"; now {changed}" if changed else "")

    def _moved_pages(self) -> Iterator[Largest]:
        counts = [Counter(page.receiver for page in pages) for pages in self.pages]
        for receiver in sorted({*counts[0], *counts[1]}):
            was, now = counts[0][receiver], counts[1][receiver]
            if was != now:
                what = f"pages to {receiver}: {now} instead of {was}"
                yield Largest(self.name, "", what, self._why_pages(), 60.0 * abs(now - was))

    def _why_pages(self) -> str:
        """What holds its alerts back on one side only; without that, it is the routes."""
        was, now = (set() if one is None else one.holds for one in self.reports)
        said = [*(f"now {one}" for one in sorted(now - was)), *(f"no longer {one}" for one in sorted(was - now))]
        return ", ".join(said[:LARGEST]) or "it is routed or grouped differently"


def edits(old: Rule | None, new: Rule | None) -> Iterator[str]:
    """How a rule's text differs, a line each."""
    if old is None or new is None:
        yield "new rule" if old is None else "removed rule"
        return
    if old.expr.text != new.expr.text:
        yield f"expr: {old.expr.text} -> {new.expr.text}"
    if (old.clear and old.clear.text) != (new.clear and new.clear.text):
        yield f"clear: {old.clear.text if old.clear else 'none'} -> {new.clear.text if new.clear else 'none'}"
    if old.where != new.where:
        yield f"where: {_selector(old.where)} -> {_selector(new.where)}"
    yield from _terms(old.terms, new.terms)
    if old.overrides != new.overrides:
        yield from _overrides(old, new)
    if old.flapping != new.flapping:
        yield "flapping"
    if old.suppresses != new.suppresses:
        yield f"suppresses: {', '.join(old.suppresses) or 'nothing'} -> {', '.join(new.suppresses) or 'nothing'}"


def _terms(old: Terms, new: Terms) -> Iterator[str]:
    for name in sorted({*old.params, *new.params}):
        was, now = (in_words(one[name]) if name in one else "none" for one in (old.params, new.params))
        if was != now:
            yield f"{name}: {was} -> {now}"
    for name, was_seconds, now_seconds in (("for", old.for_, new.for_),
                                           ("keep_firing_for", old.keep_firing_for, new.keep_firing_for)):  # fmt: skip
        if was_seconds != now_seconds:
            yield f"{name}: {format_duration(was_seconds)} -> {format_duration(now_seconds)}"
    for name in ("severity", "no_data", "enabled"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {str(getattr(old, name)).lower()} -> {str(getattr(new, name)).lower()}"
    if old.labels != new.labels:
        yield "labels"


def _overrides(old: Rule, new: Rule) -> Iterator[str]:
    was = {_selector(one.where): one.terms for one in old.overrides}
    now = {_selector(one.where): one.terms for one in new.overrides}
    for where in dict.fromkeys([*was, *now]):
        if where not in was or where not in now:
            yield f"override for {where} {'added' if where in now else 'removed'}"
        else:
            yield from (f"override for {where}: {line}" for line in _terms(was[where], now[where]))


def _selector(where: Selector) -> str:
    parts = (f"{label}: {', '.join(items)}" for label, items in where.items.items())
    return f"{{{'; '.join(parts)}}}" if where.items else "everything"


def count(pages: Iterable[Page], local: Local) -> Pages:
    """How many pages, and when."""
    instants = [local(page.at) for page in pages]
    return Pages(len(instants), sum(map(NIGHT.covers, instants)), sum(map(WEEKEND.covers, instants)))


def _receivers(old: Policy, new: Policy, before: Report, after: Report, local: Local) -> Iterator[ReceiverDifference]:
    """Receivers whose targets differ. Pages that differ stand with the rules they are about."""
    for name in dict.fromkeys([*old.receivers, *new.receivers]):
        was, now = (
            () if name not in policy.receivers else tuple(spec.template for spec in policy.receivers[name].targets)
            for policy in (old, new)
        )
        if was != now:
            paged = [count((page for page in one.pages if page.receiver == name), local) for one in (before, after)]
            yield ReceiverDifference(name, paged[0], paged[1], tuple(one for one in now if one not in was),
                                     tuple(one for one in was if one not in now))  # fmt: skip


def _report(report: Report, name: str) -> RuleReport | None:
    return next((rule for rule in report.rules if rule.name == name), None)


def _about(sent: Iterable[Page], rule: str) -> list[Page]:
    return [page for page in sent if rule in page.rules]


def _noticed(what: RuleReport | Sequence[Page] | None) -> object:
    """What somebody would notice of a rule's episodes, or of its pages."""
    if what is None:
        return []
    if isinstance(what, RuleReport):
        return sorted((one.entity_key, one.began, one.ended or 0.0) for one in what.stretches)
    return sorted((page.at, page.receiver) for page in what)


def _lasted(one: Stretch, end: float) -> float:
    return (end if one.ended is None else one.ended) - one.began


def _overlap(one: Stretch, other: Stretch, end: float) -> bool:
    """Two episodes of one entity that share an instant from when they were true on."""
    return one.since <= (end if other.ended is None else other.ended) and other.since <= (
        end if one.ended is None else one.ended
    )
