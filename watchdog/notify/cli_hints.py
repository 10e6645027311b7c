"""Hints: commands for whoever reads a message, ready to be pasted into a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Matcher
from watchdog.notify.routes import text_of

#: What stands in a shell and in a matcher as it is.
_BARE = re.compile(r"[A-Za-z0-9_.:/@%+-]+")
#: A hint that names more rules than this is longer than what it spares its reader.
_RULES = 5


def to_silence(episodes: Sequence[Episode]) -> str:
    """How to be left in peace by what fires here: by this one alert, or by the rules of all of them; "" for none."""
    if not episodes:
        return ""
    rules = sorted({episode.alert.rule for episode in episodes})
    if len(rules) == 1:
        matchers = [_matcher("alertname", "=", rules[0])]
        if len(episodes) == 1:
            matchers.append(_matcher("id", "=", text_of(episodes[0].facts.labels.get("id", episodes[0].alert.entity))))
    elif len(rules) <= _RULES:
        matchers = [_matcher("alertname", "=~", "|".join(map(re.escape, rules)))]
    else:
        return ""
    return f"watchdog silence add {' '.join(matchers)} --for 2h --comment 'being looked into'"


def to_acknowledge(episodes: Sequence[Episode]) -> str:
    """How to stop reminders and escalation of one alert; "" where there is none, or several."""
    if len(episodes) != 1 or episodes[0].acknowledgement is not None:
        return ""
    alert = episodes[0].alert
    return f"watchdog ack {shlex.quote(alert.rule)} {shlex.quote(alert.entity)}"


def _matcher(name: str, operator: str, value: str) -> str:
    if _BARE.fullmatch(value):
        return f"{name}{operator}{value}"
    return shlex.quote(str(Matcher(name, value, regex="~" in operator)))
