"""Places: YAML text to plain values that know their line and column.

PyYAML composes the nodes; scalars are resolved here by YAML 1.2's core schema (`no` is a text, `010` is ten, `1:30`
is a text). What a rule file has no use for and a reader stumbles over is refused: anchors, aliases, tags, several
documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from watchdog.errors import Mistake

_MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 40
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_NULL = ("", "~", "null", "Null", "NULL")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        """The place of a character of `text`: exact where the source shows it as it is; in a block scalar its line;
        where escapes stand in between, the beginning."""
        at = self.place
        if self.style in ("|", ">"):
            return Place(at.file, *self._block_line(offset))
        if "\n" in self.raw or (self.style == '"' and "\\" in self.raw) or (self.style == "'" and "''" in self.raw):
            return self._folded(offset) if "\\" not in self.raw and "''" not in self.raw else at
        return Place(at.file, at.line, at.column + (1 if self.style else 0) + offset)

    def _words(self) -> Iterator[tuple[int, int, int]]:
        """For each word of the source: its offset there, its line below the beginning, and its column offset."""
        for line_number, line in enumerate(self.raw.split("\n")):
            for word in re.finditer(r"\S+", line):
                yield line_number, word.start(), len(word[0])

    def _folded(self, offset: int) -> Place:
        """In a flow scalar over several lines: the same word in the source, found by counting words."""
        before = len(re.findall(r"\S+", self.text[:offset]))
        started = bool(self.text[:offset]) and not self.text[offset - 1].isspace()
        index = before - 1 if started else before
        inside = offset - (self.text[:offset].rfind(" ") + 1) if started else 0
        inside = min(inside, len(re.split(r"\s", self.text[:offset])[-1])) if started else 0
        words = list(self._words())
        if index >= len(words):
            return self.place
        line, column, _ = words[index]
        if line == 0:
            first = 1 if self.style and index == 0 and not self.raw[:1].isspace() else 0
            return Place(self.place.file, self.place.line, self.place.column + column + inside + (first and 1))
        return Place(self.place.file, self.place.line + line, column + 1 + inside)

    def _block_line(self, offset: int) -> tuple[int, int]:
        """Line of the source that holds a character of a block scalar; the column is where that line's text begins."""
        lines = self.raw.split("\n")[1:]  # behind the indicator
        if self.style == "|":
            wanted = self.text[:offset].count("\n")
            index = min(wanted, max(0, len(lines) - 1))
        else:
            seen = len(re.findall(r"\S+", self.text[: offset + 1]))
            words = 0
            index = 0
            while index < len(lines) - 1 and words + len(lines[index].split()) < seen:
                words += len(lines[index].split())
                index += 1
        line = lines[index] if index < len(lines) else ""
        return self.place.line + 1 + index, len(line) - len(line.lstrip()) + 1


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
    size = len(data.encode() if isinstance(data, str) else data)
    if size > _MAX_BYTES:
        mistakes.append(start.mistake(f"the file has {size:,} bytes; 2 MB are the most that is read"))
        return None
    if isinstance(data, bytes):
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as cause:
            line = data.count(b"\n", 0, cause.start) + 1
            column = cause.start - data.rfind(b"\n", 0, cause.start)
            mistakes.append(Place(file, line, column).mistake("is not UTF-8 text; save the file as UTF-8"))
            return None
    else:
        text = data
    return _Reader(file, text.removeprefix("\ufeff"), mistakes).root()


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
            loader = _Loader(self._text)
            try:
                node = loader.get_single_node()
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as cause:
            mark = cause.problem_mark or cause.context_mark
            if "end of stream" in (cause.problem or "") and cause.context_mark is not None:
                mark = cause.context_mark  # where the quote was opened, not where the file ends
            place = start if mark is None else Place(self._file, mark.line + 1, mark.column + 1)
            problem = cause.problem or cause.context or "cannot be read"
            self._mistakes.append(place.mistake(f"is not YAML: {_plainly(problem, self._line(place.line))}"))
            return None
        except yaml.reader.ReaderError as cause:
            before = self._text[: cause.position]
            place = Place(self._file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
            self._mistakes.append(place.mistake("holds a control character; YAML allows printable text only"))
            return None
        except RecursionError:
            self._mistakes.append(start.mistake(f"is nested deeper than {_MAX_DEPTH} levels"))
            return None
        return None if node is None else self._node(node)

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
                self._mistakes.append(place.mistake(f"alias '*{event.anchor}'; write the value out instead"))
            elif isinstance(event, yaml.NodeEvent) and event.anchor:
                self._mistakes.append(place.mistake(f"anchor '&{event.anchor}'; anchors and aliases are not read"))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH:
                    self._mistakes.append(place.mistake(f"is nested deeper than {_MAX_DEPTH} levels"))
                    return False
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            tag = getattr(event, "tag", None)
            if tag is not None and isinstance(event, yaml.NodeEvent) and not _is_implied(event):
                shown = tag.replace("tag:yaml.org,2002:", "!!")
                self._mistakes.append(place.mistake(f"tag '{shown}'; tags are not read, leave it out"))
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
        for key, value in node.value:
            where = Place(self._file, key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                self._mistakes.append(where.mistake("a key has to be a text"))
                continue
            if key.value in found.items:
                first = found.keys[key.value].line
                self._mistakes.append(where.mistake(f"duplicate key '{key.value}'; it stands in line {first} already"))
                continue
            found.keys[key.value] = where
            found.items[key.value] = self._node(value)
        return found

    def _line(self, number: int) -> str:
        lines = self._text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""


def _is_implied(event: yaml.NodeEvent) -> bool:
    """Whether the parser put the tag there itself (the C parser leaves it out, the Python one does too)."""
    return getattr(event, "tag", None) is None


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


def _plainly(problem: str, line: str) -> str:
    """The parser's words in ours, with the usual cause."""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return "a tab is used for indentation; use spaces"
    if "mapping values are not allowed" in problem:
        return "a second ':' in this line; put the text in quotes"
    if "could not find expected ':'" in problem:
        return "a ':' is missing behind the key"
    if "block end" in problem or "block mapping" in problem:
        return "the indentation does not fit the lines above"
    if "end of stream" in problem:
        return "a quote or bracket that is opened here is never closed"
    if "%" in line or "cannot start any token" in problem:
        return "a value may not begin with this character; put the text in quotes"
    return problem
