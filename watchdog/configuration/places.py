"""Places: YAML text to plain values that know their line and column.

PyYAML composes the nodes; scalars are resolved here by YAML 1.2's core schema (`no` is a text, `010` is ten, `1:30`
is a text). What a rule file has no use for and a reader stumbles over is refused: anchors, aliases, tags, several
documents.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from watchdog.configuration.yaml_errors import BREAK, QUOTES, garbled
from watchdog.errors import Mistake

#: Bytes of a file that are read at most.
MAX_BYTES = 2_000_000
_MAX_DEPTH = 40
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_NULL = ("", "~", "null", "Null", "NULL")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VISIBLE = re.compile(r"\S")
#: The same between single quotes, where '' is one character.
_QUOTED = re.compile(r"''|\S")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column from 1."""

    file: str
    line: int
    column: int

    def mistake(self, what: str) -> Mistake:
        return Mistake(self.file, self.line, self.column, what)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar: as written (`text`, quotes and escapes resolved), its value by the core schema, and how it was quoted.

    `style` is "" for plain, "'" , '"', "|" or ">"; `raw` is the source between its marks, quotes included.
    """

    place: Place
    text: str
    value: str | int | float | bool | None
    style: str = ""
    raw: str = ""

    def place_of(self, offset: int) -> Place:
        """The place of a character of `text`: exact where the source shows it; in a block scalar its line; in a text
        with escapes the beginning."""
        if self.style == '"' and "\\" in self.raw:
            return self.place
        at = self._in_source(offset)
        begins = [0, *(found.end() for found in BREAK.finditer(self.raw))]
        below = sum(begin <= at for begin in begins) - 1
        if self.style in ("|", ">"):
            line = self.raw[begins[below] :]
            return Place(self.place.file, self.place.line + below, len(line) - len(line.lstrip(" ")) + 1)
        column = at - begins[below] + (1 if below else self.place.column)
        return Place(self.place.file, self.place.line + below, column)

    def _in_source(self, offset: int) -> int:
        """Where in `raw` a character of `text` stands. Folding changes white space only, so the others are counted."""
        header = 0
        if self.style in ("|", ">"):
            first = BREAK.search(self.raw)
            header = len(self.raw) if first is None else first.end()
        elif self.style:
            header = 1
        seen = [found.start() for found in (_QUOTED if self.style == "'" else _VISIBLE).finditer(self.raw, header)]
        before = len(_VISIBLE.findall(self.text[:offset]))
        if offset < len(self.text) and not self.text[offset].isspace():
            return seen[before]
        return seen[before - 1] + 1 if before else header


@dataclass(frozen=True, slots=True)
class Sequence:
    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys in file order; `keys` gives each key's own place."""

    place: Place
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)

    def key(self, name: str) -> Place:
        return self.keys.get(name, self.place)


Node = Scalar | Sequence | Mapping


def read(file: str, data: bytes | str, mistakes: list[Mistake]) -> Node | None:
    """The root of a file; None for an empty one or one that is no YAML. Every mistake found is added to `mistakes`."""
    start = Place(file, 1, 1)
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        mistakes.append(start.mistake("the file is too big; 2 MB are the most that is read"))
        return None
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as cause:
        line, column = _line_and_column(raw[: cause.start].decode("utf-8"))
        mistakes.append(Place(file, line, column).mistake("is not UTF-8 text; save the file as UTF-8"))
        return None
    control = _CONTROL.search(text)
    if control is not None:
        what = f"holds a control character (U+{ord(control[0]):04X}); YAML allows printable text only"
        mistakes.append(Place(file, *_line_and_column(text[: control.start()])).mistake(what))
        return None
    return _Reader(file, text, mistakes).root()


def _line_and_column(before: str) -> tuple[int, int]:
    """Of the character behind `before`, from 1."""
    breaks = list(BREAK.finditer(before))
    return len(breaks) + 1, len(before) - (breaks[-1].end() if breaks else 0) + 1


