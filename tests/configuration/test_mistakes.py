"""Every mistake a rule file can hold: its place, what was found, what would be accepted."""

# a table: one case a line reads best

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.configuration.files import load_texts
from watchdog.errors import RuleFileError

RULE = "rules:\n  - alert: A\n    each: source\n    expr: recordsLag > 5\n"
ROUTES = "receivers: {a: {to: ['json://localhost']}}\nroutes: [{to: [a]}]\n"


def mistakes(text: str, variables: dict[str, str] | None = None) -> list[str]:
    try:
        load_texts({"r.yaml": dedent(text)}, variables or {})
    except RuleFileError as cause:
        return str(cause).split("\nr.yaml")
    return []


TABLE = [
    # -- YAML itself
    ("a tab", "rules:\n\t- alert: A\n", "2:1: is not YAML: a tab is used for indentation; use spaces"),
    ("an alias", "a: &x 1\nb: *x\n", "1:4: anchor '&x'"),
    ("a tag", "rules: !!seq []\n", "1:8: tag '!!seq'"),
    ("a duplicate key", RULE + "    expr: recordsLag > 6\n", "5:5: duplicate key 'expr'; it stands in line 4"),
    ("two documents", RULE + "---\nrules: []\n", "5:1: a second document begins"),
    ("a list at the top", "- alert: A\n", "1:1: a list is not a mapping; a rule file begins with one of"),
    ("no rule at all", "mutes: []\n", "1:1: holds no rule"),
    ("an unclosed quote", "rules:\n  - alert: 'A\n", "2:12: is not YAML"),
    # -- keys
    ("an unknown top key", "rulez: []\n" + RULE, "1:1: unknown key 'rulez'; did you mean 'rules'?"),
    ("a misspelled key", RULE.replace("expr:", "exrp:"), "4:5: unknown key 'exrp'; did you mean 'expr'?"),
    ("a key nobody knows", RULE + "    colour: red\n", "5:5: unknown key 'colour'; known here: alert"),
    ("a missing key", "rules:\n  - alert: A\n    each: source\n", "2:5: 'expr' is missing"),
    ("a rule that is a text", "rules: [hello]\n", "1:9: rules: 'hello' is not a mapping"),
    ("rules that are a mapping", "rules: {alert: A}\n", "1:8: rules: a mapping is not a list; begin each entry"),
    # -- values
    ("an unknown kind", RULE.replace("source", "sorce"), "3:11: each: 'sorce' is not one of them; write source, "),
    ("a bad duration", RULE + "    for: 5 minutes\n", "5:10: for: '5 minutes' is not a duration; write a number"),
    ("a number for a duration", RULE + "    for: 10\n", "5:10: for: '10' is not a duration"),
    ("a bad severity", RULE + "    severity: crit\n", "5:15: severity: 'crit' is not one of them; write info, warning"),
    ("a bad no_data", RULE + "    no_data: nope\n", "5:14: no_data: 'nope' is not one of them"),
    ("a text for a flag", RULE + "    enabled: no\n", "5:14: enabled: 'no' is not true or false"),
    ("a list for a name", RULE.replace("alert: A", "alert: [A]"), "2:12: alert: a list is not a text"),
    ("a name with spaces", RULE.replace("alert: A", "alert: A b"), "2:12: alert: 'A b' cannot be a rule's name"),
    ("bad flapping", RULE + "    flapping: never\n", "5:15: flapping: 'never' is not a mapping; write {changes"),
    ("too few changes", RULE + "    flapping: {changes: 1}\n", "5:25: changes: '1' is not a number of changes"),
    # -- labels, params, where
    ("a label of the entity", RULE + "    labels: {name: x}\n", "5:14: labels: 'name' would overwrite the source's"),
    ("a label of ours", RULE + "    labels: {severity: x}\n", "5:14: labels: 'severity' is a key of the rule; write"),
    ("an unknown label", RULE + "    where: {nmae: x}\n", "5:13: where: unknown label 'nmae'; did you mean 'name'?"),
    ("a label of another kind", RULE + "    where: {task: '0'}\n", "5:13: where: unknown label 'task'"),
    ("where as a list", RULE + "    where: [x]\n", "5:12: where: a list is not a mapping"),
    ("a param like a metric", RULE + "    params: {recordsLag: 1}\n", "5:14: params: a param may not be called"),
    ("a param like a keyword", RULE + "    params: {and: 1}\n", "5:14: params: a param may not be called 'and'"),
    ("a param of a list", RULE + "    params: {limit: [1]}\n", "5:21: params.limit: a list is not a value"),
    ("an override without where", RULE + "    overrides: [{for: 5m}]\n", "5:17: 'where' is missing"),
    (
        "an override of an unknown param",
        RULE + "    params: {limit: 5}\n    overrides: [{where: {name: x}, params: {limt: 1}}]\n",
        "6:45: params: the rule has no param 'limt'; did you mean 'limit'?",
    ),
    ("an override of expr", RULE + "    overrides: [{where: {name: x}, expr: true}]\n", "5:36: unknown key 'expr'"),
    # -- expressions
    ("a bare number", RULE.replace("recordsLag > 5", "recordsLag"), "4:11: expr: "),
    ("units that do not fit", RULE.replace("recordsLag > 5", "byteTotal > 5m"), "4:21: expr: "),
    ("an unknown function", RULE.replace("recordsLag > 5", "incrase(recordsLag, 5m) > 1"), "4:11: expr: "),
    ("promql", RULE.replace("recordsLag > 5", "increase(recordsLag[15m]) > 1"), "4:30: expr: "),
    ("a broken clear", RULE + "    clear: recordsLag <\n", "5:24: clear: "),
    # -- texts
    ("an unknown name", RULE + "    annotations: {summary: '{{ nam }}'}\n", "5:32: summary: nothing is called 'nam'"),
    ("a loop", RULE + "    annotations: {summary: '{% for a in b %}{% endfor %}'}\n", "5:29: summary: 'for' is not"),
    ("an open brace", RULE + "    annotations: {summary: '{{ name'}\n", "5:29: summary: this '{{' is never closed"),
    ("an unknown filter", RULE + "    annotations: {summary: '{{ name | nice }}'}\n", "5:39: summary: unknown filter"),
    # -- among rules
    ("a duplicate name", RULE + RULE.removeprefix("rules:\n"), "5:12: duplicate alert name 'A'; it stands in r.yaml:2"),
    (
        "a cycle of suppression",
        RULE + "    suppresses: [B]\n" + RULE.removeprefix("rules:\n").replace("A", "B") + "    suppresses: [A]\n",
        "5:18: cycle of suppression: A -> B -> A",
    ),
    # -- who is told
    ("a receiver without to", RULE + "receivers: {a: {}}\nroutes: [{to: [a]}]\n", "5:16: 'to' is missing"),
    ("receivers without routes", RULE + "receivers: {a: {to: ['json://x']}}\n", "5:13: there are receivers but no routes"),
    ("an unknown receiver", RULE + ROUTES.replace("[a]}]", "[b]}]"), "6:16: routes.to: unknown receiver 'b'; there are a"),
    ("an unknown fallback", RULE + ROUTES.replace("to: ['json", "fallback: z, to: ['json"), "5:27: receivers.a.fallback"),
    (
        "a cycle of fallbacks",
        RULE + "receivers: {a: {to: ['json://x'], fallback: b}, b: {to: ['json://y'], fallback: a}}\nroutes: [{to: [a]}]\n",
        "5:45: cycle of fallbacks: a -> b -> a",
    ),
    ("a fallback to itself", RULE + ROUTES.replace("to: ['json", "fallback: a, to: ['json"), "5:27: cycle of fallbacks"),
    ("a last route with where", RULE + ROUTES.replace("{to: [a]}", "{where: {name: x}, to: [a]}"), "6:11: the last route"),
    ("an unknown group_by", RULE + ROUTES.replace("{to: [a]}", "{to: [a], group_by: [nam]}"), "6:31: group_by: no alert"),
    ("a bad wait", RULE + ROUTES.replace("{to: [a]}", "{to: [a], group_wait: soon}"), "6:32: group_wait: 'soon' is not"),
    ("an escalation without after", RULE + ROUTES.replace("{to: [a]}", "{to: [a], escalate: [{to: [a]}]}"), "6:31: 'after'"),
    ("an unset variable", RULE + ROUTES.replace("json://localhost", "${NOPE}"), "5:22: variable NOPE is not set"),
    ("our own variable", RULE + ROUTES.replace("json://localhost", "${WATCHDOG_WEB_TOKEN}"), "5:22: variable WATCHDOG_WEB"),
    ("a broken variable", RULE + ROUTES.replace("json://localhost", "${NO PE}"), "5:22: '${NO PE}' is not a variable"),
    # -- mutes
    ("equal times", RULE + "mutes: [{name: m, where: {name: x}, times: ['22:00-22:00']}]\n", "5:45: times: '22:00-22:00' begins"),
    ("a bad time", RULE + "mutes: [{name: m, where: {name: x}, times: ['25:00-26:00']}]\n", "5:45: times: '25:00-26:00': a day"),
    ("a bad day", RULE + "mutes: [{name: m, where: {name: x}, times: ['mo 1:00-2:00']}]\n", "5:45: times: 'mo 1:00-2:00': 'mo'"),
    ("a bad zone", RULE + "mutes: [{name: m, where: {}, times: ['1:00-2:00'], timezone: Paris}]\n", "5:62: timezone: 'Paris'"),
]


