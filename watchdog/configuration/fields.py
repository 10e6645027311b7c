"""Reading fields: a mapping of a rule file to typed values; what does not fit becomes a mistake with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import TypeVar

from watchdog.configuration.places import Mapping, Node, Place, Scalar, Sequence
from watchdog.errors import Mistake
from watchdog.spelling import did_you_mean, nearest
from watchdog.units import parse_duration

#: Characters of a line shown on either side of a mistake.
_EXCERPT = 80
_URLS = "write apprise URLs in 'to'"
_MUTES = "quiet times are written below 'mutes:', with a where of their own"
_WHERE = "write 'where: {label: pattern}'"
_ALERT, _EXPR, _TO = "write 'alert: NameOfTheRule'", "write 'expr: recordsLag > 1000'", "write 'to: [receiver]'"
_TEXT = "texts stand below 'annotations:'"
#: Keys of Prometheus, Alertmanager and others: what is written here instead, and the key that does it, "" for none.
_HABITS = {
    "groups": ("write the rules of all groups below 'rules:'", "rules"),
    "route": ("write a list of routes below 'routes:'; the last has no where", "routes"),
    "routes": (
        "routes do not nest; write them one below another, with continue: true where more than one is to match",
        "",
    ),
    "inhibit_rules": ("write 'suppresses: [names]' in the rule that holds others back", ""),
    "time_intervals": (_MUTES, ""),
    "mute_time_intervals": (_MUTES, ""),
    "active_time_intervals": (_MUTES, ""),
    "match": (_WHERE, "where"),
    "match_re": (_WHERE, "where"),
    "matchers": (_WHERE, "where"),
    "receiver": (_TO, "to"),
    "receivers": (_TO, "to"),
    "url": (_URLS, "to"),
    "urls": (_URLS, "to"),
    "targets": (_URLS, "to"),
    "name": (_ALERT, "alert"),
    "rule": (_ALERT, "alert"),
    "expression": (_EXPR, "expr"),
    "condition": (_EXPR, "expr"),
    "query": (_EXPR, "expr"),
    "threshold": ("compare with it in expr, by a name below 'params:' where it differs from entity to entity", ""),
    "record": ("nothing is recorded; write the expression where it is used", ""),
    "interval": ("every rule is judged at every poll; WATCHDOG_POLL_EVERY says how often", ""),
    "kind": ("write 'each: source'", "each"),
    "filter": (_WHERE, "where"),
    "selector": (_WHERE, "where"),
    "duration": ("write 'for: 5m'", "for"),
    "summary": (_TEXT, "annotations"),
    "description": (_TEXT, "annotations"),
    "message": (_TEXT, "annotations"),
    "runbook_url": (_TEXT, "annotations"),
    "slack_configs": (_URLS, "to"),
    "email_configs": (_URLS, "to"),
    "pagerduty_configs": (_URLS, "to"),
    "webhook_configs": (_URLS, "to"),
}
_Choice = TypeVar("_Choice", bound=StrEnum)


def expected(what: str, node: Node) -> str:
    """`'5 minutes' is not a …`-like beginning for a node of the wrong kind."""
    return f"{shown(node)} is not {what}"


def shown(node: Node) -> str:
    """What was found, short enough for a line."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if is_nothing(node) else f"'{hidden(node.text)}'"


def hidden(text: str) -> str:
    """A text fit to be shown: one line, not too long, and of a URL the scheme only, for it may be a target's."""
    scheme, slashes, _ = text.partition("://")
    if slashes:
        return f"{scheme.split()[-1][-20:] if scheme.split() else ''}://…"
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def is_nothing(node: Node | None) -> bool:
    """Whether a key has no value: `rules:` with everything below it commented out."""
    return node is None or (isinstance(node, Scalar) and node.value is None and not node.style)


def is_blank(node: Scalar) -> bool:
    """Whether nothing is written where a text belongs: `team:`. A text without letters is written ''."""
    return not node.text and not node.style


