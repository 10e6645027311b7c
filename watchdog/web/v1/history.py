"""What is kept: the status, episodes with their story, silences; and who acknowledges an episode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from watchdog.alerts.episodes import Episode as KnownEpisode
from watchdog.cycle.state import CycleState
from watchdog.store.audit import Action, entries, record
from watchdog.web.resource import WrongError
from watchdog.web.v1.conversion import (
    audit_object,
    episode_object,
    line_object,
    names_of,
    silence_object,
    status_object,
    told_object,
)
from watchdog.web.v1.operation import Call, not_found
from watchdog.web.v1.parameters import named
from watchdog.web.v1.schemas import AuditEntry, Episode, EpisodeDetail, Page, Silence, Status
from watchdog.web.view import ServiceView

_MOST = 10_000
#: Episodes are read in batches, and so many of them looked through for one page.
_BATCH = 500
_LOOKED_THROUGH = 20_000

Author = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
                             description="Who, so that others know whom to ask.")]  # fmt: skip
Comment = Annotated[str, Meta(max_length=2000, pattern=r"^[^\u0000]*$", description="Why, or what is being done.")]


class Acknowledge(Struct, forbid_unknown_fields=True):
    """Who is on it."""

    author: Author
    comment: Comment = ""


def status(call: Call) -> Status:
    store = call.watched.store
    firing = store.episodes(firing=True, limit=_MOST)
    return status_object(CycleState.decode(store.document("cycle")).at, [_object(call.watched, one) for one in firing],
                         store.silences(), store.targets(), len(store.notifications()), call.now)  # fmt: skip


def episodes(call: Call) -> Page[Episode]:
    """The newest first. `next` is the beginning and the id of the last one looked at."""
    found: list[Episode] = []
    for looked, (one, is_last) in enumerate(_newest_first(call), 1):
        if _wanted(one, call):
            found.append(_object(call.watched, one))
        if not is_last and (len(found) == call.given["limit"] or looked == _LOOKED_THROUGH):
            return Page(found, f"{one.began!r}~{one.id}")
    return Page(found, None)


def episode(call: Call) -> EpisodeDetail:
    watched = call.watched
    found = watched.store.episode(call.given["id"])
    if found is None:
        raise not_found("episode", call.given["id"])
    names = names_of(watched.store.targets())
    plain = _object(watched, found)
    texts = dict(watched.texts(found, call.now))
    texts.pop("reason", None)
    trend, error = texts.pop("trend", ""), texts.pop("error", "")
    return EpisodeDetail(
        **{name: getattr(plain, name) for name in plain.__struct_fields__},
        annotations=texts,
        trend=trend,
        error=error,
        readings=dict((watched.facts(found) if plain.current else found.facts).readings),
        story=[line_object(one, names) for one in watched.store.notes_of(episode=found.id)],
        told=[told_object(one, names) for one in watched.store.entries_of(found.id)],
    )


def acknowledge(call: Call) -> Episode:
    """The first word counts: who acknowledges again is answered with what was said before."""
    by = call.actor.called(call.body.author.strip())
    found = call.watched.acknowledge(call.given["id"], by.who, call.body.comment.strip())
    if found is not None:
        record(call.watched.store, call.now, by, Action.ACKNOWLEDGE, f"{found.alert.rule} on {found.facts.entity}")
        return _object(call.watched, found)
    over = call.watched.store.episode(call.given["id"])
    if over is None:
        raise not_found("episode", call.given["id"])
    why = f"{over.alert.rule} on {over.facts.entity} does not fire any more"
    raise WrongError(409, why, found="an episode that is over", accepted="an episode that fires")


def silences(call: Call) -> Page[Silence]:
    """Those that hold something back first, the first to end first."""
    order = {"active": 0, "pending": 1, "expired": 2}
    found = [silence_object(one, call.now) for one in call.watched.store.silences()]
    found = [one for one in found if call.given["state"] in (None, one.state)]
    found.sort(key=lambda one: (order[one.state], one.ends_at, one.id))
    first, most = call.given["after"], call.given["limit"]
    return Page(found[first : first + most], str(first + most) if len(found) > first + most else None)


def silence(call: Call) -> Silence:
    found = next((one for one in call.watched.store.silences() if one.id == call.given["id"]), None)
    if found is None:
        raise not_found("silence", call.given["id"])
    return silence_object(found, call.now)


def audit(call: Call) -> Page[AuditEntry]:
    """The newest first. `next` is the id of the last one."""
    most, action = call.given["limit"], call.given["action"]
    found = entries(call.watched.store, action=None if action is None else Action(action), before=call.given["after"],
                    limit=most + 1)  # fmt: skip
    more = len(found) > most
    return Page([audit_object(one) for one in found[:most]], str(found[most - 1].id) if more else None)


# -- inside


def _object(watched: ServiceView, one: KnownEpisode) -> Episode:
    """An episode with the facts of the last poll, if it fires and that poll evaluated it."""
    evaluation = watched.evaluation if one.firing else None
    return episode_object(one, watched.links, None if evaluation is None else evaluation.facts(one))


def _newest_first(call: Call) -> Iterator[tuple[KnownEpisode, bool]]:
    """Episodes after the page before, and whether that is the last there is."""
    place, firing = call.given["after"], call.given["firing"]
    while True:
        batch = call.watched.store.episodes(firing=firing, after=place, limit=_BATCH)
        ends = len(batch) < _BATCH
        for index, one in enumerate(batch):
            yield one, ends and index == len(batch) - 1
        if ends:
            return
        place = (batch[-1].began, batch[-1].id)


def _wanted(one: KnownEpisode, call: Call) -> bool:
    given, labels = call.given, one.facts.labels
    return (
        given["alert"] in (None, one.alert.rule)
        and given["kind"] in (None, str(one.alert.kind))
        and given["severity"] in (None, labels.get("severity"))
        and named(given, one.alert.entity, one.facts.entity, labels)
    )
