"""Rule files to one policy, or every mistake in all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from watchdog.alerts.mutes import Mute
from watchdog.configuration.fields import Fields, expected, hidden
from watchdog.configuration.mutes import read_mute
from watchdog.configuration.places import Mapping as MappingNode
from watchdog.configuration.places import Place, Scalar, read
from watchdog.configuration.places import Sequence as SequenceNode
from watchdog.configuration.receivers import ReceiverReader
from watchdog.configuration.reference_cycles import circles
from watchdog.configuration.rule_folder import leading_out, read_all
from watchdog.configuration.rules import RESERVED, Defaults, Found, RuleReader
from watchdog.configuration.where import Labels
from watchdog.cycle.policy import Policy
from watchdog.errors import Mistake, RuleFileError
from watchdog.notify.routes import Receiver, Route
from watchdog.readings.fleet import LABELS, Kind
from watchdog.rules.rule import Severity
from watchdog.rules.selector import glob, matches_items
from watchdog.spelling import did_you_mean

_TOP = ("defaults", "rules", "receivers", "routes", "mutes", "reports")
CheckUrl = Callable[[str], "str | None"]


def load(
    path: Path,
    variables: Mapping[str, str],
    *,
    seen_metrics: Collection[str] = (),
    expand: bool = True,
    check_url: CheckUrl | None = None,
) -> Policy:
    """The policy of a folder or a file. Raises RuleFileError with every mistake at its place, paths as given here."""
    return load_files([path], variables, seen_metrics=seen_metrics, expand=expand, check_url=check_url)


def load_files(
    paths: Sequence[Path],
    variables: Mapping[str, str],
    *,
    seen_metrics: Collection[str] = (),
    expand: bool = True,
    check_url: CheckUrl | None = None,
) -> Policy:
    """The policy of several files and folders together. Raises RulePathError for those that cannot be read at all."""
    whole = next((str(path) for path in paths), "rules")
    sources = read_all(paths)
    try:
        return load_texts(
            sources, variables, seen_metrics=seen_metrics, expand=expand, check_url=check_url, whole=whole
        )
    except RuleFileError as cause:
        raise _unquoted(cause, leading_out(paths)) from None


def _unquoted(error: RuleFileError, outside: Collection[str]) -> RuleFileError:
    """The same mistakes without a word of files that do not belong to the folder: a link may lead to any file."""
    if not outside:
        return error
    shown = [one for one in error.mistakes if one.file not in outside]
    for file in sorted({one.file for one in error.mistakes} & set(outside)):
        what = "this link leads out of the rules folder to a file with mistakes, which are not quoted; "
        shown.append(Mistake(file, 1, 1, f"{what}check that file by its own path"))
    return RuleFileError(shown)


def load_texts(
    sources: Mapping[str, str | bytes],
    variables: Mapping[str, str],
    *,
    seen_metrics: Collection[str] = (),
    expand: bool = True,
    check_url: CheckUrl | None = None,
    whole: str = "",
    unset_out: bool = False,
) -> Policy:
    """The policy of these texts, by file name. `whole` names them all where a mistake belongs to none of them.

    `unset_out`: targets whose variable is not set are left out with a warning, for a configuration that was accepted
    when it was.
    """
    loader = _Loader(variables if expand else None, seen_metrics, check_url, unset_out)
    for name, text in sources.items():
        loader.read(name, text)
    return loader.policy(sources, whole or next(iter(sources), "rules"))


def fingerprint(sources: Mapping[str, str]) -> str:
    """Of contents and names, so that a touched file is no edit."""
    digest = hashlib.blake2s()
    for name in sorted(sources):
        digest.update(f"{name}\0{len(sources[name])}\0{sources[name]}".encode())
    return digest.hexdigest()


class _Loader:
    """Collects what the files say; what can only be judged among all of them comes last."""

    def __init__(
        self, variables: Mapping[str, str] | None, seen: Collection[str], check_url: CheckUrl | None, unset_out: bool
    ) -> None:
        self._mistakes: list[Mistake] = []
        self._warnings: list[Mistake] = []
        self._rules = RuleReader(self._mistakes, self._warnings, seen)
        # named here, because what is warned of depends on it
        heard = ("PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_API_TOKEN")
        self._hears_pagerduty = any((variables or {}).get(name, "").strip() for name in heard)
        self._routing = ReceiverReader(self._mistakes, self._warnings, variables, check_url, unset_out)
        self._found: list[Found] = []
        self._named: dict[str, Place] = {}
        self._receivers: dict[str, tuple[Receiver, Place]] = {}
        self._route_nodes: list[MappingNode] = []
        self._routes_written = False
        self._mute_nodes: list[MappingNode] = []
        self._report_nodes: list[MappingNode] = []
        self._label_names: set[str] = {*RESERVED, *(name for names in LABELS.values() for name in names)}
        self._mutes: dict[str, Place] = {}
        self._has_rules = False
        self._unread = False  #: of some file it cannot be said whether it holds rules, or what else
        self._receivers_unread = False
        self._routes_unread = False
        self._last_route_read = True

    def read(self, name: str, text: str | bytes) -> None:
        before = len(self._mistakes)
        root = read(name, text, self._mistakes)
        if root is None:
            self._unread = self._unread or len(self._mistakes) > before
            return
        if not isinstance(root, MappingNode):
            what = f"{expected('a mapping', root)}; a rule file begins with one of: {', '.join(_TOP)}"
            self._mistakes.append(root.place.mistake(what))
            self._unread = True
            return
        before = len(self._mistakes)
        fields = Fields(root, _TOP, self._mistakes)
        defaults = self._rules.defaults(root.items["defaults"]) if "defaults" in fields else Defaults()
        self._collect_labels(root)
        rules = fields.mappings("rules")
        self._has_rules = self._has_rules or bool(rules)
        self._unread = self._unread or len(self._mistakes) > before  # as with `rulez:`
        for node in rules:
            self._rule(node, defaults)
        self._receivers_unread = self._receivers_unread or fields.unread("receivers")
        if "receivers" in fields:
            for receiver, (value, place) in self._routing.receivers(root.items["receivers"]).items():
                if receiver in self._receivers:
                    first = self._receivers[receiver][1]
                    what = f"duplicate receiver '{receiver}'; it stands in {first.file}:{first.line} already"
                    self._mistakes.append(place.mistake(what))
                else:
                    self._receivers[receiver] = (value, place)
        routes = fields.mappings("routes")
        written = fields.get("routes")
        self._routes_unread = self._routes_unread or fields.unread("routes", SequenceNode)
        if isinstance(written, SequenceNode) and written.items:
            self._routes_written = True
            self._last_route_read = isinstance(written.items[-1], MappingNode)
        self._route_nodes += routes
        self._mute_nodes += fields.mappings("mutes")
        self._report_nodes += fields.mappings("reports")

    def policy(self, sources: Mapping[str, str | bytes], whole: str) -> Policy:
        """All together; raises RuleFileError."""
        labels = Labels(self._label_names, complete=not (self._unread or self._rules.labels_unread))
        routes = [self._routing.route(node, labels, index) for index, node in enumerate(self._route_nodes)]
        self._check_routes([route for route, _ in routes])
        mutes = [found for node in self._mute_nodes if (found := self._mute(node, labels)) is not None]
        reports = [self._routing.report(node) for node in self._report_nodes]
        self._check_mentions()
        self._check_reports()
        self._check_fallbacks()
        self._check_suppression()
        for name, (_, place) in self._receivers.items():
            if routes and not any(mention.name == name for mention in self._routing.mentions):
                what = f"receiver '{name}' is never notified: no route, escalation or fallback names it"
                self._warnings.append(place.mistake(what))
        if not self._has_rules and not self._unread:
            what = "holds no rule; write at least one below 'rules:' in a *.yaml or *.yml file"
            self._mistakes.append(Mistake(whole, 1, 1, what))
        if not self._receivers and not self._mistakes:
            self._warnings.append(Mistake(whole, 1, 1, "no receivers: alerts show on the page and in the log only"))
        if self._mistakes:
            raise RuleFileError(_once(self._mistakes))
        texts = {name: text if isinstance(text, str) else text.decode("utf-8-sig") for name, text in sources.items()}
        return Policy(
            rules=tuple(found.rule for found in self._found),
            receivers={name: receiver for name, (receiver, _) in self._receivers.items()},
            routes=tuple(route for route, _ in routes),
            mutes=tuple(mutes),
            reports=tuple(one for one in reports if one is not None),
            urls=self._routing.urls,
            sources=texts,
            fingerprint=fingerprint(texts),
            warnings=tuple(_once(self._warnings)),
        )

    # -- one rule, one mute

    def _rule(self, node: MappingNode, defaults: Defaults) -> None:
        name = node.items.get("alert")
        if isinstance(name, Scalar) and name.text:
            first = self._named.setdefault(name.text, name.place)
            if first is not name.place:
                what = f"duplicate alert name '{name.text}'; it stands in {first.file}:{first.line} already"
                self._mistakes.append(name.place.mistake(what))
        found = self._rules.rule(node, defaults)
        if found is not None:
            self._found.append(found)

    def _mute(self, node: MappingNode, labels: Labels) -> Mute | None:
        found = read_mute(node, labels, self._mistakes)
        if found is None:
            return None
        mute, place = found
        first = self._mutes.setdefault(mute.name, place)
        if first is not place:
            what = f"duplicate mute '{mute.name}'; it stands in {first.file}:{first.line} already"
            self._mistakes.append(place.mistake(what))
        return mute

    def _collect_labels(self, root: MappingNode) -> None:
        """Labels that rules add can be routed and grouped by in every file."""
        holders = [root.items.get("defaults")]
        rules = root.items.get("rules")
        for rule in rules.items if isinstance(rules, SequenceNode) else ():
            if isinstance(rule, MappingNode):
                overrides = rule.items.get("overrides")
                holders += [rule, *(overrides.items if isinstance(overrides, SequenceNode) else ())]
        for holder in holders:
            labels = holder.items.get("labels") if isinstance(holder, MappingNode) else None
            if isinstance(labels, MappingNode):
                self._label_names.update(labels.items)

    # -- what only all files together can show

    def _check_routes(self, routes: list[Route]) -> None:
        if routes and "where" in self._route_nodes[-1].items and self._last_route_read:
            what = "the last route has a 'where'; leave it out, so that nothing falls through"
            self._mistakes.append(self._route_nodes[-1].key("where").mistake(what))
        if self._receivers and not (self._routes_written or self._routes_unread or self._unread):
            place = next(iter(self._receivers.values()))[1]
            self._mistakes.append(place.mistake("there are receivers but no routes; write routes: [{to: [receiver]}]"))
        for node, route in zip(self._route_nodes[:-1], routes[:-1], strict=True):
            if not route.where.items and not route.continue_ and not route.schedule.times:
                what = "this route takes everything, so those below it are never reached; give it a 'where'"
                self._warnings.append(node.place.mistake(what))
        for node, route in zip(self._route_nodes[-1:], routes[-1:], strict=True):
            if route.schedule.times:
                what = "times: this is the last route, so outside these times nobody is told of what no other one takes"
                self._warnings.append(node.key("times").mistake(what))
        for node, route in zip(self._route_nodes, routes, strict=True):
            wanted, where = route.where.items.get("severity"), node.items.get("where")
            if wanted and isinstance(where, MappingNode) and not any(matches_items(wanted, one) for one in Severity):
                what = f"where: no alert has such a severity; there are {', '.join(Severity)}"
                self._warnings.append(where.items["severity"].place.mistake(what))
        if self._hears_pagerduty:
            return
        pagerduty = {r.name for r, _ in self._receivers.values()
                     if any(self._routing.urls.get(t.id, "").startswith("pagerduty") for t in r.targets)}  # fmt: skip
        for node, route in zip(self._route_nodes, routes, strict=True):
            if route.escalate and pagerduty & {*route.to, *(n for step in route.escalate for n in step.to)}:
                what = (
                    "escalate: acknowledgements inside PagerDuty are not seen here; "
                    "set PAGERDUTY_WEBHOOK_SECRET or PAGERDUTY_API_TOKEN"
                )
                self._warnings.append(node.key("escalate").mistake(what))

    def _check_mentions(self) -> None:
        if self._receivers_unread or (self._unread and not self._receivers):
            return  # those that could not be read may be meant
        for mention in self._routing.mentions:
            if mention.name not in self._receivers:
                known = ", ".join(self._receivers) or "none"
                hint = did_you_mean(mention.name, self._receivers) or f"; there are {known}"
                what = f"{mention.what}: unknown receiver '{hidden(mention.name)}'{hint}"
                self._mistakes.append(mention.place.mistake(what))

    def _check_reports(self) -> None:
        """PagerDuty's targets get no reports."""
        for mention in self._routing.mentions:
            targets = self._receivers[mention.name][0].targets if mention.name in self._receivers else ()
            schemes = {self._routing.urls.get(target.id, "").partition(":")[0] for target in targets}
            if mention.what == "reports.to" and schemes == {"pagerduty"}:
                what = f"reports.to: receiver '{mention.name}' gets no report: PagerDuty has incidents only"
                self._warnings.append(mention.place.mistake(what))

    def _check_fallbacks(self) -> None:
        """A fallback that leads back to its receiver would be told of its own failure."""
        edges = {name: [receiver.fallback] if receiver.fallback in self._receivers else []
                 for name, (receiver, _) in self._receivers.items()}  # fmt: skip
        for circle in circles(edges):
            shown = " -> ".join([*circle, circle[0]])
            place = self._routing.fallbacks[circle[0]]
            self._mistakes.append(place.mistake(f"cycle of fallbacks: {shown}; end it somewhere"))

    def _check_suppression(self) -> None:
        rules = {found.rule.name: found for found in self._found}
        edges: dict[str, list[str]] = {}
        for name, found in rules.items():
            for pattern, place in zip(found.rule.suppresses, found.suppresses_at, strict=True):
                hits = [other for other in rules if glob(pattern).match(other)]
                if pattern == "*":  # does not cover what the watchdog says of itself
                    hits = [other for other in hits if rules[other].rule.each is not Kind.WATCHDOG]
                if not hits and not self._mistakes:
                    hint = did_you_mean(pattern, rules)
                    self._warnings.append(place.mistake(f"suppresses: '{pattern}' matches no rule{hint}"))
                edges.setdefault(name, []).extend(other for other in hits if other != name)
        for circle in circles(edges):
            shown = " -> ".join([*circle, circle[0]])
            place = rules[circle[0]].suppresses_at[0]
            self._mistakes.append(place.mistake(f"cycle of suppression: {shown}; each would hold the other back"))


def _once(mistakes: list[Mistake]) -> list[Mistake]:
    return list(dict.fromkeys(mistakes))
