"""PromQL's spelling and other habits, answered with the spelling used here."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from watchdog.rules.expressions.mistakes import blanked
from watchdog.rules.expressions.syntax_tree import Span
from watchdog.units import LOOSE_UNITS, near_quantity

_Answer = str | Callable[["re.Match[str]"], str]
_RANGE = r"(?P<at>\[\s*([0-9][^\]\[]*?)?\s*(?::[^\]\[]*)?\])"
#: PromQL's functions that are not here, and what does their work.
FUNCTIONS = {
    "absent_over_time": "`absent(m)` with the rule's `for: 15m` says the same",
    "present_over_time": "`present(m)` tells about this poll; `count` and `for` do the rest",
    "irate": "write `rate(m, 2m)`",
    "idelta": "write `delta(m, 2m)`",
    "deriv": "write `slope(m, 15m)`",
    "predict_linear": "write `time_until(m, limit, 1h) < 4h`",
    "sum_over_time": "write `increase(m, 15m)` for a counter, `avg_over_time(m, 15m)` for a gauge",
    "count_over_time": "write `changes(m, 15m)` or `present(m)`",
    "last_over_time": "write the metric's name alone: it is the newest reading",
    "stddev_over_time": "write `quantile_over_time(0.9, m, 1h)`",
    "clamp_min": "write `max(m, 0)`",
    "clamp_max": "write `min(m, 100)`",
    "histogram_quantile": "write `quantile_over_time(0.9, m, 1h)`",
    "group": "write `count(tasks) > 0`",
    "topk": "rules are judged for every entity; write a threshold",
    "bottomk": "rules are judged for every entity; write a threshold",
    "vector": "write the number alone",
    "scalar": "write the metric's name alone",
    "time": "the time since a reading is `reading_age`",
    "timestamp": "the time since a reading is `reading_age`",
    "label_replace": "labels are for `where`, `group_by` and texts",
    "floor": "a comparison needs no rounding; write the value alone",
    "ceil": "a comparison needs no rounding; write the value alone",
    "round": "a comparison needs no rounding; write the value alone",
    "stdvar_over_time": "write `quantile_over_time(0.9, m, 1h)`",
    "now": "the time since a reading is `reading_age`",
    "mean": "write `avg(topics, m)`, or `avg_over_time(m, 15m)`",
    "average": "write `avg(topics, m)`, or `avg_over_time(m, 15m)`",
    "any": 'write `count(tasks, task_status == "FAILED") > 0`',
    "all": 'write `count(tasks, task_status != "RUNNING") == 0`',
    "len": "write `count(tasks)`",
    "exists": "write `present(m)`",
    "is_null": "write `absent(m)`",
    "default": "write `coalesce(m, 0)`",
    "previous": "write `ago(m, 5m)`",
}


def _range_call(found: re.Match[str]) -> str:
    name, argument, window = found[1], found[2].strip(), (found[4] or "15m").strip()
    if name == "quantile_over_time" and "," in argument:
        q, _, argument = argument.partition(",")
        return f"a window is an argument here: write `quantile_over_time({q.strip()}, {argument.strip()}, {window})`"
    return f"a window is an argument here: write `{name}({argument}, {window})`"


def _digits(found: re.Match[str]) -> str:
    """`10_000`, `10,000` and `10'000` without what separates; `0,05` with a point."""
    if re.fullmatch(r"[0-9]{1,3}(?:[_,'][0-9]{3})+", found["at"]):
        return re.sub("[_,']", "", found["at"])
    return found["at"].replace(",", ".")


#: Characters that look like what is meant.
_LOOKALIKES = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "∧": "and",
               "∨": "or", "¬": "not", "＝": "==", "＞": ">", "＜": "<", "，": ",", "（": "(", "）": ")"}  # fmt: skip
_COUNT = r"[0-9]+(?:\.[0-9]+)?"
_UNIT = rf"(?:{'|'.join(sorted(LOOSE_UNITS, key=len, reverse=True))})"
_NO_VALUE = r"(?:null|None|NULL|nil|nan|NaN|NAN)\b"
_KEYWORDS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in"}
_RELATIVES = (
    "entities are not joined by labels here: a rule is judged for each entity; relatives are `connector.x`, `source.x` "
    "or `count(tasks, ...)`"
)
_BY = "there is no `by`: a rule is judged for each entity of its `each`; `group_by` in routes groups messages"
#: Patterns over the text with its strings blanked out, the most telling first: what is said of the group `at` (or of
#: all that was found), and what to read there instead, None where nothing does. `hides`: where nothing else is said.
_HABITS: tuple[tuple[re.Pattern[str], _Answer, _Answer | None], ...] = tuple(
    (re.compile(pattern), answer, instead)
    for pattern, answer, instead in (
        (r"(?:#|//|/\*).*", "an expression holds no remarks; YAML's begin with # behind the text or above it", ""),
        (
            rf"\b(?P<at>{'|'.join(FUNCTIONS)})\s*\((?P<hides>[^()]*\[[^\]]*\][^()]*)\)",
            lambda found: f"no function '{found['at']}'; {FUNCTIONS[found['at']]}",
            None,
        ),
        (
            rf"\b([A-Za-z_]\w*)\s*\(\s*((?:[0-9.]+\s*,\s*)?[A-Za-z_][\w.]*)\s*(?:\{{[^}}]*\}}\s*)?{_RANGE}",
            _range_call,
            lambda found: f", {(found[4] or '15m').strip()}",
        ),
        (
            r"\b(?!in\b)([A-Za-z_][\w.]*)\s*(?P<at>\[\s*([0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w|y)[^\]\[]*?)\s*(?::[^\]\[]*)?\])",
            lambda found: f"a window is an argument of a function here: write `increase({found[1]}, {found[3]})`",
            None,
        ),
        (
            r"\b([A-Za-z_][\w.]*)\s+(?P<at>offset\s+(-?[0-9]\w*))",
            lambda found: f"there is no `offset`: write `ago({found[1]}, {found[3].lstrip('-')})`",
            "",
        ),
        (r"\boffset\b", "there is no `offset`: write `ago(m, 5m)`", None),
        (r"\bunless\b", "there is no `unless`: write `a and not b`", "and not"),
        (r"\b(?:on|ignoring)\s*\([^)]*\)(?:\s*group_(?:left|right)\b(?:\s*\([^)]*\))?)?", _RELATIVES, ""),
        (r"\bgroup_(?:left|right)\b(?:\s*\([^)]*\))?", _RELATIVES, ""),
        (r"\b(?:by|without)\s*\([^)]*\)", _BY, None),
        (
            r"\bin\s*(?P<at>[({][^)}\]]*[)}]?)",
            'a list stands in square brackets: write `in ["a", "b"]`',
            lambda found: f"[{found['at'][1:].rstrip(')}')}]",
        ),
        (
            r"\{\{[^{}]{0,80}?([A-Za-z_]\w*)\s*\}\}|\$\{?(?:\w+\.)?([A-Za-z_]\w*)\}?|\bparams\s*\.\s*([A-Za-z_]\w*)",
            lambda found: f"a param is written by its name alone: `{found[found.lastindex or 0]}`",
            lambda found: found[found.lastindex or 0],
        ),
        (r"\{[^}]*\}?", "labels are not matched in expressions: put them into the rule's `where`", ""),
        (r"&&?", "write `and`", " and "),
        (r"\|\|?", "write `or`", " or "),
        (r"\bbool\b", "there is no `bool`: a comparison is true, false or unknown", ""),
        (r"~=|(?<![=!])~", "write `=~`", "=~"),
        (r"\bnot\s*=~", "write `!~`", "!~"),
        (r"!(?![=~])", "write `not`", " not "),
        (r"<>", "write `!=`", "!="),
        (r"={3,}", "write `==` to compare", "=="),
        (r"=>", "comparisons are ==, !=, >, >=, < and <=", ">="),
        (r"=<", "comparisons are ==, !=, >, >=, < and <=", "<="),
        (r"(?<![=!<>~])=(?![=~])", "write `==` to compare", "=="),
        (r"%", "there is no percent and no modulo: write 0.05 for 5 %", None),
        (r"\^|\*\*", "there is no power: multiply, or write the number out", "*"),
        (
            rf"[{''.join(_LOOKALIKES)}]",
            lambda found: f"write `{_LOOKALIKES[found[0]]}`",
            lambda found: f" {_LOOKALIKES[found[0]]} ",
        ),
        (
            r"[“”„‟‘’«»]([^“”„‟‘’«»]*)[“”„‟‘’«»]?",
            'a text stands in straight quotes: `"Broken"`',
            lambda found: f'"{found[1]}"',
        ),
        (
            r"[\u00a0\u1680\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]",
            lambda found: f"a space that is none (U+{ord(found[0]):04X}); write an ordinary one",
            " ",
        ),
        (
            r"(?<![\w.])(?P<at>[0-9]{1,3}(?:_[0-9]{3})+|[0-9]{1,3}(?:'[0-9]{3})+)(?![\w.'])",
            lambda found: f"a number has no separators here: write `{_digits(found)}`",
            _digits,
        ),
        (
            r"[<>=]\s*-?(?P<at>[0-9]+(?:,[0-9]+)+)(?![\w.,])",
            lambda found: f"a number has no comma here: write `{_digits(found)}`",
            _digits,
        ),
        (
            rf"(?<![\w.])({_COUNT}{_UNIT}?)\s+(?P<at>(?:{_COUNT}\s*)?{_UNIT}(?:\s+{_COUNT}\s*{_UNIT})*)\b",
            lambda found: f"a number and its unit are one word: `{near_quantity(found[0]) or '5m'}`",
            None,
        ),
        (
            r"\b(?:AND|OR|NOT|IN)\b",
            lambda found: f"keywords are in lower case: write `{_KEYWORDS[found[0]]}`",
            lambda found: _KEYWORDS[found[0]],
        ),
        (r"\b(?:True|TRUE)\b", "write `true`", "true"),
        (r"\b(?:False|FALSE)\b", "write `false`", "false"),
        (
            rf"(?:[!=]=\s*)?\b(?P<at>{_NO_VALUE})",
            "no reading is no value: write `absent(m)` or `present(m)`",
            None,
        ),
        (
            rf"\bis\b(?:\s+not\b)?(?!\s+{_NO_VALUE})(?!\s+not\s+{_NO_VALUE})",
            "write `==` or `!=`; for a missing reading `absent(m)`",
            lambda found: "!=" if "not" in found[0] else "==",
        ),
        (
            r"\b(?:like|contains|matches|startswith|endswith)\b",
            'write `=~ "prod-.*"`: the whole value has to match',
            "=~",
        ),
        (r"\bbetween\b", "write `m >= 1 and m <= 5`", None),
    )
)


#: So many of each kind are told in one expression.
_MOST = 20


class Habit(NamedTuple):
    """One word of another language: where it stands, what is said of it, and what to read there (None: nothing)."""

    at: Span
    what: str
    instead: str | None


def habits(text: str) -> list[Habit]:
    """What was written in another language's spelling, with the spelling used here; overlapping finds once."""
    bare = blanked(text)
    taken: list[Habit] = []
    hidden: list[Span] = []
    for pattern, answer, instead in _HABITS:
        for found in islice(pattern.finditer(bare), _MOST):
            at = Span(*found.span("at" if "at" in pattern.groupindex else 0))
            if any(at.start < other.end and other.start < at.end for other in hidden):
                continue
            hidden += [at, *([Span(*found.span("hides"))] if "hides" in pattern.groupindex else ())]
            read = instead(found) if callable(instead) else instead
            taken.append(Habit(at, answer(found) if callable(answer) else answer, read))
    return sorted(taken, key=lambda habit: habit.at.start)


def respelled(text: str, found: list[Habit]) -> tuple[str, Callable[[int], int]] | None:
    """The text as it would be written here, so that what else is wrong with it can be told too, and where each of its
    characters stands in the text as written; None where nothing can be read for one of the habits."""
    made, anchors, end = "", [], 0
    for habit in found:
        if habit.instead is None:
            return None
        anchors.append((len(made), end, True))
        made += text[end : habit.at.start]
        anchors.append((len(made), habit.at.start, False))
        made += habit.instead
        end = habit.at.end
    anchors.append((len(made), end, True))
    made += text[end:]

    def origin(at: int) -> int:
        begin, source, as_written = next(anchor for anchor in reversed(anchors) if anchor[0] <= at)
        return source + (at - begin if as_written else 0)

    return made, origin
