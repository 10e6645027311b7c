"""Shell commands that messages offer their readers, ready to paste."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Matcher
from watchdog.notify.routes import text_of

#: What stands in a shell and in a matcher as it is.
_BARE = re.compile(r"[A-Za-z0-9_.:/@%+-]+")
#: A command that names more rules than this takes longer to check than to write.
_RULES = 5
#: And one that names more entities does not fit on a phone.
_ENTITIES = 10


def to_silence(episodes: Sequence[Episode]) -> str:
    """The command that silences what fires here: one alert, or the rules of all of them; "" for none."""
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
    return f"watchdog silence add {' '.join(matchers)} --for 2h --comment investigating"


def to_acknowledge(episodes: Sequence[Episode]) -> str:
    """The command that stops reminders and escalation of what fires here, up to ten of one rule; else ""."""
    open_ones = [one for one in episodes if one.acknowledgement is None]
    rules = {one.alert.rule for one in open_ones}
    if len(rules) != 1 or len(open_ones) > _ENTITIES:
        return ""
    return shlex.join(["watchdog", "ack", *rules, *(one.alert.entity for one in open_ones)])


def _matcher(name: str, operator: str, value: str) -> str:
    if _BARE.fullmatch(value):
        return f"{name}{operator}{value}"
    return shlex.quote(str(Matcher(name, value, regex="~" in operator)))