class _Reader:
    def __init__(self, file: str, text: str, mistakes: list[Mistake]) -> None:
        self._file = file
        self._text = text
        self._mistakes = mistakes

    def root(self) -> Node | None:
        start = Place(self._file, 1, 1)
        try:
            if not self._events_are_fine():
                return None
            node = yaml.compose(self._text, Loader=_Loader)
        except yaml.MarkedYAMLError as cause:
            line, column, why = garbled(self._text, cause)
            self._mistakes.append(Place(self._file, line, column).mistake(f"is not YAML: {why}"))
            return None
        except RecursionError:
            self._mistakes.append(start.mistake(f"is nested deeper than {_MAX_DEPTH} levels"))
            return None
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULL):
            return None
        return self._node(node)

    def _events_are_fine(self) -> bool:
        """Look at the stream before anything is built: depth, documents, anchors and aliases show there."""
        depth = documents = 0
        before = len(self._mistakes)
        for event in yaml.parse(self._text, Loader=_Loader):
            mark = event.start_mark
            place = Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1, 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._mistakes.append(place.mistake("a second document begins; write one document a file"))
            elif isinstance(event, yaml.AliasEvent):
                self._mistakes.append(place.mistake(f"alias '*{event.anchor}'; {QUOTES}, an alias is not read"))
            elif isinstance(event, yaml.NodeEvent) and event.anchor:
                self._mistakes.append(place.mistake(f"anchor '&{event.anchor}'; {QUOTES}, an anchor is not read"))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH:
                    self._mistakes.append(place.mistake(f"is nested deeper than {_MAX_DEPTH} levels"))
                    return False
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            tag = getattr(event, "tag", None)
            if tag is not None:
                shown = tag.replace("tag:yaml.org,2002:", "!!")
                self._mistakes.append(place.mistake(f"tag '{shown}'; {QUOTES}, a tag is not read"))
        return len(self._mistakes) == before

    def _node(self, node: yaml.Node) -> Node:
        place = Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.ScalarNode):
            raw = self._text[node.start_mark.index : node.end_mark.index]
            style = node.style or ""
            value = _resolve(node.value) if not style else node.value
            return Scalar(place, node.value, value, style, raw)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(place, tuple(self._node(one) for one in node.value))
        found = Mapping(place)
        for key, value in self._whole(node.value) if self._text.startswith("{", node.start_mark.index) else node.value:
            where = Place(self._file, key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                braces = self._text.startswith("{{", node.start_mark.index)
                what = "a text that begins with '{' has to stand in quotes" if braces else "a key has to be a text"
                self._mistakes.append((place if braces else where).mistake(what))
                continue
            if key.value == "<<" and not key.style:
                self._mistakes.append(where.mistake("merge key '<<'; nothing is merged here, write the values out"))
                continue
            if key.value in found.items:
                first = found.keys[key.value].line
                self._mistakes.append(where.mistake(f"duplicate key '{key.value}'; it stands in line {first} already"))
                continue
            found.keys[key.value] = where
            found.items[key.value] = self._node(value)
        return found

    def _whole(self, pairs: list[tuple[yaml.Node, yaml.Node]]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """The pairs of a flow mapping; values that a ',' has torn are put together: `{expr: min(a, b) > 1}`."""
        rest = deque(pairs)
        while rest:
            key, value = rest.popleft()
            start, end, opened = value.start_mark, value.end_mark, _opened(value)
            while opened > 0 and rest and self._is_bare(*rest[0]):
                torn = rest.popleft()[0]
                end, opened = torn.end_mark, opened + _opened(torn)
            if end is not value.end_mark:
                place = Place(self._file, start.line + 1, start.column + 1)
                self._mistakes.append(place.mistake("a ',' ends a text between { and }; put the text in quotes"))
                value = yaml.ScalarNode(value.tag, self._text[start.index : end.index], start, end)
            yield key, value

    def _is_bare(self, key: yaml.Node, value: yaml.Node) -> bool:
        """Whether a key of a flow mapping has no ':' behind it."""
        return isinstance(key, yaml.ScalarNode) and value.start_mark.index == value.end_mark.index == key.end_mark.index


def _opened(node: yaml.Node) -> int:
    """How many more brackets a plain text opens than it closes."""
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    return node.value.count("(") - node.value.count(")") if plain else 0


def _resolve(text: str) -> str | int | float | bool | None:
    """A plain scalar by YAML 1.2's core schema."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.match(text):
        if text.startswith(("0o", "0x")):
            return int(text, 8 if text[1] == "o" else 16)
        return int(text) if len(text) < 400 else text
    if _FLOAT.match(text):
        return float(text)
    if _SPECIAL_FLOAT.match(text):
        return float(text.replace(".", "", 1))
    return text
