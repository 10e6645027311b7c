"""Series: readings poll by poll in promtool's notation."""

from __future__ import annotations

import re

Value = float | str | None

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(?:x([0-9]+))?|(\S+)')
_STEPS = re.compile(rf"({_NUMBER})([-+](?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)x([0-9]+)\Z")
_REPEATED = re.compile(rf"({_NUMBER})x([0-9]+)\Z")
_MISSING = re.compile(r"_(?:x([0-9]+))?\Z")
_MORE = re.compile(r"x([0-9]+)\Z")
#: A series is at most so long: a week of polls every 30 seconds, and some.
_LONGEST = 100_000


def parse_series(text: str) -> list[Value]:
    """`0x4 400000x20`, `1+2x3` (1 3 5 7), `Active x3` (the value and three more), `_` and `_x3` (no reading).

    Texts with spaces stand in double quotes. Raises ValueError that says what would be accepted.
    """
    found: list[Value] = []
    for token in _TOKEN.finditer(text):
        quoted, times, word = token.groups()
        if quoted is not None:
            value = re.sub(r"\\(.)", r"\1", quoted)
            found += [value] * (1 + int(times or 0))
        else:
            _take(found, word)
        if len(found) > _LONGEST:
            raise ValueError(f"the series has more than {_LONGEST} values")
    return found


def _take(found: list[Value], word: str) -> None:
    if missing := _MISSING.match(word):
        found += [None] * int(missing[1] or 1)
    elif more := _MORE.match(word):
        if not found:
            raise ValueError(f"'{word}' repeats the value before it, and there is none; write e.g. Active {word}")
        found += [found[-1]] * int(more[1])
    elif steps := _STEPS.match(word):
        start, step, count = float(steps[1]), float(steps[2]), int(steps[3])
        found += [start + step * index for index in range(count + 1)]
    elif repeated := _REPEATED.match(word):
        found += [float(repeated[1])] * (int(repeated[2]) + 1)
    elif re.fullmatch(_NUMBER, word):
        found.append(float(word))
    elif re.match(rf"{_NUMBER}[-+x]", word):
        raise ValueError(f"'{word}' is not a series; write 5, 5x3, 1+2x3, 10-1x3, Active, Active x3, _ or _x3")
    else:
        found.append({"true": 1.0, "false": 0.0}.get(word, word))