@pytest.mark.parametrize(("why", "text", "beginning"), TABLE, ids=[row[0] for row in TABLE])
def test_each_mistake_is_placed_and_explained(why: str, text: str, beginning: str) -> None:
    found = mistakes(text)
    assert any(one.removeprefix("r.yaml").removeprefix(":").startswith(beginning) for one in found), found


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(
        """\
        rules:
          - alert: A
            each: sorce
            expr: recordsLag > 5
            for: soon
          - alert: B
            each: source
            exrp: true
        """
    )
    assert len(found) == 3


def test_a_mistake_inside_an_expression_is_underlined() -> None:
    text = RULE.replace("recordsLag > 5", "byteTotal > 5m")
    lines = mistakes(text)[0].split("\n")
    assert lines[1].strip() == "byteTotal > 5m"
    assert lines[2].index("^") == lines[1].index(">")


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("    expr: byteTotal > 5m\n", 4, 21),
        ("    expr: 'byteTotal > 5m'\n", 4, 22),
        ('    expr: "byteTotal > 5m"\n', 4, 22),
        ("    expr: >-\n      byteTotal\n      > 5m\n", 6, 7),
        ("    expr: |\n      true and\n      byteTotal > 5m\n", 6, 7),
        ('    expr: "byte\\u0054otal > 5m"\n', 4, 11),
    ],
)
def test_places_inside_every_kind_of_scalar(written: str, line: int, column: int) -> None:
    text = RULE.replace("    expr: recordsLag > 5\n", written)
    assert mistakes(text)[0].startswith(f"r.yaml:{line}:{column}: ")


