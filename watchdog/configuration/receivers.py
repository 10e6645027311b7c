"""Reading receivers and routes: who can be told, and who is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from watchdog.configuration.fields import Fields, expected, hidden, is_nothing
from watchdog.configuration.mutes import parse_moment, read_schedule, read_zone
from watchdog.configuration.places import Mapping as MappingNode
from watchdog.configuration.places import Node, Place
from watchdog.configuration.where import Labels, read_where
from watchdog.environment import OURS
from watchdog.errors import Mistake
from watchdog.notify.reports import ReportSchedule
from watchdog.notify.routes import Escalation, Receiver, Route, TargetSpec
from watchdog.rules.selector import Selector
from watchdog.spelling import did_you_mean

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:-)(.*))?\Z", re.DOTALL)
#: How a shell would write it.
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_RECEIVER = ("to", "fallback", "send_resolved")
_ROUTE = ("where", "to", "continue", "group_by", "group_wait", "group_interval", "repeat_interval", "escalate",
          "times", "timezone")  # fmt: skip


@dataclass(slots=True)
class Named:
    """A mention of a receiver somewhere, to be looked up when all files are read."""

    name: str
    place: Place
    what: str


@dataclass(slots=True)
class ReceiverReader:
    """Reads receivers and routes of one file.

    `variables` is what `${NAME}` may name; None leaves URLs as written (rule tests). `urls` collects the expanded ones
    by target; `check_url` tells why a URL cannot be used, None if it can. With `unset_out`, targets whose variable is
    not set are left out with a warning.
    """

    mistakes: list[Mistake]
    warnings: list[Mistake]
    variables: Mapping[str, str] | None
    check_url: Callable[[str], str | None] | None = None
    unset_out: bool = False
    urls: dict[str, str] = field(default_factory=dict)
    mentions: list[Named] = field(default_factory=list)
    fallbacks: dict[str, Place] = field(default_factory=dict)  #: where each receiver names its own

    def receivers(self, node: Node) -> dict[str, tuple[Receiver, Place]]:
        if is_nothing(node):
            return {}
        if not isinstance(node, MappingNode):
            what = f"receivers: {expected('a mapping', node)}; write name: {{to: […]}}"
            self.mistakes.append(node.place.mistake(what))
            return {}
        found = {}
        for name, value in node.items.items():
            if not isinstance(value, MappingNode):
                what = f"receivers.{name}: {expected('a mapping', value)}; write to: […]"
                self.mistakes.append(value.place.mistake(what))
                found[name] = (Receiver(name, ()), node.keys[name])  # it is there, so that naming it is no mistake
                continue
            found[name] = (self._receiver(name, value), node.keys[name])
        return found

    def route(self, node: MappingNode, labels: Labels, index: int) -> tuple[Route, MappingNode]:
        fields = Fields(node, _ROUTE, self.mistakes)
        fields.require(to="[receiver]")
        to = self._names(fields, "to", "routes")
        where = Selector() if "where" not in fields else read_where(node.items["where"], labels, self.mistakes)
        group_by = fields.texts("group_by")
        for name, place in group_by or ():
            accepted = labels.unknown(name)
            if accepted is not None:
                self.mistakes.append(place.mistake(f"group_by: no alert has a label '{name}'{accepted}"))
        times = {key: fields.duration(key) for key in ("group_wait", "group_interval", "repeat_interval")}
        route = Route(
            to=to,
            where=where,
            continue_=fields.flag("continue") or False,
            group_by=("alertname",) if group_by is None else tuple(name for name, _ in group_by),
            escalate=self._escalate(fields),
            index=index,
            schedule=read_schedule(fields, self.mistakes),
            place=f"{node.place.file}:{node.place.line}:{node.place.column}",
            **{key: value for key, value in times.items() if value is not None},
        )
        return route, node

    def report(self, node: MappingNode) -> ReportSchedule | None:
        """None where it has mistakes."""
        before = len(self.mistakes)
        fields = Fields(node, ("to", "at", "timezone", "since"), self.mistakes)
        fields.require(to="[receiver]", at='"mon 09:00"')
        to, zone, since = self._names(fields, "to", "reports"), read_zone(fields), fields.duration("since")
        if since == 0:
            fields.wrong("since", "since: 0s is no time at all; write how far back the report looks, e.g. 7d")
        try:
            days, minute = parse_moment(fields.text("at") or "00:00")
        except ValueError as cause:
            fields.wrong("at", f"at: {cause}")
        if len(self.mistakes) > before:
            return None
        return ReportSchedule(to, minute, days, zone, 7 * 86400.0 if since is None else since)

    # -- parts

    def _receiver(self, name: str, node: MappingNode) -> Receiver:
        fields = Fields(node, _RECEIVER, self.mistakes)
        fields.require(to='["${SLACK_URL}"]')
        fallback = fields.text("fallback")
        if fallback is not None:
            self.fallbacks[name] = fields.place("fallback")
            self.mentions.append(Named(fallback, fields.place("fallback"), f"receivers.{name}.fallback"))
        send_resolved = fields.flag("send_resolved")
        targets: list[TargetSpec] = []
        if fields.is_empty("to"):
            fields.wrong("to", f"receivers.{name}.to: is empty; write at least one URL, e.g. [slack://…]")
        for template, place in fields.texts("to", single=True) or ():
            spec = TargetSpec(name, template)
            url = self._expand(template, place)
            if url is None:
                continue
            if spec in targets:
                self.mistakes.append(place.mistake(f"receivers.{name}: this target stands here twice; leave one out"))
                continue
            targets.append(spec)
            self.urls[spec.id] = url
            if send_resolved is False and url.startswith("pagerduty"):
                what = f"receivers.{name}: send_resolved: false leaves PagerDuty's incidents open for ever"
                self.warnings.append(fields.place("send_resolved").mistake(what))
        return Receiver(name, tuple(targets), fallback, send_resolved is not False)

    def _expand(self, template: str, place: Place) -> str | None:
        """The URL of a target; None for one that is left out or wrong."""
        if not self._well_formed(template, place):
            return None
        variables = self.variables
        if variables is None:
            return template
        wrong = left_out = False

        def value(written: re.Match[str]) -> str:
            nonlocal wrong, left_out
            named = _NAME.match(written[1])
            assert named is not None
            name, has_default, default = named.groups()
            if found := variables.get(name, "").strip():
                return found
            if has_default:
                left_out = left_out or not default
                return default or ""
            state = "is empty" if name in variables else "is not set"
            hint = did_you_mean(name, [one for one in variables if one != name and not one.startswith(OURS)])
            if self.unset_out:
                self.warnings.append(place.mistake(f"variable {name} {state}; the target is left out"))
                left_out = True
                return ""
            what = f"variable {name} {state}; set it, or write ${{{name}:-}} to leave the target out{hint}"
            self.mistakes.append(place.mistake(what))
            wrong = True
            return ""

        url = _VARIABLE.sub(value, template)
        if wrong or left_out:
            return None
        reason = None if self.check_url is None else self.check_url(url)
        if reason is not None:
            shown = template if _VARIABLE.fullmatch(template) else hidden(template) if "://" in template else "to"
            self.mistakes.append(place.mistake(f"{shown}: {reason}"))
            return None
        return url

    def _well_formed(self, template: str, place: Place) -> bool:
        """Whether every variable is one and none is ours. A '$' without a brace is a text; there is no escape."""
        before = len(self.mistakes)
        for found in _VARIABLE.finditer(template):
            named = _NAME.match(found[1])
            if named is None:
                what = f"'{found[0]}' is not a variable; write ${{NAME}} or ${{NAME:-}}"
                self.mistakes.append(place.mistake(what))
            elif named[1].upper().startswith(OURS):
                what = f"variable {named[1]} belongs to the watchdog's own settings and may not be sent anywhere"
                self.mistakes.append(place.mistake(f"{what}; use another name"))
        if "${" in _VARIABLE.sub("", template):
            self.mistakes.append(place.mistake("a '${' is never closed; write ${NAME} or ${NAME:-}"))
        if bare := _BARE.fullmatch(template):
            self.mistakes.append(place.mistake(f"'{template}' is a text here; write ${{{bare[1]}}}"))
        return len(self.mistakes) == before

    def _names(self, fields: Fields, key: str, what: str) -> tuple[str, ...]:
        found = fields.texts(key, single=True) or ()
        if fields.is_empty(key):
            fields.wrong(key, f"{key}: names nobody; write [receiver]")
        for name, place in found:
            self.mentions.append(Named(name, place, f"{what}.{key}"))
        return tuple(dict.fromkeys(name for name, _ in found))

    def _escalate(self, fields: Fields) -> tuple[Escalation, ...]:
        found = []
        for node in fields.mappings("escalate"):
            inner = Fields(node, ("after", "to"), self.mistakes)
            inner.require(after="15m", to="[receiver]")
            after = inner.duration("after")
            to = self._names(inner, "to", "routes.escalate")
            if after is not None and to:
                found.append(Escalation(after, to))
        return tuple(found)
