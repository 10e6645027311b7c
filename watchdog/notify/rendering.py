"""Renders a pending notification as a message, from the state of the moment it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from watchdog.alerts.episodes import Episode, Facts
from watchdog.errors import TextError
from watchdog.notify import cli_hints, templates
from watchdog.notify.message import Line, Message, MessageKind, Thread
from watchdog.notify.outcomes import Claim
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.records import Records
from watchdog.notify.routes import incident_key, text_of
from watchdog.readings.catalogue import CATALOGUE
from watchdog.rules.rule import Quantity
from watchdog.units import format_bytes, format_duration, format_number

#: A message lists so many alerts and counts the rest.
LISTED = 10
_RANK = {"critical": 0, "warning": 1, "info": 2}
_TITLE = {
    MessageKind.RESOLVED: "[RESOLVED]",
    MessageKind.REMINDER: "[REMINDER]",
    MessageKind.UPDATE: "[UPDATE]",
    MessageKind.ESCALATION: "[ESCALATION]",
    MessageKind.MISSED: "[MISSED]",
    MessageKind.REPORT: "[REPORT]",
    MessageKind.TEST: "[TEST]",
}

Current = Callable[[Episode], Facts]
#: Draws the deciding metric of an episode as SVG, None where nothing is known of it.
Chart = Callable[[Episode], str | None]
#: Where the value of an episode is going, in words; "" where nothing can be said.
Trend = Callable[[Episode], str]


@dataclass(frozen=True)
class Links:
    """Where messages point to: `public` is the watchdog's own base URL ("" for none), `entity` a template with `{kind}`
    and `{id}`. `sign(episode, receiver, now)` makes what a link that acts ends with, None for no such links."""

    public: str = ""
    entity: str = ""
    sign: Callable[[str, str, float], str] | None = None

    def to_entity(self, episode: Episode) -> str:
        alert = episode.alert
        if not self.entity or alert.kind in ("account", "watchdog"):
            return ""
        # a task or topic is shown on its connector's page, whose kind is among the labels
        kind = text_of(episode.facts.labels.get("kind", "")) or str(alert.kind)
        return self.of(kind, alert.entity.partition("/")[0])

    def of(self, kind: str, entity: str) -> str:
        """One of Streamkap's own pages: of a connector, transform or pipeline."""
        return self.entity.replace("{kind}", kind).replace("{id}", entity)

    def to_alert(self, episode: Episode) -> str:
        return f"{self.public.rstrip('/')}/alerts/{episode.id}" if self.public else ""

    def to_act(self, episode: Episode, receiver: str, now: float) -> str:
        """Where this receiver can acknowledge or silence the episode without signing in; "" for nowhere."""
        if not self.public or self.sign is None or not episode.firing:
            return ""
        signed = self.sign(episode.id, receiver, now)
        return f"{self.public.rstrip('/')}/s/{signed}" if signed else ""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one line is about: enough to sort, count and name an alert without wording it."""

    episode: Episode
    phase: str
    severity: str
    entity: str

    @classmethod
    def of(cls, episode: Episode, part: Part, missed: Container[str] = ()) -> _Subject:
        phase = "firing" if episode.firing and part is not Part.END else "resolved"
        labels = episode.facts.labels
        return cls(
            episode,
            "missed" if episode.id in missed else phase,
            text_of(labels.get("severity", "warning")),
            f"{labels.get('kind', episode.alert.kind)}/{episode.facts.entity}",
        )

    def rank(self) -> tuple[int, bool, float, str]:
        """The most severe first; of those that are as severe what fires comes before what is over."""
        return _RANK.get(self.severity, 1), self.phase != "firing", self.episode.since, self.entity


@dataclass(frozen=True)
class Wording:
    """Words messages for one instance of the watchdog."""

    links: Links = field(default_factory=Links)
    instance: str = ""

    def message(
        self,
        claim: Claim,
        records: Records,
        current: Current,
        now: float,
        chart: Chart = lambda _: None,
        trend: Trend = lambda _: "",
    ) -> Message:
        """The message of a claimed duty. What changed comes first, then what still fires in its group; `chart` draws
        the first alert, `trend` says where the value of one is going."""
        notification = claim.notification
        if notification.report is not None:
            return self.report(notification, now)
        subjects = (_Subject.of(records.episodes[item.episode], item.part, claim.missed) for item in notification.items)
        changed = sorted(subjects, key=_Subject.rank)
        mentioned = {item.episode for item in notification.items}
        # one incident is about its own alerts
        firing_besides = [] if notification.incident else [
            episode
            for episode, _ in records.members(notification.group)
            if episode.firing and episode.id not in mentioned
        ]  # fmt: skip
        others = [episode for episode in firing_besides if (episode.id, notification.target) in records.entries]
        held = sum(1 for episode in others if episode.hold)
        unheard = sum(
            1 for one in firing_besides if one.hold.quiet and (one.id, notification.target) not in records.entries
        )
        oldest = sorted(others, key=lambda one: one.began)[:LISTED]
        standing = sorted((_Subject.of(one, Part.REMIND) for one in oldest if not one.hold), key=_Subject.rank)
        # only what is listed is worded: of thousands that takes seconds
        receiver = notification.receiver
        lines = [
            replace(self._line(records, one, notification.target, current, now, trend),
                    act_url=self.links.to_act(one.episode, receiver, now) if one.phase == "firing" else "")
            for one in changed[:LISTED]
        ]  # fmt: skip
        shown = [
            self._line(records, one, notification.target, current, now, trend)
            for one in standing[: LISTED - len(lines)]
        ]
        firing = [one.episode for one in changed if one.phase == "firing"]
        first = changed[0].episode
        return Message(
            id=f"{notification.id}",
            kind=claim.kind,
            receiver=receiver,
            title=_title(claim.kind, changed, lines, len(firing) + len(others)),
            headline=_headline(notification.items, claim, records, len(others), held, unheard, now),
            changed=tuple(lines),
            standing=tuple(shown),
            more=len(changed) + len(others) + unheard - len(lines) - len(shown),
            silenced=held + unheard,
            cause=notification.cause,
            ack_hint=cli_hints.to_acknowledge(firing),
            silence_hint=cli_hints.to_silence(firing),
            links={} if not self.links.public else {"Status page": self.links.public},
            at=now,
            threads=tuple(one.episode.id for one in changed[:LISTED]),
            dedup_key=notification.incident or incident_key(first.alert),
            chart_svg=chart(first),
            instance=self.instance,
            firing=tuple(one.episode.id for one in changed[:LISTED] if one.phase == "firing"),
            thread=_thread(records, notification, [one.episode for one in changed]),
        )

    def standing(
        self,
        records: Records,
        target: str,
        episodes: Iterable[Episode],
        current: Current,
        now: float,
        trend: Trend = lambda _: "",
    ) -> Message:
        """What is true now of alerts that a target was notified about: what fires first, who acknowledged, what ended.
        It is no notification and has no links that act."""
        subjects = sorted((_Subject.of(one, Part.REMIND) for one in episodes), key=_Subject.rank)
        subjects.sort(key=lambda one: one.phase != "firing")
        firing = [one.episode for one in subjects if one.phase == "firing"]
        lines = [
            replace(line, note="; ".join(text for text in (_answered(one.episode), line.note) if text))
            for one in subjects[:LISTED]
            for line in [self._line(records, one, target, current, now, trend)]
        ]
        kind = MessageKind.FIRING if firing else MessageKind.RESOLVED
        ended = len(subjects) - len(firing)
        counted = f"{len(firing)} firing, {ended} resolved" if firing and ended else ""
        return Message(
            id="",
            kind=kind,
            receiver="",
            title=_title(kind, subjects, lines, len(firing)),
            headline=counted,
            changed=tuple(lines),
            more=len(subjects) - len(lines),
            ack_hint=cli_hints.to_acknowledge(firing),
            silence_hint=cli_hints.to_silence(firing),
            links={} if not self.links.public else {"Status page": self.links.public},
            at=now,
            instance=self.instance,
            firing=tuple(one.episode.id for one in subjects[:LISTED] if one.phase == "firing"),
        )

    def report(self, notification: PendingNotification, now: float) -> Message:
        """The message of a report, without what it says: that is in the database."""
        return Message(
            id=f"{notification.id}",
            kind=MessageKind.REPORT,
            receiver=notification.receiver,
            title=_TITLE[MessageKind.REPORT],
            cause=notification.cause,
            links={} if not self.links.public else {"Status page": self.links.public},
            at=now,
            instance=self.instance,
        )

    def annotations(self, episode: Episode, facts: Facts, now: float, trend: str = "") -> dict[str, str]:
        """An alert's texts as they are now: every annotation rendered, `reason` and `trend`."""
        names = self._names(episode, facts, (episode.ended or now) - episode.since, now, trend)
        made = {name: _render(text, names, facts.reason)[0] for name, text in facts.annotations.items()}
        return {**made, "reason": facts.reason, "trend": trend, "error": error_in(facts)}

    def _line(
        self, records: Records, subject: _Subject, target: str, current: Current, now: float, trend: Trend
    ) -> Line:
        episode, phase = subject.episode, subject.phase
        facts = current(episode)
        until = now if episode.ended is None else episode.ended
        ended_for = ": ".join(text for text in (episode.why_ended, episode.end_reason) if text)
        notes = []
        entry = records.entries.get((episode.id, target))  # none once nobody is owed anything of it
        told_dark = None if entry is None else entry.told_dark
        if episode.dark_since is not None and episode.dark_until is not None and told_dark != episode.dark_until:
            notes.append(f"no reading between {_instant(episode.dark_since)} and {_instant(episode.dark_until)}")
        going = trend(episode) if phase == "firing" else ""
        names = self._names(episode, facts, until - episode.since, now, going)
        summary, spoilt = _render(facts.annotations.get("summary", ""), names, facts.reason)
        description, spoilt_too = _render(facts.annotations.get("description", ""), names, "")
        notes += [note for note in (spoilt, spoilt_too) if note]
        return Line(
            alertname=episode.alert.rule,
            severity=subject.severity,
            entity=subject.entity,
            phase=phase,
            summary=summary or facts.reason or f"{episode.alert.rule} on {facts.entity}",
            description=description,
            reason=facts.reason if phase == "firing" else ended_for,
            value=in_words(facts.value),
            limit=in_words(facts.limit) if _is_limit(facts.limit, facts.value) else "",
            trend=going,
            error=error_in(facts),
            since=episode.since,
            ended=episode.ended,
            duration=until - episode.since,
            labels=facts.labels,
            runbook_url=facts.annotations.get("runbook_url", ""),
            entity_url=self.links.to_entity(episode),
            alert_url=self.links.to_alert(episode),
            flapping=episode.flapping,
            held=facts.held,
            note="; ".join(notes),
            dedup_key=incident_key(episode.alert),
        )

    def _names(self, episode: Episode, facts: Facts, duration: float, now: float, trend: str) -> Mapping[str, object]:
        """What templates can name (product page, Texts)."""
        labels = {name: text_of(value) if name not in ("tags", "pipelines") else ", ".join(value)
                  for name, value in facts.labels.items()}  # fmt: skip
        return {
            **labels,
            "value": None if facts.value is None else _in_words_unless_filtered(facts.value),
            "reason": facts.reason,
            "trend": trend,
            "params": {name: _with_unit(param) for name, param in facts.params.items()},
            "readings": {name: _with_unit(Quantity(reading, unit_of(name))) if isinstance(reading, float) else reading
                         for name, reading in facts.readings.items()},
            "since": templates.Instant(episode.since, now),
            "duration": templates.Number(duration, "s"),
            "severity": labels.get("severity", ""),
            "links": {"entity": self.links.to_entity(episode), "alert": self.links.to_alert(episode)},
        }  # fmt: skip


