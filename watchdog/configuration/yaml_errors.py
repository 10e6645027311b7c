"""Files the YAML parser gives up on: where that begins and why, in the words of somebody who looks at the file."""

from __future__ import annotations

import re

import yaml

#: What ends a line for the YAML parser, and so for its line numbers.
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
QUOTES = "a text that begins with '*', '&' or '!' has to stand in quotes"
_ESCAPE = "this escape is unknown between double quotes; use single quotes"
_NEVER_CLOSED = "a quote or bracket that is opened here is never closed"
#: What the parser says, in the words of somebody who looks at the file.
_WORDS = (
    ("scanning an alias", QUOTES),
    ("scanning an anchor", QUOTES),
    ("scanning a tag", QUOTES),
    ("mapping values are not allowed", "a second ':' in this line; put the text in quotes"),
    ("block sequence entries", "a list begins in a line of its own, or is written [a, b]"),
    ("could not find expected ':'", "a ':' is missing behind the key, or the space after it"),
    ("expected key", "the indentation or a bracket does not fit what stands above"),
    ("block end", "the indentation does not fit the lines above"),
    ("block mapping", "the indentation does not fit the lines above"),
    ("'-' indicator", "the indentation does not fit the list above; align it with the '-' or what follows it"),
    ("',' or", "a ',' or a closing bracket is missing before this"),
    ("document start", "the indentation or a bracket does not fit what stands above"),
    ("end of stream", _NEVER_CLOSED),
    ("node content", "a value is missing here, or a bracket does not fit"),
    ("cannot start any token", "a value may not begin with this character; put the text in quotes"),
    ("escape character", _ESCAPE),
    ("hexdecimal number", _ESCAPE),
    ("comment or line break", "nothing may follow this mark in its line; begin the text in the next line"),
)
#: The parser says these far behind what is wrong (the last: alias, anchor).
_NOTICED_LATE = ("end of stream", "could not find expected ':'", "scanning a tag", "scanning an a")
#: A template where a value begins.
_BRACES = re.compile(r"(?:^|[:-])\s+(\{[{%])")
_QUOTED = re.compile(r"""#.*|"(?:\\.|[^"\\])*"|'[^']*'""")


def garbled(text: str, cause: yaml.MarkedYAMLError) -> tuple[int, int, str]:
    """Line and column from 1, and what is wrong there."""
    problem = f"{cause.problem or 'cannot be read'} {cause.context or ''}".strip()
    mark, opened = cause.problem_mark or cause.context_mark, cause.context_mark
    if mark is None:
        return 1, 1, problem
    if opened is not None and any(one in problem for one in _NOTICED_LATE):
        mark = opened  # where the quote or key begins, not where the parser gave up
    lines = BREAK.split(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    before, at = line[: mark.column], mark.column + 1
    indented = len(line) - len(line.lstrip())
    if "\t" in line[:indented] or "'\\t'" in problem:
        return mark.line + 1, at, "a tab is used for indentation; use spaces"
    if braces := _BRACES.search(before):
        return mark.line + 1, braces.start(1) + 1, "a text that begins with '{' has to stand in quotes"
    if opened is not None and "flow" in problem and "',' or" in problem and not _is_closed(text[opened.index :]):
        return opened.line + 1, opened.column + 1, _NEVER_CLOSED
    if "mapping values are not allowed" in problem and ": " not in before:
        return mark.line + 1, indented + 1, "the indentation does not fit the line above, which has a value already"
    if "expected key" in problem and line[mark.column : mark.column + 1] == ":":
        return mark.line + 1, at, "a key is missing before this ':'"
    if "expected key" in problem and before.rstrip().endswith(("'", '"')):
        return mark.line + 1, at, "nothing may follow a text in quotes; put quotes of another kind around all of it"
    return mark.line + 1, at, next((ours for theirs, ours in _WORDS if theirs in problem), problem)


def _is_closed(text: str) -> bool:
    """Whether the bracket a text begins with is closed in it."""
    depth = 0
    for letter in _QUOTED.sub("", text):
        depth += (letter in "[{") - (letter in "]}")
        if not depth:
            return True
    return False