@pytest.mark.parametrize(
    ("scalar", "shown"),
    [("no", "no"), ("on", "on"), ("010", "010"), ("1:30", "1:30"), ("~", "~"), ("'x'", "x"), ("0o17", "0o17")],
)
def test_labels_are_text_as_written(scalar: str, shown: str) -> None:
    policy = load_texts({"r.yaml": RULE + f"    labels: {{tier: {scalar}}}\n"}, {})
    assert policy.rules[0].terms.labels == {"tier": shown}


@pytest.mark.parametrize(
    ("template", "variables", "targets"),
    [
        ("${A}", {"A": "json://x"}, ["json://x"]),
        ("${A:-}", {}, []),
        ("${A:-}", {"A": " "}, []),
        ("${A:-json://b}", {"A": "\n"}, ["json://b"]),
        ("${A:-}", {"A": "json://x"}, ["json://x"]),
        ("${A:-json://y}", {}, ["json://y"]),
        ("json://${HOST}/p", {"HOST": "h"}, ["json://h/p"]),
        ("json://${HOST:-}/p", {}, []),
    ],
)
def test_variables(template: str, variables: dict[str, str], targets: list[str]) -> None:
    policy = load_texts({"r.yaml": RULE + f"receivers: {{a: {{to: ['{template}']}}}}\nroutes: [{{to: [a]}}]\n"}, variables)
    assert list(policy.urls.values()) == targets


#: What a slip of the hand or an editor may put into a file.
SLIPS = st.one_of(
    st.binary(min_size=1, max_size=3),
    st.sampled_from(["[", "]", "{", "}", ":", ": ", "\n", "- ", "&a ", "*a", "!x ", "|", ">", "'", '"', "#", "${", "{{", "%}", "~",
                     ".inf", "9" * 400, "\t", "\r", "\u2028", "\ufeff", "\\", "? ", "---\n", "<<: ", "(", "not ", "5m"])
    .map(str.encode),
)  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), SLIPS), min_size=1, max_size=6))
def test_a_damaged_file_is_refused_or_read_never_more(everything: str, slips: list[tuple[float, int, bytes]]) -> None:
    damaged = everything.encode()
    for where, lost, slip in slips:
        position = int(where * len(damaged))
        damaged = damaged[:position] + slip + damaged[position + lost :]
    try:
        load_texts({"r.yaml": damaged}, {"PAGERDUTY_URL": "json://x"})
    except RuleFileError as cause:
        assert all(mistake.line >= 1 and mistake.column >= 1 and mistake.what for mistake in cause.mistakes)
