"""Which URL a message goes to: that of the configuration, and for one that left, the last it had."""

from __future__ import annotations

import pytest

from watchdog.app.startup import Known
from watchdog.configuration.files import load_texts
from watchdog.cycle.policy import Policy
from watchdog.errors import DeliveryError


def policy(url: str, **variables: str) -> Policy:
    text = f"receivers: {{hook: {{to: ['{url}']}}}}\nroutes: [{{to: [hook]}}]\n"
    rules = "rules: [{alert: Lag, each: source, expr: recordsLag > 10}]\n"
    return load_texts({"r.yaml": rules + text}, variables)


def target_of(one: Policy) -> str:
    (target,) = one.routing.specs
    return target


def test_a_target_that_left_is_found_in_what_was_accepted_before() -> None:
    now, before, long_before = policy("json://now/"), policy("json://before/"), policy("json://long-before/")
    carriers = Known(lambda: now, lambda: iter([now, before, long_before]))
    for one, host in ((now, "now"), (long_before, "long-before"), (before, "before")):
        carriers.open(target_of(one))
        assert carriers.label(target_of(one)) == f"json://{host}/…"
    with pytest.raises(DeliveryError, match="in no accepted rule files") as refused:
        carriers.open("t-unknown")
    assert refused.value.permanent


def test_a_secret_that_was_rotated_is_used_at_once() -> None:
    current = [policy("json://${HOOK_HOST}/", HOOK_HOST="one")]
    carriers = Known(lambda: current[0], lambda: iter(()))
    target = target_of(current[0])
    carriers.open(target)
    assert carriers.label(target) == "json://one/…"
    current[0] = policy("json://${HOOK_HOST}/", HOOK_HOST="two")
    carriers.open(target)
    assert carriers.label(target) == "json://two/…"
