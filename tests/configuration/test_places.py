"""YAML with places: scalars by the core schema of YAML 1.2, what is refused, and where a character stands."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.configuration.places import MAX_BYTES, Mapping, Node, Scalar, Sequence, read
from watchdog.errors import Mistake


def root(data: bytes | str) -> Node:
    mistakes: list[Mistake] = []
    node = read("f.yaml", data, mistakes)
    assert mistakes == []
    assert node is not None
    return node


def value(data: str) -> Scalar:
    """The value of the key `k`."""
    node = root(data)
    assert isinstance(node, Mapping)
    found = node.items["k"]
    assert isinstance(found, Scalar)
    return found


def refused(data: bytes | str) -> list[str]:
    mistakes: list[Mistake] = []
    read("f.yaml", data, mistakes)
    return [str(one) for one in mistakes]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True), ("True", True), ("TRUE", True), ("tRUE", "tRUE"), ("false", False),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("N", "N"),
        ("null", None), ("Null", None), ("NULL", None), ("~", None), ("", None), ("nULL", "nULL"),
        ("12", 12), ("-12", -12), ("+12", 12), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"),
        ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015), ("1e", "1e"), ("1.2.3", "1.2.3"),
        (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf), ("inf", "inf"), ("nan", "nan"),
        ("1:30", "1:30"), ("22:00-06:00", "22:00-06:00"), ("2026-01-05", "2026-01-05"), ("=", "="), ("<<", "<<"),
        ("'12'", "12"), ('"true"', "true"), ("5m", "5m"), ("1h30m", "1h30m"), ("9" * 500, "9" * 500),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(written: str, meant: object) -> None:
    found = value(f"k: {written}")
    assert found.value == meant
    assert type(found.value) is type(meant)
    assert math.isnan(float(value("k: .nan").value or 0))


def test_every_key_and_value_knows_its_place() -> None:
    node = root("a: 1\nb:\n  - x\n  - {c: y}\n")
    assert isinstance(node, Mapping)
    assert (node.keys["b"].line, node.keys["b"].column) == (2, 1)
    items = node.items["b"]
    assert isinstance(items, Sequence)
    assert [(item.place.line, item.place.column) for item in items.items] == [(3, 5), (4, 5)]
    inner = items.items[1]
    assert isinstance(inner, Mapping)
    assert (inner.keys["c"].column, inner.items["c"].place.column) == (6, 9)


@pytest.mark.parametrize(
    ("why", "data", "mistake"),
    [
        ("an anchor", "a: &x 1", "1:4: anchor '&x'; a text that begins with '*', '&' or '!' has to stand in quotes, an anchor is not read"),
        ("an anchor of a list", "a: &x [1]", "1:4: anchor '&x'"),
        ("an anchor of a mapping", "&x\na: 1", "1:1: anchor '&x'"),
        ("an alias", "a: *x", "1:4: alias '*x'; a text that begins with '*', '&' or '!' has to stand in quotes, an alias is not read"),
        ("a glob without quotes", "a: *-eu", "1:4: alias '*-eu'; a text that begins with '*', '&' or '!' has to stand in quotes"),
        ("everything without quotes", "a: *", "1:4: is not YAML: a text that begins with '*', '&' or '!' has to stand in quotes"),
        ("an exclusion without quotes", "a: [!prod]", "1:5: is not YAML: a text that begins with '*', '&' or '!' has to"),
        ("the same on its own", "a: !prod*", "1:4: tag '!prod*'; a text that begins with '*', '&' or '!' has to"),
        ("a tag of a text", "a: !!str 1", "1:4: tag '!!str'; a text that begins with '*', '&' or '!' has to stand in quotes, a tag is not read"),
        ("a tag of a list", "a: !!seq [1]", "1:4: tag '!!seq'"),
        ("a tag of a mapping", "a: !!map {b: 1}", "1:4: tag '!!map'"),
        ("a tag of a key", "!!str a: 1", "1:1: tag '!!str'"),
        ("a tag of our own", "a: !env X", "1:4: tag '!env'"),
        ("a tag to run things", "!!python/object/apply:os.system ['true']", "1:1: tag '!!python/object/apply:os.system'"),
        ("the empty tag", "a: ! b", "1:4: tag '!'"),
        ("binary", "a: !!binary eA==", "1:4: tag '!!binary'"),
        ("a duplicate key", "a: 1\nb: 2\na: 3", "3:1: duplicate key 'a'; it stands in line 1 already"),
        ("a duplicate in a flow", "a: {b: 1, b: 2}", "1:11: duplicate key 'b'"),
        ("a list as a key", "? [a]\n: b", "1:3: a key has to be a text"),
        ("a second document", "a: 1\n---\nb: 2", "2:1: a second document begins; write one document a file"),
        ("brackets without end", "[" * 50, "1:41: is nested deeper than 40 levels"),
        ("blocks without end", "".join(" " * n + "a:\n" for n in range(50)), "41:41: is nested deeper than 40 levels"),
        ("too big", "#" * (MAX_BYTES + 1), "1:1: the file is too big; 2 MB are the most that is read"),
        ("another encoding", "a: é".encode("utf-16"), "1:1: is not UTF-8 text; save the file as UTF-8"),
        ("a broken letter", b"a: 1\n\xc3\xa9\xff", "2:2: is not UTF-8 text"),
        ("a control character", "a: 'é\x07'", "1:6: holds a control character (U+0007); YAML allows printable text only"),
        ("a zero byte", "a: \0", "1:4: holds a control character (U+0000)"),
        ("a tab before a key", "a:\n\tb: 1", "2:1: is not YAML: a tab is used for indentation; use spaces"),
        ("a tab after spaces", "a:\n  b: 1\n \tc: 2", "3:2: is not YAML: a tab is used for indentation"),
        ("two colons", "a: b: c", "1:5: is not YAML: a second ':' in this line; put the text in quotes"),
        ("no colon", "a: 1\nb\n", "2:1: is not YAML: a ':' is missing behind the key"),
        ("an open quote", "a: 1\nb: 'c\n", "2:4: is not YAML: a quote or bracket that is opened here is never closed"),
        ("an open double quote", 'b: "c\n', "1:4: is not YAML: a quote or bracket that is opened here is never closed"),
        ("an open bracket", "b: [c\n", "1:4: is not YAML: a quote or bracket that is opened here is never closed"),
        ("an open bracket, more below", "a: 1\nb: {c: 1 # }\nd: 'x'\n", "2:4: is not YAML: a quote or bracket that is opened"),
        ("an open bracket, others below", "- a: [b\n- c: [d]\n", "1:6: is not YAML: a quote or bracket that is opened here"),
        ("a comma too few", "b: [a,\n 'c'\n 'd']\n", "3:2: is not YAML: a ',' or a closing bracket is missing before this"),
        ("the wrong bracket", "b: {a: [1, 2}\n", "1:13: is not YAML: a ',' or a closing bracket is missing before this"),
        ("a quote in quotes", "b: 'it's'\n", "1:8: is not YAML: nothing may follow a text in quotes"),
        ("an expression that begins with a text", 'b: "x" == c\n', "1:8: is not YAML: nothing may follow a text in quotes"),
        ("a colon without a key", "a: 1\n: b\n", "2:1: is not YAML: a key is missing before this ':'"),
        ("too deep below a value", "a: b\n  c: d\n", "2:3: is not YAML: the indentation does not fit the line above, which has"),
        ("too deep in a list", "- a: b\n    c: d\n", "2:5: is not YAML: the indentation does not fit the line above, which has"),
        ("a list in the key's line", "a: - b\n", "1:4: is not YAML: a list begins in a line of its own, or is written [a, b]"),
        ("half an escape", r'b: "\xg"', "1:7: is not YAML: this escape is unknown between double quotes"),
        ("a template without quotes", "b: {{ name }}\n", "1:4: a text that begins with '{' has to stand in quotes"),
        ("a template and more", "b: {{ name }} is late\n", "1:4: is not YAML: a text that begins with '{' has to stand in"),
        ("a merge key", "a: 1\n<<: {b: 1}\n", "2:1: merge key '<<'; nothing is merged here, write the values out"),
        ("a closing bracket", "b: ]", "1:4: is not YAML: a value is missing here, or a bracket does not fit"),
        ("one bracket too many", "b: {c: 1}}", "1:10: is not YAML: the indentation or a bracket does not fit"),
        ("an at sign", "b: @c", "1:4: is not YAML: a value may not begin with this character; put the text in quotes"),
        ("a back tick", "b: `c", "1:4: is not YAML: a value may not begin with this character"),
        ("a percent sign", "b: %c", "1:4: is not YAML: a value may not begin with this character"),
        ("a strange escape", r'b: "\q"', "1:5: is not YAML: this escape is unknown between double quotes"),
        ("a remark behind a bar", "b: |x\n", "1:5: is not YAML: nothing may follow this mark in its line"),
        ("out of line", "a:\n    b: 1\n  c: 2\n", "3:3: is not YAML: the indentation or a bracket does not fit what stands above"),
        ("out of the list", "a:\n  - b: 1\n  c: 2\n", "3:3: is not YAML: the indentation does not fit the list above"),
    ],
)  # fmt: skip
def test_what_is_refused(why: str, data: bytes | str, mistake: str) -> None:
    assert [one.startswith(f"f.yaml:{mistake}") for one in refused(data)] == [True], refused(data)


@pytest.mark.parametrize("data", ["", "# remark\n", "---\n", "null", "~", "\ufeff", b"\xef\xbb\xbf# x\n", "---\n...\n", "\n\n"])
def test_a_file_with_nothing_in_it_is_fine(data: bytes | str) -> None:
    assert refused(data) == []


@pytest.mark.parametrize("data", ["\ufeffk: é", b"\xef\xbb\xbfk: \xc3\xa9", "%YAML 1.2\n---\nk: é\n", "k: é\r\n", "--- {k: é}\n...\n"])
def test_how_editors_save_files(data: bytes | str) -> None:
    node = root(data)
    assert isinstance(node, Mapping)
    assert isinstance(node.items["k"], Scalar)
    assert node.items["k"].text == "é"


@pytest.mark.parametrize(
    ("why", "data", "line", "column"),
    [
        ("plain", "k: one two three\n", 1, 8),
        ("plain, behind others", "  \nk:   one two three # remark\n", 2, 10),
        ("single quotes", "k: 'one two three'\n", 1, 9),
        ("double quotes", 'k: "one two three"\n', 1, 9),
        ("doubled quotes", "k: 'on''e two three'\n", 1, 11),
        ("escapes: the beginning", 'k: "on\\u0065 two three"\n', 1, 4),
        ("plain, folded", "k: one\n   two\n   three\n", 2, 4),
        ("quoted, folded", "k: 'one\n\n     two\n   three'\n", 3, 6),
        ("on a line of its own", "k:\n  one two\n  three\n", 2, 7),
        ("literal: its line", "k: |\n  one\n  two three\n", 3, 3),
        ("literal with blank lines", "k: |-  # remark\n\n\n    one\n\n    two three\n", 6, 5),
        ("folded: its line", "k: >\n  one\n  two\n  three\n", 3, 3),
        ("folded, kept indentation", "k: >2+\n  one\n    two\n\n  three\n\n", 3, 5),
        ("other line ends", "k: |\r\n  one\r\n  two three\r\n", 3, 3),
        ("letters of several bytes", "k: 'éé one two three'\n", 1, 12),
    ],
)
def test_the_place_of_a_word(why: str, data: str, line: int, column: int) -> None:
    scalar = value(data)
    found = scalar.place_of(scalar.text.index("two"))
    assert (found.line, found.column) == (line, column)


_WORDS = st.lists(st.sampled_from(["a", "b1", "'", "x>5", "é", "(", "and"]), min_size=1, max_size=8)


@given(_WORDS, st.sampled_from(["", "'", '"']), st.lists(st.sampled_from([" ", "  ", "\n  ", "\n\n    "]), min_size=8))
def test_every_visible_character_is_found_in_the_source(words: list[str], quote: str, between: list[str]) -> None:
    escaped = [word.replace("'", "''") if quote == "'" else word for word in words]
    source = "".join(word + gap for word, gap in zip(escaped, between, strict=False)).rstrip()
    if not quote and source.startswith("'"):
        source = f"a {source}"
    data = f"k: {quote}{source}{quote}\n"
    scalar = value(data)
    lines = data.split("\n")
    for found in re.finditer(r"\S", scalar.text):
        place = scalar.place_of(found.start())
        assert lines[place.line - 1][place.column - 1] == found[0]
    assert scalar.place_of(len(scalar.text)).line <= len(lines)