def state_of(episodes: Iterable[Episode]) -> str:
    """Of each alert whether it fires, who acknowledged it and whether it is silenced. A message that stands for them is
    edited when this changes."""
    states = []
    for one in episodes:
        said = one.acknowledgement
        silenced = " silenced" if one.firing and one.hold.silences else ""
        states.append(f"{one.id} {'firing' if one.firing else 'resolved'}{silenced} {said.author if said else ''}")
    return "\n".join(sorted(states))


def _thread(records: Records, notification: PendingNotification, episodes: list[Episode]) -> Thread:
    group = records.groups.get(notification.group)
    return Thread(
        str(notification.group),
        None if group is None else group.first,
        tuple(one.id for one in episodes),
        state_of(episodes),
    )


def _answered(episode: Episode) -> str:
    """Who acknowledged it, and whether it is silenced; "" once it is over."""
    said = episode.acknowledgement
    acknowledged = "" if said is None else f"acknowledged by {said.author or 'somebody'}"
    silenced = "silenced" if episode.hold.silences else ""
    return "; ".join(text for text in (acknowledged, silenced) if text and episode.firing)


def _is_limit(limit: Quantity | None, value: Quantity | None) -> bool:
    """Whether it is a number that another one has passed; `x == 0` has none, nor have texts."""
    if limit is None or value is None or limit.value == value.value:
        return False
    return isinstance(limit.value, float | int) and isinstance(value.value, float | int)


