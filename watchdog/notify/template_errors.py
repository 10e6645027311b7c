"""Templates Jinja2 gives up on: where that begins and why, in the words of somebody who looks at the text."""

from __future__ import annotations

import re

from jinja2 import TemplateSyntaxError

_CHARACTER = re.compile(r"unexpected char (.+) at ([0-9]+)\Z")
_TAG = re.compile(r"Encountered unknown tag '([^']*)'")
_OPENING = re.compile(r"\{\{|\{%|\{#")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_NOTHING = re.compile(r"\{\{-?\s*-?\}\}")
_CHARACTERS = {
    "'$'": "'$' is not read here: labels and values are named alone, e.g. {{ name }} or {{ value }}",
    "'&'": "unexpected '&'; write 'and'",
    "'!'": "unexpected '!'; write 'not'",
    "'?'": "unexpected '?'; write {{ a if b else c }}",
    '"\'"': "a quote that is never closed",
    "'\"'": "a quote that is never closed",
}


def broken(template: str, cause: TemplateSyntaxError) -> tuple[int, str]:
    """The offset in characters of what is wrong with a template, and what it is."""
    problem = cause.message or ""
    if found := _CHARACTER.match(problem):
        return int(found[2]), _CHARACTERS.get(found[1], f"unexpected {found[1]} in a template")
    if unclosed := _unclosed(template):
        opening = unclosed[0]
        return unclosed.start(), f"this '{opening}' is never closed; write '{_CLOSING[opening]}' behind it"
    start = _line_start(template, cause.lineno)
    if found := _TAG.match(problem):
        tag = found[1]
        what = f"'{tag}' belongs to no {{% if %}}" if tag in ("elif", "else", "endif") else f"unknown tag '{tag}'"
        return _tag(template, tag, start), f"{what}; a text holds {{% if … %}}, elif, else and {{% endif %}} only"
    if "Unexpected end of template" in problem:
        return _last_if(template), "this {% if %} is never closed; write {% endif %}"
    if empty := _NOTHING.search(template):
        return empty.start(), "a name is missing between '{{' and '}}'"
    words = problem.replace("'end of print statement'", "'}}'").replace("'end of statement block'", "'%}'")
    at = _OPENING.search(template, start)
    return (at.start() if at else start), f"the template is broken: {words}"


def _unclosed(template: str) -> re.Match[str] | None:
    """The first opening that another one follows, or nothing, before it is closed."""
    for one in _OPENING.finditer(template):
        following = _OPENING.search(template, one.end())
        if _CLOSING[one[0]] not in template[one.end() : following.start() if following else len(template)]:
            return one
    return None


def _tag(template: str, tag: str, start: int) -> int:
    found = re.compile(rf"\{{%[-+]?\s*{re.escape(tag)}\b").search(template, start)
    return found.start() if found else start


def _last_if(template: str) -> int:
    """The `{% if` that lacks its end: those that are open at the end of the template, the innermost."""
    opened: list[int] = []
    for found in re.finditer(r"\{%[-+]?\s*(if|endif)\b", template):
        if found[1] == "if":
            opened.append(found.start())
        elif opened:
            opened.pop()
    return opened[-1] if opened else 0


def _line_start(template: str, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        offset = template.find("\n", offset) + 1
    return offset
