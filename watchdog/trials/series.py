"""Series: readings poll by poll in promtool's notation."""

from __future__ import annotations

import math
import re

Value = float | str | None

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_TOKEN = re.compile(r""""((?:[^"\\]|\\.)*)"(?:x([0-9]+))?|'([^']*)'(?:x([0-9]+))?|(\S+)""")
_STEPS = re.compile(rf"({_NUMBER})([-+](?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)x([0-9]+)\Z")
_REPEATED = re.compile(rf"({_NUMBER})(?:x([0-9]+))?\Z")
_MISSING = re.compile(r"_(?:x([0-9]+))?\Z")
_MORE = re.compile(r"x([0-9]+)\Z")
#: Begins like a number: `4OO000x20` and `5m` are slips of the pen, not texts.
_ALMOST = re.compile(r"[-+.]?[0-9]")
#: Ends like a repetition: `Brokenx60` would be one odd text, and its test would evaluate nothing.
_GLUED = re.compile(r"(\D\S*?)x([0-9]+)\Z")
#: As YAML's core schema and promtool have them; what is not finite is no reading.
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("true", "True", "TRUE"), 1.0),
    **dict.fromkeys(("false", "False", "FALSE"), 0.0),
    **dict.fromkeys(("null", "Null", "NULL", "~", "NaN", "Inf", "+Inf", "-Inf")),
}
#: A series is at most so long: a week of polls every 30 seconds, and some.
LONGEST = 100_000


def parse_series(text: str) -> list[Value]:
    """`0x4 400000x20`, `1+2x3` (1 3 5 7), `Active x3` (the value and three more), `_` and `_x3` (no reading).

    Texts with spaces, and those that begin like a number, stand in quotes. Raises ValueError that says what would be
    accepted.
    """
    found: list[Value] = []
    for token in _TOKEN.finditer(text):
        double, times, single, more, word = token.groups()
        if double is not None:
            _extend(found, [re.sub(r"\\(.)", r"\1", double)], 1 + int(times or 0))
        elif single is not None:
            _extend(found, [single], 1 + int(more or 0))
        else:
            _take(found, word)
    return found


def number_or_none(number: float) -> Value:
    """What is not finite is no reading."""
    return number if math.isfinite(number) else None


def _take(found: list[Value], word: str) -> None:
    if missing := _MISSING.match(word):
        _extend(found, [None], int(missing[1] or 1))
    elif more := _MORE.match(word):
        if not found:
            raise ValueError(f"'{word}' repeats the value before it, and there is none; write e.g. Active {word}")
        _extend(found, [found[-1]], int(more[1]))
    elif steps := _STEPS.match(word):
        start, step, count = float(steps[1]), float(steps[2]), int(steps[3])
        _extend(found, (), count + 1)
        found += [number_or_none(start + step * index) for index in range(count + 1)]
    elif repeated := _REPEATED.match(word):
        _extend(found, [number_or_none(float(repeated[1]))], 1 + int(repeated[2] or 0))
    elif word in _WORDS:
        found.append(_WORDS[word])
    elif word[0] in "\"'":
        raise ValueError(f"{word} begins with a quote that is never closed; write \"Not connected\" x3")
    elif _ALMOST.match(word):
        accepted = "write 5, 5x3, 1+2x3, 10-1x3, Active, Active x3, _ or _x3; a text that begins so stands in quotes"
        raise ValueError(f"'{word}' is not a series; {accepted}")
    elif glued := _GLUED.match(word):
        text, times = glued.groups()
        meant = f'did you mean "{text} x{times}"? A text that ends so stands in quotes'
        raise ValueError(f"'{word}' is one text; {meant}")
    else:
        found.append(word)


def _extend(found: list[Value], values: list[Value] | tuple[()], times: int) -> None:
    """Add values so many times; a slip of the pen must not fill the memory."""
    if len(found) + times > LONGEST:
        raise ValueError(f"the series has more than {LONGEST} values")
    found += [*values] * times