def _with_unit(quantity: Quantity) -> object:
    """A value as templates see it: a number that knows its unit, or a text."""
    value = quantity.value
    return templates.Number(value, quantity.unit) if isinstance(value, float | int) else value


def error_in(facts: Facts) -> str:
    """What a failed task or snapshot says of its failure; "" where it says nothing."""
    return next(
        (text for name in ("task_error", "snapshot_error") if isinstance(text := facts.readings.get(name), str)), ""
    )


def _in_words_unless_filtered(quantity: Quantity) -> object:
    value = quantity.value
    if isinstance(value, bool) or not isinstance(value, float | int):
        return value
    return templates.Worded(value, quantity.unit, in_words(quantity))


def unit_of(metric: str) -> str:
    """A metric's unit by the catalogue, "" for one outside it."""
    known = CATALOGUE.get(metric)
    return "" if known is None else known.unit


def in_words(quantity: Quantity | None) -> str:
    """A value with its unit, as people read it; "" where there is none."""
    if quantity is None:
        return ""
    value, unit = quantity.value, quantity.unit
    if isinstance(value, str | bool):
        return str(value)
    if unit == "ms":
        return format_duration(value / 1000)
    if unit == "s":
        return format_duration(value)
    if unit == "bytes":
        return format_bytes(value)
    return f"{format_number(value)} {unit}".strip() if unit not in ("state",) else format_number(value)


