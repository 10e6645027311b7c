"""`watchdog explain --if`: one alert over the recorded polls, as it is and with other terms.

The lag of source/orders is 50 from the tenth to the thirtieth minute; the rule is `recordsLag > limit`, limit 20, for 2m.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchdog.commands.what_if import explain_if
from watchdog.errors import ConfigError

pytestmark = pytest.mark.usefixtures("repository")


@pytest.fixture(autouse=True)
def rules(repository: Path) -> None:
    rules = repository / "rules" / "lag.yaml"
    rules.write_text(rules.read_text().replace("for: 4m", "for: 2m"))


def _asked(capsys: pytest.CaptureFixture[str], *asked: str, entity: str = "source/orders") -> dict[str, Any]:
    assert explain_if("Lag", entity, asked, None, as_json=True) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _began(side: dict[str, Any]) -> list[str]:
    return [one["began"][11:16] for one in side["episodes"]]


@pytest.mark.parametrize(
    ("asked", "began"),
    [
        (["for=4m"], ["08:14"]),
        (["for=0s"], ["08:10"]),
        (["for=1h"], []),
        (["limit=49"], ["08:12"]),
        (["limit=50"], []),
        (["limit=60", "for=0s"], []),
        (["keep_firing_for=5m"], ["08:12"]),
    ],
)
def test_with_other_terms_it_would_have_fired_at(
    capsys: pytest.CaptureFixture[str], asked: list[str], began: list[str]
) -> None:
    found = _asked(capsys, *asked)
    assert _began(found["as_it_is"]) == ["08:12"]
    assert _began(found["if_so"]) == began


@pytest.mark.parametrize(
    ("at", "state", "verdict", "lag"),
    [
        ("2026-01-05T08:09:59Z", "inactive", "false", 0.0),
        ("2026-01-05T08:11:30Z", "pending", "true", 50.0),
        ("2026-01-05T09:12:30+01:00", "firing", "true", 50.0),
        ("2026-01-05T08:30", "resolved", "false", 0.0),
    ],
)
def test_at_an_instant(capsys: pytest.CaptureFixture[str], at: str, state: str, verdict: str, lag: float) -> None:
    look = _asked(capsys, f"at={at}")["as_it_is"]["look"]
    assert (look["state"], look["verdict"], look["readings"]) == (state, verdict, {"recordsLag": lag})


def test_both_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    explain_if("Lag", "orders", ["for=4m", "at=2026-01-05T08:13Z"], None, as_json=False)
    shown = capsys.readouterr().out
    assert (
        "as it is, at 2026-01-05 08:13:00Z: firing; the expression is true\n  because recordsLag is 50 (> 20)" in shown
    )
    assert "with for=4m, at 2026-01-05 08:13:00Z: pending" in shown
    assert "with for=4m: it does not fire" in shown


@pytest.mark.parametrize(
    ("alert", "entity", "asked", "says"),
    [
        ("Lga", "orders", "for=4m", "there is no rule 'Lga'; did you mean 'Lag'"),
        ("Lag", "order", "for=4m", "Lag did not cover 'order' in the recording; did you mean"),
        ("Lag", "orders", "limt=4", "'limt' is no param of Lag; did you mean 'limit'"),
        ("Lag", "orders", "for", "write NAME=VALUE, e.g. for=4m"),
        ("Lag", "orders", "for=long", "--if for: 'long'"),
        ("Lag", "orders", "limit=[", "--if limit: '\\[' is no value; write a number, a duration"),
        ("Lag", "orders", "limit=abc", "--if: "),
        ("Lag", "orders", "at=soon", "--if at: 'soon' is not a time"),
        ("Lag", "orders", "at=2020-01-01T00:00Z", "there is no recorded poll at or before 2020-01-01"),
    ],
)
def test_what_cannot_be_asked_says_why(alert: str, entity: str, asked: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        explain_if(alert, entity, [asked], None, as_json=True)
