"""Where everything was installed a skipped test is a failed one: with WATCHDOG_FAIL_ON_SKIP=1, as .ci/run sets it.

Registered in tests/conftest.py. On a machine with only Python and make the variable is not set, and a test that needs
a system package says which one and is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

_MEANT = os.environ.get("WATCHDOG_FAIL_ON_SKIP", "") not in ("", "0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as a skip, too, and is none.
    if _MEANT and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _MEANT and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"nothing may be skipped here (WATCHDOG_FAIL_ON_SKIP is set), but: {reason}"
