"""`watchdog silence`: add, list and expire, also beside a running service, which notices within a second."""

from __future__ import annotations

import sys
import time
import uuid

from watchdog.alerts.silences import Silence, check_new, parse_matcher
from watchdog.app.startup import last_policy
from watchdog.commands.operator import author_or_login, open_store, read_instant
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, counted, short_id, shown, table
from watchdog.cycle.policy import Policy
from watchdog.environment import read_variables
from watchdog.errors import ConfigError
from watchdog.readings.fleet import ALERT_LABELS
from watchdog.settings import Settings
from watchdog.spelling import did_you_mean
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.units import format_duration, parse_duration
from watchdog.web.v1.conversion import silence_object

_MOST = 10_000


def add(
    matchers: list[str], *, for_: str | None, until: str | None, start: str | None, author: str | None, comment: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Make one; raises ConfigError for matchers or times that do not make a silence."""
    now = time.time()
    starts = now if start is None else read_instant(start, "--start")
    if (for_ is None) == (until is None):
        raise ConfigError("say how long: --for 2h, or --until 2026-01-31T18:00Z")
    try:
        ends = starts + parse_duration(for_) if for_ is not None else read_instant(until or "", "--until")
        parsed = tuple(parse_matcher(text) for text in matchers)
        silence = Silence(str(uuid.uuid4()), parsed, starts, ends, author_or_login(author), comment, changed=now)
        check_new(silence)
    except ValueError as cause:
        raise ConfigError(str(cause)) from cause
    if silence.ends <= now:
        raise ConfigError(f"it would have ended at {shown(silence.ends)} already")
    store = open_store(Settings.load())
    try:
        _check_labels(silence, last_policy(store, read_variables()))
        store.put_silence(silence)
        record(store, now, Actor(silence.author, Via.TERMINAL), Action.SILENCE, f"made: {silence.text}")
        firing = store.episodes(firing=True, limit=_MOST)
    finally:
        store.close()
    if as_json:
        print_json(silence_object(silence, now))
    else:
        console().print(silence.id, markup=False)
        fit = sum(silence.matches(one.facts.labels) for one in firing)
        what = f"{counted(fit, 'firing alert')}" if fit else "no alert that fires now"
        sys.stderr.write(f"matches {what}; ends {shown(silence.ends)}\n")
    return 0


def _check_labels(silence: Silence, policy: Policy | None) -> None:
    """Raises ConfigError for a matcher on a label that no alert has: it would match nothing, or everything."""
    custom = [label for rule in (policy.rules if policy else ()) for terms in rule.variants for label in terms.labels]
    known = {*ALERT_LABELS, *custom}
    for matcher in silence.matchers if policy is not None else ():
        if matcher.name not in known:
            hint = did_you_mean(matcher.name, known) or f"; there are {', '.join(sorted(known))}"
            raise ConfigError(f"{matcher}: no alert has a label '{matcher.name}'{hint}")


def show(*, everything: bool, as_json: bool) -> int:
    """What is or will be active; with `everything` also what is over."""
    now = time.time()
    store = open_store(Settings.load())
    try:
        silences = [one for one in store.silences() if everything or one.ends > now]
    finally:
        store.close()
    if as_json:
        print_json([silence_object(one, now) for one in silences])
        return 0
    rows = [
        (short_id(one.id), _state(one, now), " ".join(map(str, one.matchers)), shown(one.ends), one.author, one.comment)
        for one in sorted(silences, key=lambda one: one.ends)
    ]
    table(("id", "state", "matchers", "ends", "author", "comment"), rows, empty="no silences")
    return 0


def expire(ids: list[str], *, as_json: bool) -> int:
    """End them now; raises ConfigError for an id that names none or several."""
    now = time.time()
    store = open_store(Settings.load())
    over = []
    try:
        silences = store.silences()
        for text in ids:
            found = [one for one in silences if one.id.startswith(text)]
            if len(found) != 1:
                what = "no silence" if not found else "more than one silence"
                raise ConfigError(f"{what} has an id that begins with '{text}'; `watchdog silence list` shows them")
            if found[0].ends > now:
                found = [found[0].expired(now)]
                store.put_silence(found[0])
                by = Actor(author_or_login(None), Via.TERMINAL)
                record(store, now, by, Action.SILENCE, f"expired: {found[0].text}")
            over += found
    finally:
        store.close()
    if as_json:
        print_json([silence_object(one, now) for one in over])
    else:
        for one in over:
            console().print(f"expired {one.id}: {' '.join(map(str, one.matchers))}", markup=False)
    return 0


def _state(silence: Silence, now: float) -> str:
    if silence.active(now):
        return "active"
    return "expired" if silence.ends <= now else f"begins in {format_duration(silence.starts - now)}"
