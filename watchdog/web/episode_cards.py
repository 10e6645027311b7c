"""An episode as a page shows it: what, where, since when, why, who was notified, what to do. Formats only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchdog.alerts.episodes import Episode
from watchdog.notify.rendering import Links
from watchdog.notify.routes import text_of
from watchdog.units import format_duration
from watchdog.web.recipients import Knowledge
from watchdog.web.times import Moment, moment
from watchdog.web.topology import Row

#: `metric is VALUE (OPERATOR LIMIT)`, as rules.reasons words a comparison; brackets in a limit nest once.
_COMPARED = re.compile(
    r"(?<= is )(?P<value>.{1,200}?) (?P<limit>\((?:[=!<>]=|[<>]|[=!]~|in|not in) (?:[^()]|\([^()]*\))*\))"
    r"|(?<= )(?P<missing>has no reading)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a reason; `role` is "value", "limit", or "" for the words between."""

    text: str
    role: str = ""


def parts_of(reason: str) -> tuple[Part, ...]:
    """All of the reason, in order: joined again they are the very text."""
    parts, at = [], 0
    for found in _COMPARED.finditer(reason):
        parts.append(Part(reason[at : found.start()]))
        if found["missing"]:
            parts.append(Part(found["missing"], "value"))
        else:
            parts += [Part(found["value"], "value"), Part(" "), Part(found["limit"], "limit")]
        at = found.end()
    parts.append(Part(reason[at:]))
    return tuple(part for part in parts if part.text)


#: So many rows of the topology are named in a group's heading.
_NAMED = 2
_NO_TEXTS: Mapping[str, str] = {}
_NOBODY = Knowledge()


@dataclass(frozen=True, slots=True)
class Card:
    """One episode. `what` is its summary, or says the same without one; `since` its first true poll, `began` when it
    fired; `held`: something keeps it from being told; `end`: why it is over; `matchers` would silence it alone,
    `named` is how commands name it, `silence` one that silences it."""

    id: str
    alert: str
    kind: str
    entity: str
    entity_id: str
    entity_url: str
    severity: str
    what: str
    description: str
    reason: tuple[Part, ...]
    trend: str
    error: str
    runbook: str
    since: Moment
    began: Moment
    ended: Moment | None
    lasted: str
    end: str
    knowledge: Knowledge
    held: bool
    acknowledged: str
    acknowledged_at: Moment | None
    flapping: bool
    dark: Moment | None
    matchers: str
    named: str
    silence: str

    @property
    def firing(self) -> bool:
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that affect the same thing; `held` are those nobody is told of now."""

    title: str
    url: str
    alerts: tuple[Card, ...]
    held: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What fires, counted: `look` is held back by nothing; of the rest each counts once, silenced before muted."""

    firing: int = 0
    look: int = 0
    acknowledged: int = 0
    silenced: int = 0
    muted: int = 0
    explained: int = 0

    @property
    def held(self) -> int:
        return self.firing - self.look


def tally(firing: Sequence[Episode]) -> Tally:
    look = [one for one in firing if not one.hold]
    silenced = sum(bool(one.hold.silences) for one in firing)
    quiet = sum(one.hold.quiet for one in firing)
    return Tally(
        firing=len(firing),
        look=len(look),
        acknowledged=sum(one.acknowledgement is not None for one in look),
        silenced=silenced,
        muted=quiet - silenced,
        explained=len(firing) - len(look) - quiet,
    )


def card(
    episode: Episode, now: float, links: Links, texts: Mapping[str, str] = _NO_TEXTS, knowledge: Knowledge = _NOBODY
) -> Card:
    """`texts` are its annotations rendered, and `reason`; without them and `knowledge` it is a card for lists."""
    facts, ack = episode.facts, episode.acknowledgement
    kind = str(episode.alert.kind)
    entity_id = text_of(facts.labels.get("id", episode.alert.entity))
    return Card(
        id=episode.id,
        alert=episode.alert.rule,
        kind=kind,
        entity=facts.entity,
        entity_id=episode.alert.entity,
        entity_url=followable(links.to_entity(episode)),
        severity=text_of(facts.labels.get("severity", "warning")),
        what=texts.get("summary") or f"{episode.alert.rule} on {kind} {facts.entity}",
        description=texts.get("description", ""),
        reason=parts_of(texts.get("reason") or facts.reason),
        trend=texts.get("trend", ""),
        error=texts.get("error", ""),
        runbook=followable(texts.get("runbook_url", facts.annotations.get("runbook_url", ""))),
        since=moment(episode.since, now),
        began=moment(episode.began, now),
        ended=None if episode.ended is None else moment(episode.ended, now),
        lasted=format_duration(float(round(max(0.0, (episode.ended or now) - episode.since)))),
        end="" if episode.firing else episode.why_ended or episode.end_reason or "resolved",
        knowledge=knowledge,
        held=bool(episode.hold),
        acknowledged="" if ack is None else f"{ack.author}{f': {ack.comment}' if ack.comment else ''}",
        acknowledged_at=None if ack is None else moment(ack.at, now),
        flapping=episode.flapping,
        dark=None if episode.dark_since is None else moment(episode.dark_since, now),
        matchers=f'alertname="{_quoted(episode.alert.rule)}" id="{_quoted(entity_id)}"',
        named=shlex.join((episode.alert.rule, episode.alert.entity)),
        silence=shlex.join(("watchdog", "silence", "add", f"alertname={episode.alert.rule}", f"id={entity_id}",
                            "--for", "2h")),
    )  # fmt: skip


def groups(found: Sequence[tuple[Sequence[Row], Card]], links: Links) -> tuple[list[Group], list[Card]]:
    """Cards, the most urgent first, by what they affect: the same rows of the topology, or the same thing outside it.
    What is held back and affects nothing that anybody is told of comes by itself."""
    members: dict[tuple[str, ...], list[Card]] = {}
    titles: dict[tuple[str, ...], tuple[str, str]] = {}
    for rows, one in found:
        key = tuple(str(row.key) for row in rows) or (one.kind, one.entity_id)
        titles[key] = _affected(rows, one, links)
        members.setdefault(key, []).append(one)
    made, quiet = [], []
    for key, cards in members.items():
        told, held = [one for one in cards if not one.held], [one for one in cards if one.held]
        if told:
            made.append(Group(*titles[key], tuple(told), tuple(held)))
        else:
            quiet += held
    return made, quiet


def followable(url: str) -> str:
    """Only what a browser should follow: a rule file or the settings may hold anything."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _affected(rows: Sequence[Row], one: Card, links: Links) -> tuple[str, str]:
    """What an alert affects, in words, and Streamkap's page of it where it is one thing."""
    if not rows:
        outside = {"watchdog": "the watchdog itself", "account": "the account"}
        return outside.get(one.kind, f"{one.kind} {one.entity}"), ""
    if len(rows) == 1:
        (row,) = rows
        return f"{row.key.kind} {row.name}", followable(links.of(str(row.key.kind), row.key.id))
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"{len(rows)} pipelines: {', '.join(row.name for row in rows[:_NAMED])}{more}", ""


def _quoted(text: str) -> str:
    """A value within a matcher's quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
