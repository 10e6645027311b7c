"""Silences: matchers, a time and a reason, made by people at run time; they hold messages back, never ends."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import re2

from watchdog.readings.fleet import LabelValue


def label_text(value: LabelValue) -> str:
    """A label as Alertmanager's API shows it: a list is its sorted values as `,a,b,`."""
    return value if isinstance(value, str) else f",{','.join(sorted(value))}," if value else ""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One of Alertmanager's matchers: `name="value"`, `!=`, `=~` or `!~` (whole value, RE2 syntax)."""

    name: str
    value: str
    regex: bool = False
    equal: bool = True
    _pattern: Any = field(init=False, repr=False, compare=False, default=None)  #: kept nowhere else

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a matcher needs a label name, e.g. alertname=\"SourceLagHigh\"")
        if self.regex:
            try:
                object.__setattr__(self, "_pattern", _compiled(self.value))
            except re2.error as cause:
                why = cause.args[0].decode() if isinstance(cause.args[0], bytes) else cause
                raise ValueError(f"{self.value[:100]!r} is not a regular expression RE2 accepts: {why}") from cause

    def matches(self, labels: Mapping[str, LabelValue]) -> bool:
        """On a label with several values (`tags`), the text `,a,b,` and each single value are tried."""
        value = labels.get(self.name, "")
        texts = (label_text(value),) if isinstance(value, str) else (label_text(value), *value)
        hit = any(bool(self._pattern.fullmatch(t)) if self.regex else t == self.value for t in texts)
        return hit == self.equal

    def matches_empty(self) -> bool:
        return self.matches({})

    def __str__(self) -> str:
        operator = ("=~" if self.regex else "=") if self.equal else ("!~" if self.regex else "!=")
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{operator}"{quoted}"'


_MATCHER = re.compile(
    r"""([A-Za-z_][A-Za-z0-9_.]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*))\Z""", re.DOTALL
)


def parse_matcher(text: str) -> Matcher:
    """`name=value`, `name!="value"`, `name=~"a|b"`, `name!~…`. Raises ValueError that says what would be accepted."""
    found = _MATCHER.match(text.strip())
    if not found:
        raise ValueError(f"{text[:200]!r} is not a matcher; write name=value, name!=value, name=~regex or name!~regex")
    name, operator, double, single, bare = found.groups()
    escapes = {"n": "\n", '"': '"', "\\": "\\"}
    if double is not None:
        value = re.sub(r"\\(.)", lambda m: escapes.get(m[1], m[0]), double, flags=re.DOTALL)
    else:
        value = single if single is not None else bare
    return Matcher(name, value, regex="~" in operator, equal=not operator.startswith("!"))


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # the library would write to stderr as well
    options.max_mem = _MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    finally:
        re2.purge()  # the library would keep the last 128 patterns of strangers


#: Bytes that one regular expression may take.
_MOST_MEMORY = 512 * 1024
#: What a new silence may hold: matchers, and characters of a name, a value, an author and a comment.
MOST_MATCHERS = 100
_NAME, _VALUE, _AUTHOR, _COMMENT = 200, 1000, 200, 2000


#: The beginning of the year 9999: an instant after it cannot be written down in every time zone.
_LAST = 253370764800.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that every matcher matches are not told while `starts <= now < ends`. One with an `episode` holds back
    that episode only, and ends with it."""

    id: str  #: UUID
    matchers: tuple[Matcher, ...]
    starts: float
    ends: float
    author: str
    comment: str
    changed: float  #: when it was made, edited or expired
    episode: str = ""  #: the id of the episode it ends with, "" for none

    def __post_init__(self) -> None:
        if not self.matchers or all(matcher.matches_empty() for matcher in self.matchers):
            raise ValueError("a silence needs at least one matcher that does not match the empty string")
        if not self.starts < self.ends:
            raise ValueError("a silence has to end after it starts")
        if not (self.starts >= 0 and self.ends <= _LAST):
            raise ValueError("a silence has to start after 1970 and to end before the year 9999")
        texts = (text for one in self.matchers for text in (one.name, one.value))
        if any("\0" in text for text in (self.author, self.comment, *texts)):
            raise ValueError("a silence cannot hold a NUL character")

    @property
    def text(self) -> str:
        """Its matchers, as people write them."""
        return " ".join(map(str, self.matchers))

    def active(self, now: float) -> bool:
        return self.starts <= now < self.ends

    def state(self, now: float) -> Literal["pending", "active", "expired"]:
        return "active" if self.active(now) else "expired" if self.ends <= now else "pending"

    def expired(self, now: float) -> Silence:
        """The same, over from now on; one that has not begun is over before it does."""
        return replace(self, starts=min(self.starts, now - 0.001), ends=now, changed=now)

    def matches(self, labels: Mapping[str, LabelValue]) -> bool:
        return all(matcher.matches(labels) for matcher in self.matchers)


def check_new(silence: Silence) -> None:
    """What somebody makes now has bounds; what is kept already stays. Raises ValueError that names the bound."""
    if len(silence.matchers) > MOST_MATCHERS:
        raise ValueError(f"matchers: {len(silence.matchers)} were found; at most {MOST_MATCHERS} are accepted")
    for one in silence.matchers:
        check_text("a matcher's name", one.name, _NAME)
        check_text(f"the value of {one.name}", one.value, _VALUE)
    check_text("author", silence.author, _AUTHOR)
    check_text("comment", silence.comment, _COMMENT)


def check_said(author: str, comment: str) -> None:
    """The same bounds for who acknowledges an alert. Raises ValueError."""
    check_text("author", author, _AUTHOR)
    check_text("comment", comment, _COMMENT)


def check_text(what: str, text: str, most: int) -> None:
    """Raises ValueError for a text with a NUL, which no database takes, and for one of more than `most` characters."""
    if "\0" in text:
        raise ValueError(f"{what}: a NUL character was found; write text without it")
    if len(text) > most:
        raise ValueError(f"{what}: {len(text)} characters were found; at most {most} are accepted")


def silenced_by(labels: Mapping[str, LabelValue], episode: str, active: Sequence[Silence]) -> list[Silence]:
    """Every active silence that covers an episode with these labels."""
    return [one for one in active if one.episode in ("", episode) and one.matches(labels)]
