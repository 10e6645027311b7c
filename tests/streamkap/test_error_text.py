"""What a failure says: one line that helps, without secrets and without anybody's data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.streamkap.entities import task_errors
from watchdog.streamkap.error_text import LIMIT, error_of, scrubbed, snapshot_error_of

LINES = [
    ("only the first line", "org.x.ConnectException: Tolerance exceeded\n\tat org.x.Worker.run(Worker.java:12)",
     "org.x.ConnectException: Tolerance exceeded"),
    ("a name after what it names", 'ERROR: relation "public.orders" does not exist', 'ERROR: relation "public.orders" does not exist'),
    ("a value", 'invalid input syntax for type integer: "Jane Doe"', 'invalid input syntax for type integer: "…"'),
    ("a row", "duplicate key: Key (email)=(jane@example.com) already exists", "duplicate key: Key (email)… already exists"),
    ("a record", 'cannot convert Struct{id=7,name=Jane} to "x"', 'cannot convert … to "…"'),
    ("a document", 'bad value {"ssn": 5, "a": {"b": 1}} in field "a.b"', 'bad value … in field "a.b"'),
    ("a password", "connect failed: user=cdc password=hunter2 host=db", "connect failed: user=cdc password=… host=db"),
    ("a token in words", "Authorization: Bearer abc.def", "Authorization: …"),
    ("a password in a URL", "cannot open postgresql://cdc:hunter2@db:5432/shop", "cannot open postgresql://…@db:5432/shop"),
    ("a number of somebody", "no customer 4111111111111111 in topic 'shop.orders'", "no customer … in topic 'shop.orders'"),
    ("an address", "mail for jane.doe@example.com bounced", "mail for … bounced"),
    ("nothing", " \n\t\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("why", "text", "line"), LINES)
def test_a_line_keeps_names_and_loses_values(why: str, text: str, line: str) -> None:
    assert scrubbed(text) == line, why


@given(st.text(max_size=3000))
def test_any_text_is_one_short_printable_line(text: str) -> None:
    line = scrubbed(text)
    assert len(line) <= LIMIT
    assert line.isprintable()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"status": "FAILED", "trace": "boom\nat x"}, "boom"),
        ({"state": "FAILED", "error": {"message": "boom"}}, "boom"),
        ({"message": "boom", "trace": ""}, "boom"),
        ({"trace": 5}, ""),
        ({}, ""),
        ("FAILED", ""),
        (None, ""),
    ],
)
def test_where_the_api_may_say_it(status: object, error: str) -> None:
    assert error_of(status) == error


def test_tasks_and_snapshots_of_a_listed_source() -> None:
    assert task_errors({"task_statuses": {"0": {"status": "RUNNING"}, "1": {"status": "FAILED", "trace": "boom"}}}) == {
        "1": "boom"
    }
    assert task_errors({"task_statuses": [{"id": 1, "state": "FAILED", "message": "boom"}, None, 7]}) == {"1": "boom"}
    assert snapshot_error_of({"snapshot_details": [{"status": "ok"}, {"trace": "lock timeout"}]}) == "lock timeout"
    assert snapshot_error_of({"snapshotStatus": {"error": "lock timeout"}}) == "lock timeout"
    assert snapshot_error_of({"snapshot": "running"}) == ""


def test_a_task_that_fails_has_its_error_at_the_next_poll(account: Any, ids: dict[str, str]) -> None:
    """The metrics tell the state, the listing why; it is asked once more, not at every poll."""
    answers, said = account.api.answers, []
    for number in range(6):
        if number == 2:
            answers["/sources/metrics"]["task_metrics"][ids["source"]]["0"]["status"] = "FAILED"
            (source,) = answers["/sources"]["result"]
            source["task_statuses"] = {"0": {"status": "FAILED", "trace": "boom: no slot\n\tat x"}}
        poll = account.poll(30.0 * number)
        said.append((poll.listing is not None, account.seen(poll)["task/orders-db/0"].get("task_error")))
    error = "boom: no slot"
    assert said == [(True, None), (False, None), (False, None), (True, error), (False, error), (False, error)]
