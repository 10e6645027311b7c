"""Healthy fleets of every kind: nobody is paged."""

from __future__ import annotations

import pytest

from incidents.healthy import play


@pytest.mark.parametrize(("connectors", "weeks", "every"), [(6000, 0.5, 600.0), (300, 0.04, 60.0)])
def test_nobody_is_paged_while_nothing_is_wrong(connectors: int, weeks: float, every: float) -> None:
    found = play(7, connectors, weeks, every)
    assert not [(one.alert, one.entity, one.reason) for one in found.pages][:5]
