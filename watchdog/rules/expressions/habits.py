"""PromQL's spelling and other habits, answered with the spelling used here; and words for what the grammar refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from watchdog.rules.expressions.syntax import Span

_Answer = str | Callable[["re.Match[str]"], str]
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_RANGE = r"(?P<at>\[\s*([0-9][^\]\[]*?)?\s*(?::[^\]\[]*)?\])"
#: PromQL's functions that are not here, and what does their work.
FUNCTIONS = {
    "absent_over_time": "`absent(m)` with the rule's `for: 15m` says the same",
    "present_over_time": "`present(m)` tells about this poll; `count` and `for` do the rest",
    "irate": "write `rate(m, 2m)`",
    "idelta": "write `delta(m, 2m)`",
    "deriv": "write `delta(m, 15m) / 900`",
    "predict_linear": "write `m + 4 * delta(m, 1h)` for a look four hours ahead",
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
    if name in FUNCTIONS:
        return f"no function '{name}'; {FUNCTIONS[name]}"
    if name == "quantile_over_time" and "," in argument:
        q, _, argument = argument.partition(",")
        return f"a window is an argument here: write `quantile_over_time({q.strip()}, {argument.strip()}, {window})`"
    return f"a window is an argument here: write `{name}({argument}, {window})`"


#: Patterns over the text with its strings blanked out, the most telling first. The group `at` is underlined, or all.
_HABITS: tuple[tuple[re.Pattern[str], _Answer], ...] = tuple(
    (re.compile(pattern), answer)
    for pattern, answer in (
        (rf"\b([A-Za-z_]\w*)\s*\(\s*((?:[0-9.]+\s*,\s*)?[A-Za-z_][\w.]*)\s*{_RANGE}\s*\)", _range_call),
        (
            r"\b(?!in\b)([A-Za-z_][\w.]*)\s*(?P<at>\[\s*([0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w|y)[^\]\[]*?)\s*(?::[^\]\[]*)?\])",
            lambda found: f"a window is an argument of a function here: write `increase({found[1]}, {found[3]})`",
        ),
        (
            r"\b([A-Za-z_][\w.]*)\s+(?P<at>offset)\s+(-?[0-9]\w*)",
            lambda found: f"there is no `offset`: write `ago({found[1]}, {found[3].lstrip('-')})`",
        ),
        (r"\boffset\b", "there is no `offset`: write `ago(m, 5m)`"),
        (r"\bunless\b", "there is no `unless`: write `a and not b`"),
        (
            r"\b(?:on|ignoring|group_left|group_right)\s*\([^)]*\)",
            "entities are not joined by labels here: a rule is judged for each entity; relatives are `connector.x`, "
            "`source.x` or `count(tasks, ...)`",
        ),
        (
            r"\b(?:by|without)\s*\([^)]*\)",
            "there is no `by`: a rule is judged for each entity of its `each`; `group_by` in routes groups messages",
        ),
        (r"\{[^}]*\}?", "labels are not matched in expressions: put them into the rule's `where`"),
        (r"&&?", "write `and`"),
        (r"\|\|?", "write `or`"),
        (r"\bbool\b", "there is no `bool`: a comparison is true, false or unknown"),
        (r"!(?![=~])", "write `not`"),
        (r"<>", "write `!=`"),
        (r"===?(?==)|=>|=<", "comparisons are ==, !=, >, >=, < and <="),
        (r"(?<![=!<>~])=(?![=~])", "write `==` to compare"),
        (r"%", "there is no percent and no modulo: write 0.05 for 5 %"),
        (r"\^|\*\*", "there is no power: multiply, or write the number out"),
        (r"\bAND\b", "keywords are in lower case: write `and`"),
        (r"\bOR\b", "keywords are in lower case: write `or`"),
        (r"\bNOT\b", "keywords are in lower case: write `not`"),
        (r"\bIN\b", "keywords are in lower case: write `in`"),
        (r"\b(?:True|TRUE)\b", "write `true`"),
        (r"\b(?:False|FALSE)\b", "write `false`"),
        (
            r"(?:[!=]=\s*)?\b(?:null|None|NULL|nil|nan|NaN|NAN)\b",
            "no reading is no value: write `absent(m)` or `present(m)`",
        ),
        (r"\bis\s+not\b|\bis\b", "write `==` or `!=`; for a missing reading `absent(m)`"),
        (r"\b(?:like|contains|matches|startswith|endswith)\b", 'write `=~ "prod-.*"`: the whole value has to match'),
        (r"\bbetween\b", "write `m >= 1 and m <= 5`"),
    )
)


def habits(text: str) -> list[tuple[Span, str]]:
    """What was written in another language's spelling, with the spelling used here; overlapping finds once."""
    if not text.strip():
        return []
    bare = _STRING.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)
    taken: list[tuple[Span, Span, str]] = []
    for pattern, answer in _HABITS:
        for found in pattern.finditer(bare):
            whole = Span(found.start(), found.end())
            if all(whole.end <= other.start or whole.start >= other.end for other, _, _ in taken):
                at = Span(found.start("at"), found.end("at")) if "at" in found.re.groupindex else whole
                taken.append((whole, at, answer if isinstance(answer, str) else answer(found)))
    return sorted(((at, what) for _, at, what in taken), key=lambda one: one[0].start)


_WORDS = {
    "NAME": "a metric", "QUANTITY": "a number", "STRING": "a text", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]",
    "COMMA": ",", "DOT": ".", "OR": "or", "AND": "and", "NOT": "not", "IN": "in", "COMPARE": "a comparison",
    "PLUS": "+", "MINUS": "-", "MULTIPLY": "*", "TRUE": "true", "FALSE": "false", "$END": "the end",
}  # fmt: skip
_VALUE = {"NAME", "QUANTITY", "STRING", "LPAR", "MINUS", "TRUE", "FALSE", "NOT"}


def unexpected(text: str, at: int, found: str, accepted: Collection[str]) -> str:
    """Words for what the grammar refused."""
    if found in ("'", '"'):
        return "a text without its closing quote"
    what = "the expression ends too early" if at >= len(text) else f"unexpected {found!r}"
    if not text.strip():
        return "an expression is missing; write a comparison such as `recordsLag > 1000`"
    if at < len(text) and found == ")" and text[:at].count("(") < text.count(")", 0, at + 1):
        return "this ) closes nothing"
    if {"QUANTITY", "NAME"} <= set(accepted):
        return f"{what}; a value is missing here: a metric, a number, a text or ("
    names = [_WORDS.get(name, name) for name in sorted(accepted) if name not in _VALUE or name == "MINUS"]
    wanted = sorted(set(names), key=lambda name: (name not in (")", "]"), name))
    if text.count("(") > text.count(")") and ")" in wanted and at >= len(text):
        return f"{what}; a ( is not closed"
    return f"{what}; accepted here: {', '.join(wanted)}"
