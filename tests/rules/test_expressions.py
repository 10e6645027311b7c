"""What the language accepts, and how it answers what it does not."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from watchdog.errors import ExpressionError
from watchdog.readings.fleet import Kind
from watchdog.readings.history import Wanted
from watchdog.rules.expressions import Expression, param_mistake
from watchdog.rules.expressions.plan_text import plan_words
from watchdog.rules.rule import Quantity

PARAMS = {
    "limit": Quantity(300.0, "s"),
    "big": Quantity(2.0**20, "bytes"),
    "many": Quantity(10.0),
    "word": Quantity("Broken"),
    "on": Quantity(True),
}


def parse(text: str, each: Kind = Kind.SOURCE) -> Expression:
    return Expression.parse(text, each=each, params=PARAMS)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("a or b == 1 and c == 1", None),
        ("alpha == 1 or beta == 1 and gamma == 1", "alpha == 1 or beta == 1 and gamma == 1"),
        ("(alpha == 1 or beta == 1) and gamma == 1", "(alpha == 1 or beta == 1) and gamma == 1"),
        ("not alpha == 1 and beta == 1", "not (alpha == 1) and beta == 1"),
        ("alpha + 2 * beta > 1", "alpha + 2 * beta > 1"),
        ("(alpha + 2) * beta > 1", "(alpha + 2) * beta > 1"),
        ("alpha - (beta - 1) > 1", "alpha - (beta - 1) > 1"),
        ("alpha - beta - 1 > 1", "alpha - beta - 1 > 1"),
        ("-alpha * 2 > -1.5e1", "-alpha * 2 > -15"),
        ("2 * 3 + 4 < alpha", "10 < alpha"),
        ("StreamingMilliSecondsBehindSource > limit", "StreamingMilliSecondsBehindSource > 5m"),
        ("StreamingMilliSecondsBehindSource > 1h30m", "StreamingMilliSecondsBehindSource > 1h30m"),
        ("StreamingMilliSecondsBehindSource > 300000", "StreamingMilliSecondsBehindSource > 5m"),
        ("reading_age > 300", "reading_age > 5m"),
        ("byteTotal > 10MiB", "byteTotal > 10 MiB"),
        ("byteTotal > 1GB", "byteTotal > 1 GB"),
        ("byteTotal > 1.5MB", "byteTotal > 1.5 MB"),
        ("byteTotal > 123457", "byteTotal > 123457 B"),
        ("alpha > 0.123456789", "alpha > 0.123456789"),
        ("alpha > 0.1 + 0.2", "alpha > 0.3"),
        ("StreamingMilliSecondsBehindSource > 1s * 1e306", "StreamingMilliSecondsBehindSource > unknown"),
        ("reading_age > 1e306", "reading_age > 1e+306s"),
        ("not absent(alpha) and not not present(beta)", "present(alpha) and present(beta)"),
        ("rate(byteTotal, 5m) > 1MiB", "rate(byteTotal, 5m) > 1 MiB/s"),
        ("unchanged_for(connector_status) > 12h", "unchanged_for(connector_status) > 12h"),
        ("byteTotal / big > 5", "byteTotal / 1 MiB > 5"),
        ("StreamingConnected == true", "StreamingConnected == 1"),
        ("StreamingConnected == on", "StreamingConnected == 1"),
        ("true and alpha > 1", "alpha > 1"),
        ("on and alpha > 1", "alpha > 1"),
        ("5m > 30s", "true"),
        ("connector_status in ['Broken', \"Paused\"]", 'connector_status in ["Broken", "Paused"]'),
        ("connector_status not in [word]", 'connector_status not in ["Broken"]'),
        ('connector_status =~ "bro.*|\\d+"', 'connector_status =~ "bro.*|\\\\d+"'),
        ('metric("odd-name") > 1', 'metric("odd-name") > 1'),
        ("min(alpha, 3) > 1 or max(alpha, beta, 2) > 1", "min(alpha, 3) > 1 or max(alpha, beta, 2) > 1"),
        ('count(tasks, task_status == "FAILED") >= 1', 'count(tasks, task_status == "FAILED") >= 1'),
        ("min(topics, recordsLag) > many", "min(topics, recordsLag) > 10"),
        ("absent(alpha) or present(increase(beta, 90s))", "absent(alpha) or present(increase(beta, 1m30s))"),
        ("quantile_over_time(0.9, latency, 1h) > 5m", "quantile_over_time(0.9, latency, 1h) > 5m"),
        ("increase(alpha, limit) > 1", "increase(alpha, 5m) > 1"),
        ("alpha > 1.5\n  and beta < .5", "alpha > 1.5 and beta < 0.5"),
    ],
)  # fmt: skip
def test_what_an_expression_means(text: str, means: str | None) -> None:
    if means is None:
        with pytest.raises(ExpressionError):
            parse(text)
    else:
        assert plan_words(parse(text).plan) == means


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        # units: the place is the operator
        ("byteTotal > 5m", ">", "a duration does not fit bytes"),
        ("latency > 10MiB", ">", "a size does not fit milliseconds"),
        ("alpha > 5m", ">", "meets a value without a unit"),
        ("latensy > 5m", ">", "write a plain number; 'latensy' is not in the catalogue; did you mean 'latency'?"),
        ("delta(recordLag, 5m) > 5m", ">", "'recordLag' is not in the catalogue; did you mean 'recordsLag'?"),
        ("count(tasks) > 5m", ">", "without a unit"),
        ("recordsLag + byteTotal > 5", "+", "records and bytes do not fit"),
        ("latency > reading_age", ">", "milliseconds and seconds"),
        ("recordsLag * byteTotal > 5", "*", "one of the two must be plain"),
        ("5 / recordsLag > 5", "/", "has no unit"),
        ("latency > 5m + 30", "+", "give the number its unit"),
        ("min(recordsLag, byteTotal) > 5", "min", "records and bytes"),
        ("rate(recordsLag, 5m) > recordsLag", ">", "records/s and records"),
        ("recordsLag > limit", ">", "does not fit records"),
        # kinds of values
        ('latency > "5m"', ">", "a text and a number"),
        ('connector_status > "Broken"', ">", "not by order"),
        ("connector_status == 1", "==", "a text and a number"),
        ("latency =~ '5'", "=~", "matches texts"),
        ("connector_status + 1 > 1", "connector_status", "a number is wanted"),
        ("StreamingConnected", "StreamingConnected", "write `StreamingConnected == 1`"),
        ("alpha > 1 and latency", "latency", "write `latency > 5m`"),
        ("(alpha > 1) + 1 > 1", "alpha", "not a value"),
        ("true == true", "true", "with a metric only"),
        ('connector_status == "a" or "b"', '"b"', 'in ["a", "b"]'),
        ("absent(alpha) == true", "absent", "true or false, not a value"),
        # names
        ("name == 'x'", "name", "is a label"),
        ("tasks > 3", "tasks", "write `count(tasks)`"),
        ("connector.x > 1", "connector", "a source has no `connector`"),
        ("tasks.task_status == 'x'", "tasks", "are several"),
        ("sum(sources, latency) > 1", "sources", "a source has no `sources`"),
        ("StreamingLastEvent == 'x'", "StreamingLastEvent", "row keys"),
        # functions
        ("increse(alpha, 5m) > 1", "increse", "did you mean 'increase'"),
        ("absent_over_time(alpha, 5m)", "absent_over_time", "`absent(m)`"),
        ("increase(alpha) > 1", "increase", "takes 2 arguments, not 1"),
        ("increase(alpha, 25h) > 1", "25h", "at most 24h"),
        ("increase(alpha, 15) > 1", "15)", "is a duration"),
        ("increase(alpha + 1, 15m) > 1", "alpha", "of a metric"),
        ("rate(connector_status, 15m) > 1", "connector_status", "is a text"),
        ("increase(15m, alpha) > 1", "15m", "another order: write `increase(m, 15m)`"),
        ("increase(limit, alpha) > 1", "limit", "another order"),
        ("quantile_over_time(alpha, 0.9, 5m) > 1", "alpha", "write `quantile_over_time(0.9, m, 15m)`"),
        ("count(alpha > 1) > 0", "alpha", "count is over a list of relatives; a source has tasks, topics"),
        ("connector_status == true", "true", "a text is neither true nor false"),
        ("quantile_over_time(90, alpha, 15m) > 1", "90", "from 0 to 1"),
        ("sum(alpha, 3) > 1", "alpha", "over a list of relatives"),
        ("latency() > 1", "latency", "is a metric, not a function"),
        # other languages
        ("increase(alpha[15m]) > 0", "[15m]", "write `increase(alpha, 15m)`"),
        ("alpha[5m] > 0", "[5m]", "write `increase(alpha, 5m)`"),
        ("alpha offset 5m > 0", "offset", "write `ago(alpha, 5m)`"),
        ("alpha > 1 unless beta > 1", "unless", "`a and not b`"),
        ("alpha > 1 and on(job) beta > 1", "on", "not joined by labels"),
        ("sum by (job) (alpha) > 1", "by", "there is no `by`"),
        ('alpha{job="x"} > 1', "{", "`where`"),
        ("alpha > 1 && beta > 1", "&&", "write `and`"),
        ("alpha > 1 || beta > 1", "||", "write `or`"),
        ("!absent(alpha)", "!", "write `not`"),
        ("alpha = 1", "=", "write `==`"),
        ("alpha > 5%", "%", "0.05"),
        ("alpha > 1 AND beta > 1", "AND", "lower case"),
        ("absent_over_time(alpha[5m])", "absent_over_time", "`absent(m)`"),
        ("predict_linear(alpha[1h], 3600) > 1", "predict_linear", "no function 'predict_linear'"),
        ("alpha > 1 and on(job) group_left beta > 1", "on", "not joined by labels"),
        ("alpha <> 1", "<>", "write `!=`"),
        ("alpha === 1", "===", "write `==`"),
        ("alpha => 1", "=>", ">="),
        ("connector_status ~ 'x'", "~", "write `=~`"),
        ("connector_status not =~ 'x'", "not", "write `!~`"),
        ("connector_status in ('a', 'b')", "('a", "square brackets"),
        ("connector_status is not 'x'", "is not", "write `==` or `!=`"),
        ("alpha == null", "null", "write `absent(m)`"),
        ("alpha is not null", "null", "write `absent(m)`"),
        ("alpha between 1 and 5", "between", "`m >= 1 and m <= 5`"),
        ("alpha ≥ 1", "≥", "write `>=`"),
        ("alpha > 1", " ", "U+00A0"),
        ("connector_status == “Broken”", "“", "straight quotes"),
        ("alpha > 10_000", "10_000", "write `10000`"),
        ("alpha > 10,000", "10,000", "write `10000`"),
        ("alpha > 0,05", "0,05", "write `0.05`"),
        ("latency > 5 minutes", "minutes", "`5m`"),
        ("latency > 1h 30m", "30m", "`1h30m`"),
        ("byteTotal > 5 MB", "MB", "`5MB`"),
        ("latency > 5min", "5min", "did you mean '5m'?"),
        ("byteTotal > 5Gi", "5Gi", "did you mean '5GiB'?"),
        ("alpha > 10k", "10k", "did you mean 10000 or '10KB'?"),
        ("latency > $limit", "$limit", "its name alone: `limit`"),
        ("latency > {{ params.limit }}", "{{", "its name alone: `limit`"),
        ("latency > params.limit", "params", "its name alone: `limit`"),
        ("alpha > 1 # a lot", "#", "no remarks"),
        ("alpha > 1 // a lot", "//", "no remarks"),
        # grammar
        ("1 < alpha < 5", "< 5", "do not chain"),
        ("alpha >", "", "a value is missing"),
        ("(alpha > 1", "(", "this ( is not closed; a ) is missing"),
        ("beta > 1 and (alpha > (1 + beta)", "(alpha", "this ( is not closed"),
        ("connector_status in ['a'", "[", "this [ is not closed; a ] is missing"),
        ("and alpha > 1", "and", "unexpected 'and'; a value is missing here"),
        ("alpha > 1 and and beta > 1", "and beta", "unexpected 'and'; a value is missing here"),
        ("in > 5", "in", "unexpected 'in'; a value is missing here"),
        ("alpha > not", "not", "a value is missing here"),
        ("alpha > 1]", "]", "closes nothing"),
        ("alpha ; beta", ";", "accepted here: and, or, a comparison, in, +, -, * or /, ., (, the end"),
        ("alpha > 1)", ")", "closes nothing"),
        ("alpha > 1 beta", "beta", "unexpected 'beta'"),
        ("", "", "is missing"),
        ("alpha > 5x", "5x", "not a number, duration or size"),
        ("alpha > 2w", "2w", "14d"),
        ("alpha == 'x", "'", "closing quote"),
        ("connector_status in 'x'", "'x'", "wants a list"),
        ("alpha in [beta]", "beta", "constants only"),
        ('connector_status =~ "("', '"("', "cannot be read"),
        ('connector_status =~ "(?=x)y"', '"(?=', "no look-around"),
        ("(" * 200 + "alpha > 1" + ")" * 200, None, "nested too deeply"),
        ("alpha > 1" + " " * 30_000, None, "too long"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place_with_what_would_be_accepted(text: str, at: str | None, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    ((offset, length, message),) = caught.value.mistakes
    assert says in message
    assert length >= 1
    if at is not None:
        assert offset == (text.index(at) if at else len(text))


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("byteTotal > 5m and increse(alpha, 5m) > 1 or name == 'x'")
    assert [offset for offset, _, _ in caught.value.mistakes] == [10, 19, 45]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("alpha = 1 && byteTotal > 5m", ["=", "&&", "> 5m"]),
        ("rate(alpha{job='x'}[5m]) > 1", ["{", "[5m]"]),
        ("rate(connector_status{a='b'}[5m]) > 1 || foo(1) == 2", ["connector_status", "{", "[5m]", "||", "foo"]),
        ("byteTotal ≥ 5m and latency > 1_000", ["≥", "1_000"]),
        ("recordsLag > 5m # more", ["> 5m", "#"]),
        ("recordsLag is 5 and (byteTotal > 5m", ["is"]),  # a bracket may be missing because of the spelling
        ("recordsLag % 2 == 0 and byteTotal > 5m", ["%"]),  # nothing can be read instead
    ],
)
def test_another_spelling_hides_nothing_else(text: str, at: list[str]) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert [offset for offset, _, _ in caught.value.mistakes] == [text.index(word) for word in at]


def test_an_expression_tells_what_it_reads_and_what_has_to_be_remembered() -> None:
    found = parse(
        "increase(alpha, 15m) > 1 and increase(alpha, 5m) > 1 "
        "and unchanged_for(beta) > 1 and sum(topics, recordsLag) > 1"
    )
    assert found.metrics == {(Kind.SOURCE, "alpha"), (Kind.SOURCE, "beta"), (Kind.TOPIC, "recordsLag")}
    assert found.relatives == {(), ("topics",)}
    assert found.windows == {
        (Kind.SOURCE, "alpha"): Wanted(900.0),
        (Kind.SOURCE, "beta"): Wanted(unchanged=True),
    }


def test_an_override_whose_params_do_not_fit_is_told() -> None:
    found = parse("latency > limit")
    assert plan_words(found.bound({"limit": Quantity(60.0, "s")}).plan) == "latency > 1m"
    assert plan_words(found.bound({"limit": Quantity(60_000.0)}).plan) == "latency > 1m"
    with pytest.raises(ExpressionError, match="a size does not fit"):
        found.bound({"limit": Quantity(60.0, "bytes")})


@pytest.mark.parametrize(
    ("name", "why"),
    [("limit", None), ("latency", "metric"), ("tags", "label"), ("rate", "function"), ("and", "keyword"),
     ("sources", "relative"), ("a-b", "letters"), ("", "letters")],
)  # fmt: skip
def test_what_a_param_may_be_called(name: str, why: str | None) -> None:
    found = param_mistake(name)
    assert found is None if why is None else why in str(found)


words = st.sampled_from(
    ["alpha", "latency", "connector_status", "tasks", "limit", "word", "(", ")", "[", "]", ",", ".", "and", "or", "not",
     "in", "true", "==", ">", "=~", "+", "-", "*", "/", "5m", "10MiB", "1.5", "0", "1e400", '"x"', "'(a'", "increase",
     "ago",
     "count", "sum", "min", "absent", "coalesce", "metric", "offset", "{", "%", "é", "\x00", "\\", "\n"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.lists(words, max_size=14).map(" ".join), st.lists(words, max_size=8).map("".join), st.text(max_size=30)
    )
)
def test_nothing_but_a_mistake_comes_of_any_text(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        found = parse(text)
        assert plan_words(Expression.parse(text, each=Kind.SOURCE, params=PARAMS).plan) == plan_words(found.plan)
