"""Receivers and routes in Alertmanager's words, for `amtool config`: who would be told, never where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from watchdog.alerts.silences import Matcher
from watchdog.cycle.policy import Policy
from watchdog.notify.routes import Route
from watchdog.readings.fleet import LIST_LABELS
from watchdog.units import format_duration

#: Who hears an alert that no route matches: it shows on the page.
PAGE = "page"
#: What stands for something else in a regular expression.
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def configuration(policy: Policy) -> str:
    """YAML that amtool can read. A route to several receivers is one to each of them there."""
    names = list(policy.receivers) or [PAGE]
    last = policy.routes[-1].to[-1] if policy.routes and policy.routes[-1].to else names[0]
    tree: dict[str, Any] = {"receiver": last}
    if policy.routes:
        tree["routes"] = [made for route in policy.routes for made in _routes(route)]
    made = {"route": tree, "receivers": [{"name": name} for name in names]}
    return str(yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=120))


def _routes(route: Route) -> Iterator[dict[str, Any]]:
    for receiver in route.to:
        made: dict[str, Any] = {"receiver": receiver}
        matchers = [str(one) for label, items in route.where.items.items() for one in _matchers(label, items)]
        if matchers:
            made["matchers"] = matchers
        if route.group_by:
            made["group_by"] = list(route.group_by)
        for name in ("group_wait", "group_interval", "repeat_interval"):
            seconds = getattr(route, name)
            if seconds or name == "group_wait":  # Alertmanager has no other interval of nothing
                made[name] = format_duration(seconds)
        if route.continue_ or receiver != route.to[-1]:
            made["continue"] = True
        yield made


def _matchers(label: str, items: Iterable[str]) -> Iterator[Matcher]:
    """A `where` as matchers: any of the positive items, none of the negative ones."""
    positive = [item for item in items if not item.startswith("!")]
    negative = [item[1:] for item in items if item.startswith("!")]
    for globs, equal in ((positive, True), (negative, False)):
        plain = len(globs) == 1 and label not in LIST_LABELS and not set(globs[0]) & set("*?")
        if plain:
            yield Matcher(label, globs[0], equal=equal)
        elif globs:
            yield Matcher(label, _any_of(globs, label in LIST_LABELS), regex=True, equal=equal)


def _any_of(globs: list[str], among_several: bool) -> str:
    """A label with several values is `,a,b,` in Alertmanager's API, and empty without any."""
    any_text, one_letter = ("[^,]*", "[^,]") if among_several else (".*", ".")
    written = {"*": any_text, "?": one_letter}
    found = "|".join("".join(written.get(char) or _SPECIAL.sub(r"\\\g<0>", char) for char in one) for one in globs)
    if not among_several:
        return found
    sees_nothing = "?" if any(not one.strip("*") for one in globs) else ""
    return f"(.*,({found}),.*){sees_nothing}"