class Fields:
    """One mapping being read. `meant` are the keys that unknown ones probably mean: they are there, misspelled."""

    def __init__(self, node: Mapping, known: Collection[str], mistakes: list[Mistake]) -> None:
        self.node = node
        self.mistakes = mistakes
        self.meant: set[str] = set()
        for key, place in node.keys.items():
            if key not in known:
                near = nearest(key, known)
                hint, means = f"did you mean '{near}'?" if near else "", near
                if key in _HABITS and (not _HABITS[key][1] or _HABITS[key][1] in known):
                    hint, means = _HABITS[key]
                self.meant.add(means)
                accepted = hint or f"known here: {', '.join(known)}"
                self.mistakes.append(place.mistake(f"unknown key '{hidden(key)}'; {accepted}"))

    def __contains__(self, key: str) -> bool:
        return key in self.node.items

    def get(self, key: str) -> Node | None:
        return self.node.items.get(key)

    def place(self, key: str) -> Place:
        """Of the value, or of the whole mapping where the key is missing."""
        node = self.node.items.get(key)
        return self.node.place if node is None else node.place

    def wrong(self, key: str, what: str) -> None:
        self.mistakes.append(self.place(key).mistake(what))

    def unread(self, key: str, form: type[Mapping] | type[Sequence] = Mapping) -> bool:
        """Whether a key is there, but not what it holds: misspelled, or of another form."""
        node = self.get(key)
        return key in self.meant or not (is_nothing(node) or isinstance(node, form))

    def require(self, *keys: str, **examples: str) -> bool:
        """Complain of required keys that are missing, with an example of what could be written where there is one."""
        missing = [key for key in (*keys, *examples) if key not in self.node.items]
        for key in missing:
            if key not in self.meant:
                hint = f"; write e.g. {key}: {examples[key]}" if key in examples else ""
                self.mistakes.append(self.node.place.mistake(f"'{key}' is missing{hint}"))
        return not missing

    # -- typed values; None where the key is missing or wrong

    def text(self, key: str) -> str | None:
        node = self.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or is_nothing(node):
            self.wrong(key, f"{key}: {expected('a text', node)}; write one")
            return None
        if not node.text.strip():
            self.wrong(key, f"{key}: is empty; write a text")
            return None
        return node.text

    def duration(self, key: str) -> float | None:
        node = self.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or is_nothing(node):
            self.wrong(key, f"{key}: {expected('a duration', node)}; write a number and ms, s, m, h or d, e.g. 5m")
            return None
        if node.text == "0":
            return 0.0
        try:
            return parse_duration(node.text)
        except ValueError as cause:
            self.wrong(key, f"{key}: {cause}")
            return None

    def flag(self, key: str) -> bool | None:
        node = self.get(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.wrong(key, f"{key}: {expected('true or false', node)}; write true or false")
        return None

    def choice(self, key: str, among: Iterable[_Choice]) -> _Choice | None:
        node = self.get(key)
        if node is None:
            return None
        words = {str(one): one for one in among}
        if isinstance(node, Scalar) and node.text in words:
            return words[node.text]
        hint = did_you_mean(node.text, words) if isinstance(node, Scalar) else ""
        self.wrong(key, f"{key}: {expected('one of them', node)}; write {_either(list(words))}{hint}")
        return None

    def texts(self, key: str, *, single: bool = False) -> tuple[tuple[str, Place], ...] | None:
        """A list of texts, each with its place; one text alone where `single` allows it."""
        node = self.get(key)
        if node is None:
            return None
        if single and isinstance(node, Scalar) and not is_nothing(node):
            return ((node.text, node.place),)
        if not isinstance(node, Sequence):
            form = "a text or a list of texts" if single else "a list"
            self.wrong(key, f"{key}: {expected(form, node)}; write [a, b]")
            return None
        found = []
        for item in node.items:
            if isinstance(item, Scalar) and item.text.strip() and not is_nothing(item):
                found.append((item.text, item.place))
            else:
                self.mistakes.append(item.place.mistake(f"{key}: {expected('a text', item)}; write one"))
        return tuple(found)

    def is_empty(self, key: str) -> bool:
        """Whether a list has nothing in it."""
        node = self.get(key)
        return isinstance(node, Sequence) and not node.items

    def mapping(self, key: str) -> Mapping | None:
        node = self.get(key)
        if node is None or is_nothing(node):
            return None
        if isinstance(node, Mapping):
            return node
        self.wrong(key, f"{key}: {expected('a mapping', node)}; write names and values below it")
        return None

    def mappings(self, key: str) -> list[Mapping]:
        """A list of mappings; items of another kind are mistakes."""
        node = self.get(key)
        if node is None or is_nothing(node):
            return []
        if not isinstance(node, Sequence):
            self.wrong(key, f"{key}: {expected('a list', node)}; begin each entry with '- '")
            return []
        found = []
        for item in node.items:
            if isinstance(item, Mapping):
                found.append(item)
            else:
                what = f"{key}: {expected('a mapping', item)}; write names and values"
                self.mistakes.append(item.place.mistake(what))
        return found

    def text_map(self, key: str) -> dict[str, str]:
        """Names to texts; scalars of every kind are taken as written, and "" stands for what is none."""
        node = self.mapping(key)
        if node is None:
            return {}
        found = {}
        for name, value in node.items.items():
            found[name] = ""
            if isinstance(value, Scalar) and not is_blank(value):
                found[name] = value.text
            else:
                self.mistakes.append(value.place.mistake(f"{key}.{name}: {expected('a text', value)}; write one"))
        return found


def in_text(node: Scalar, offset: int, length: int, what: str) -> Mistake:
    """A mistake inside a scalar's text, underlined below it."""
    line, at = _excerpt(node.text, offset)
    underline = " " * at + "^" * max(1, min(length, len(line) - at))
    return node.place_of(offset).mistake(f"{what}\n    {line}\n    {underline}")


def _excerpt(text: str, offset: int) -> tuple[str, int]:
    """The line around a character, or the part of it that fits, and where in that the character is."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    before = "…" if offset - start > _EXCERPT else ""
    start = max(start, offset - _EXCERPT)
    after = "…" if end - offset > _EXCERPT else ""
    return f"{before}{text[start : min(end, offset + _EXCERPT)]}{after}", len(before) + offset - start


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