def _render(template: str, names: Mapping[str, object], instead: str) -> tuple[str, str]:
    """The text, and what went wrong: a broken template falls back to the plain reason."""
    if not template:
        return "", ""
    try:
        return templates.render(template, names), ""
    except TextError as cause:
        return instead, f"its text is broken: {cause}"


def _title(kind: MessageKind, subjects: list[_Subject], lines: list[Line], firing: int) -> str:
    """The subject: one alert with its severity and summary, several with their rules and entities. Names what fires,
    or what resolved where nothing does."""
    begin = f"[FIRING:{firing}]" if kind is MessageKind.FIRING else _TITLE[kind]
    named = [one for one in subjects if one.phase == "firing"] or subjects
    alone = [(line, one) for line, one in zip(lines, subjects, strict=False) if len(named) == 1 and one is named[0]]
    for line, one in alone:
        # without a summary the reason stands in for it, and under "resolved" that of the beginning would contradict
        unsaid = line.phase != "firing" and not one.episode.facts.annotations.get("summary")
        summary = line.reason if unsaid and line.reason else line.summary
        called = line.entity.split("/")[1]  # of a task or topic its connector's name will do
        mentioned = re.search(rf"(?<!\w){re.escape(called)}(?!\w)", summary)
        where = "" if mentioned else f" on {line.entity}"
        return f"{begin} {line.alertname}: {summary}{where} ({line.severity})"
    rules = sorted({one.episode.alert.rule for one in named})
    what = rules[0] if len(rules) == 1 else f"{rules[0]} and {len(rules) - 1} other rule{'s' * (len(rules) > 2)}"
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    worst = min(named, key=_Subject.rank).severity
    return f"{begin} {what}: {', '.join(one.entity for one in named[:3])}{rest} ({worst})"


def _headline(
    items: tuple[Item, ...], claim: Claim, records: Records, others: int, held: int, unheard: int, now: float
) -> str:
    """What changed: `+2 new, 1 resolved, 7 still firing`; "" for a new group of beginnings only, whose title says it
    all. `held` of the others are silenced, muted or suppressed; `unheard` more are silenced and were never notified."""
    counts = {part: sum(1 for item in items if item.part is part and item.episode not in claim.missed) for part in Part}
    words = []
    if counts[Part.BEGIN]:
        words.append(f"+{counts[Part.BEGIN]} new")
    if claim.missed:
        words.append(f"{len(claim.missed)} began and ended while this target could not be reached")
    if counts[Part.ESCALATE]:
        told = [records.episodes[item.episode] for item in items if item.part is Part.ESCALATE]
        waited = [now - one.first_accepted - one.paused for one in told if one.first_accepted is not None]
        since = f" for {format_duration(min(waited))}" if waited else ""
        words.append(f"{counts[Part.ESCALATE]} not acknowledged{since}")
    if counts[Part.UPDATE]:
        words.append(f"{counts[Part.UPDATE]} flapping, kept firing")
    if counts[Part.END]:
        words.append(f"{counts[Part.END]} resolved")
    still = counts[Part.REMIND] + others
    if still:
        words.append(f"{still} still firing" + (f" ({held} silenced or suppressed)" if held else ""))
    if unheard:
        words.append(f"{unheard} silenced")
    return "" if counts[Part.BEGIN] == len(items) and len(words) == 1 else ", ".join(words)


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
