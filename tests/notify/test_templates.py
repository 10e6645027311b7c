"""Texts of rules: what they may name, how numbers read, and that no template can hurt."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.errors import TextError
from watchdog.notify.templates import LIMIT, Instant, Number, check, render
from watchdog.notify.truncation import cut

LABELS = {"name", "tags", "connector", "flapping"}
NAMES: dict[str, object] = {
    "name": "orders",
    "tags": "prod, eu",
    "value": Number(724_000, "ms"),
    "reason": "lag is 12m4s (> 5m)",
    "params": {"limit": Number(300, "s"), "items": Number(3), "table": "orders"},
    "readings": {"recordsLag": Number(1_200_000), "connector_status": "Broken", "odd-name": Number(1), "gone": None},
    "since": Instant(1_000_000.0, now=1_000_724.0),
    "duration": Number(724, "s"),
    "severity": "critical",
    "links": {"entity": "https://app.example.com/sources/1", "alert": ""},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{ name }} is late", "orders is late"),
        ("{{ value | duration }}", "12m4s"),
        ("{{ params.limit | duration }}", "5m"),
        ("{{ params['limit'] | duration }}", "5m"),
        ("{{ params.items }}", "3"),  # not the method of a dict
        ("{{ params }}", "limit=300, items=3, table=orders"),
        ("{{ value }}", "724000"),
        ("{{ since }}", "1970-01-12 13:46:40Z"),
        ("{{ since | ago }}", "12m4s ago"),
        ("{{ since | duration }}", "12m4s"),
        ("{{ duration | ago }}", "12m4s ago"),
        ("{{ 0.05 | percent }} {{ 12.5 | percent }} {{ 0.00123 | percent }}", "5% 1250% 0.123%"),
        ("{{ 5242880 | bytes }}", "5 MiB"),
        ("{{ readings.recordsLag | number }}", "1200000"),
        ("{{ readings['odd-name'] }}", "1"),
        ("{{ readings.connector_status | lower }}", "broken"),
        ("{{ 0.1 + 0.2 }}", "0.3"),
        # ms and s meet as time, and a unit stays with its number
        ("{{ (value - params.limit) | duration }}", "7m4s"),
        ("{{ (params.limit - value) | duration }}", "-7m4s"),
        ("{{ (value / params.limit) | round(1) }}", "2.4"),
        ("{{ (value / 2) | duration }}", "6m2s"),
        ("{{ (2 * value) | duration }}", "24m8s"),
        ("{{ (value + 1000) | duration }}", "12m5s"),
        ("{{ value | round | duration }}", "12m4s"),
        ("{{ value | int | duration }}", "12m4s"),
        ("{{ -value | duration }}", "-12m4s"),
        ("{% if value > params.limit %}over{% else %}under{% endif %}", "over"),
        ("{{ 'over' if value > 10 * params.limit else 'under' }}", "under"),
        # what is not there
        ("{{ readings.unseen }}", "unknown"),
        ("{{ readings.gone | number }}", "unknown"),
        ("{{ readings.gone | ago }}", "unknown"),
        ("{{ flapping }}.", "."),
        ("{% if flapping == 'true' %}flaps{% endif %}", ""),
        ("{{ tags | replace(', ', '+') | upper }}", "PROD+EU"),
        ("{# a remark #}{{ severity | title }}", "Critical"),
    ],
)
def test_what_a_template_makes(template: str, text: str) -> None:
    assert check(template, LABELS, params=("limit", "items", "table")) == []
    assert render(template, NAMES) == text


@pytest.mark.parametrize(
    ("template", "offset", "begins"),
    [
        ("{{ nam }}", 3, "nothing is called 'nam' here; did you mean 'name'?"),
        ("nam: {{ nam }}", 8, "nothing is called 'nam' here"),  # not the word in the text before it
        ("{{ colour }}", 3, "nothing is called 'colour' here; there are connector, duration, "),
        ("{{ params.limt }}", 10, "params has no 'limt'; there are limit"),
        ("{{ params['limt'] }}", 10, "params has no 'limt'; there are limit"),
        ("{{ links.page }}", 9, "links has no 'page'; there are entity, alert"),
        ("{{ name.upper }}", 8, "'name' has no parts; params, readings and links have"),
        ("{{ name.__class__ }}", 8, "'name' has no parts"),
        ("{{ ''.__class__ }}", 6, "'this' has no parts"),
        ("{{ name | nice }}", 10, "unknown filter 'nice'; there are duration, number, bytes, percent, ago"),
        ("{{ name is nice }}", 11, "unknown test 'nice'"),
        ("{{ value | duration(1) }}", 11, "the filter 'duration' takes nothing in brackets"),
        ("{{ name", 0, "this '{{' is never closed; write '}}' behind it"),
        ("one\ntwo {{ name", 8, "this '{{' is never closed"),
        ("{{ name }} {{ name }", 11, "this '{{' is never closed"),
        ("{% if name }x{% endif %}", 0, "this '{%' is never closed; write '%}' behind it"),
        ("one {# two", 4, "this '{#' is never closed"),
        ("one {% if name %}two", 4, "this {% if %} is never closed; write {% endif %}"),
        ("{% if name %}{% if name %}x{% endif %}", 0, "this {% if %} is never closed"),
        ("one {% endif %}", 4, "'endif' belongs to no {% if %}"),
        ("one\ntwo {% switch %}", 8, "unknown tag 'switch'; a text holds {% if … %}, elif, else and {% endif %} only"),
        ("one {{ }}", 4, "a name is missing between '{{' and '}}'"),
        ("one {{ $labels.name }}", 7, "'$' is not read here: labels and values are named alone, e.g. {{ name }}"),
        ("{{ name & 1 }}", 8, "unexpected '&'; write 'and'"),
        ("{{ 'name }}", 3, "a quote that is never closed"),
        ("one {{ name name }}", 4, "the template is broken: expected token '}}', got 'name'"),
        ("one {% for a in tags %}{% endfor %}", 4, "'for' is not allowed in a text"),
        ("one\ntwo {{ name.upper() }}", 16, "nothing is called with brackets"),
        ("{% for a in tags %}{% endfor %}", 0, "'for' is not allowed in a text"),
        ("{% set a = 1 %}", 0, "'set' is not allowed in a text"),
        ("{% macro a() %}{% endmacro %}", 0, "'macro' is not allowed in a text"),
        ("{% include 'x' %}", 0, "'include' is not allowed in a text"),
        ("{{ range(9) }}", 3, "nothing is called with brackets in a text"),
        ("{{ name.upper() }}", 8, "nothing is called with brackets in a text"),
        ("{{ 9 ** 9 }}", 0, "'**' is not allowed in a text"),
        ("{{ [1, 2] }}", 0, "'[…]' is not allowed in a text"),
        ("é" * (LIMIT // 2 + 1), LIMIT // 2 + 1, f"the text has {LIMIT + 2} bytes; {LIMIT} (4 KiB) are the most"),
        ("{{ " + "name ~ (" * 300 + "name" + ")" * 300 + " }}", 0, "the template is nested too deeply; write it flatter"),
        ("{% if name %}" * 120 + "{% endif %}" * 120, 0, "the template is nested too deeply"),
        ("{{ " + "not " * 900 + "name }}", 0, "the template is nested too deeply"),
        ("{{ " + "(" * 1900 + "name" + ")" * 1900 + " }}", 0, "the template is nested too deeply"),
        ("x" * (LIMIT + 1), LIMIT, f"the text has {LIMIT + 1} bytes; {LIMIT} (4 KiB) are the most"),
    ],
)
def test_what_check_finds(template: str, offset: int, begins: str) -> None:
    found = check(template, LABELS, params=("limit",))
    assert found[0][0] == offset
    assert found[0][1].startswith(begins)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x'" + "|replace('x', 'xxxxxxxxxx')" * 20 + " }}",
        "{{ 'xx'" + "|join('yyyyyyyyyy')" * 20 + " }}",
        "{{ name * 1000000000 }}",
        "{{ '%99999999d' % 1 }}",
        "{{ 1.5 | round(1000000000, 'ceil') }}",
        "{{ (" + "name ~ " * 500 + "name) | replace('o', name) | replace('r', reason * 2) }}",
        "{{ '' | center(1000000000) }}",
        "{{ '{:>999999999}' | format(1) }}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ name.__class__.__mro__ }}",
        "{{ name['__class__'] }}",
        "{{ params._parts }}",
        "{{ name | truncate(-5) }}",
        "{{ value + name }}",
        "{{ value > name }}",
        "{{ 1 / 0 }}",
        "{{ " + "name ~ (" * 300 + "name" + ")" * 300 + " }}",
    ],
)
def test_what_could_hurt_is_refused_at_once(template: str) -> None:
    before = time.process_time()
    with pytest.raises(TextError):
        render(template, NAMES)
    assert time.process_time() - before < 1


def test_a_long_text_is_cut_at_a_word() -> None:
    text = render("{{ name }} {{ reason }}", {"name": "a", "reason": "word " * 2000})
    assert len(text) <= LIMIT
    assert text.endswith("word…")


@pytest.mark.parametrize(
    ("text", "limit", "cut_to"),
    [("short", 10, "short"), ("one two three", 9, "one two…"), ("unbroken", 5, "unbr…"), ("abc", 0, "")],
)
def test_cutting(text: str, limit: int, cut_to: str) -> None:
    assert cut(text, limit) == cut_to


@given(st.text(alphabet="{}%|.()'[]~*+-/<>= \nabcnameifvlu0129_#", max_size=80))
def test_any_text_is_checked_and_rendered_or_refused(template: str) -> None:
    mistakes = check(template, LABELS)
    assert all(0 <= offset <= len(template) and what for offset, what in mistakes)
    try:
        assert len(render(template, NAMES)) <= LIMIT
    except TextError as cause:
        assert str(cause)
