"""Silences as Alertmanager's API has them: made, changed, replaced, listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from watchdog.alerts.silences import Matcher, Silence, check_new
from watchdog.store.audit import Actor
from watchdog.web.resource import WrongError
from watchdog.web.times import instant_text
from watchdog.web.view import ServiceView


class _Matcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class _Posted(msgspec.Struct, rename="camel"):
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str | None = ""


def post(watched: ServiceView, body: bytes, actor: Actor, now: float) -> tuple[Silence, Actor]:
    """Make a silence or change the one named; and who did. What cannot be changed is ended, and a new one takes its
    place.

    Raises WrongError: 400 for what makes no silence, 404 for an id there is none of.
    """
    try:
        posted = msgspec.json.decode(body, type=_Posted)
        matchers = tuple(Matcher(one.name, one.value, one.is_regex, one.is_equal) for one in posted.matchers)
        by = actor.called(posted.created_by)
        wanted = Silence(posted.id or "", matchers, _seconds(posted.starts_at), _seconds(posted.ends_at), by.who,
                         posted.comment, changed=now)  # fmt: skip
        check_new(wanted)
        if wanted.ends <= now:
            raise ValueError("endsAt has passed; a silence has to end in the future")
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as cause:
        raise WrongError(400, str(cause)) from cause
    if wanted.id:
        before = next((one for one in watched.store.silences() if one.id == wanted.id), None)
        if before is None:
            raise WrongError(404, f"there is no silence {wanted.id[:100]!r}")
        if _can_become(before, wanted, now):
            return watched.put_silence(replace(wanted, starts=_kept_start(before, wanted, now))), by
        watched.expire_silence(before.id)
    starts = max(wanted.starts, now)
    return watched.new_silence(wanted.matchers, starts, wanted.ends, wanted.author, wanted.comment), by


def silence_object(silence: Silence, now: float) -> dict[str, Any]:
    return {
        "id": silence.id,
        "matchers": [{"name": one.name, "value": one.value, "isRegex": one.regex, "isEqual": one.equal}
                     for one in silence.matchers],
        "startsAt": instant_text(silence.starts),
        "endsAt": instant_text(silence.ends),
        "updatedAt": instant_text(silence.changed),
        "createdBy": silence.author,
        "comment": silence.comment,
        "annotations": {},
        "status": {"state": silence.state(now)},
    }  # fmt: skip


def in_order(silences: Iterable[Silence], now: float) -> list[Silence]:
    """Active ones, the first to end first; pending ones, the first to start first; then those that ended last."""

    def place(one: Silence) -> tuple[int, float]:
        state = one.state(now)
        return (0, one.ends) if state == "active" else (1, one.starts) if state == "pending" else (2, -one.ends)

    return sorted(silences, key=place)


def same_matchers(silence: Silence, filters: Sequence[Matcher]) -> bool:
    """Whether a silence has each of these matchers itself: name, operator and value."""
    return all(one in silence.matchers for one in filters)


def _can_become(before: Silence, wanted: Silence, now: float) -> bool:
    """History stays true: only what has not happened yet can be changed."""
    if before.matchers != wanted.matchers:
        return False
    if before.state(now) == "active":
        return int(before.starts) == int(wanted.starts)
    return before.state(now) == "pending" and wanted.starts >= now


def _kept_start(before: Silence, wanted: Silence, now: float) -> float:
    return before.starts if before.state(now) == "active" else wanted.starts


def _seconds(at: datetime) -> float:
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
