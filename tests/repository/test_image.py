"""The container's files: they lint, promise what the contract promises, and compose agrees with them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def _instructions() -> list[str]:
    """The Dockerfile's instructions, one string each, comments and continuations taken out."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]


def _last_stage() -> list[str]:
    lines = _instructions()
    start = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[start:]


def _compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return loaded


def test_hadolint_has_nothing_to_say() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_image_sets_what_the_contract_says() -> None:
    environment = " ".join(line for line in _last_stage() if line.startswith("ENV "))
    assert "WATCHDOG_DATABASE_URL=sqlite:////data/watchdog.db" in environment
    assert "WATCHDOG_LISTEN=0.0.0.0:8080" in environment


def test_the_image_does_not_run_as_root_and_checks_its_own_health() -> None:
    stage = _last_stage()
    assert "USER 10001:10001" in stage
    assert any(line.startswith("HEALTHCHECK ") and '"watchdog.probe"' in line for line in stage)
    assert "VOLUME /data" in stage


def test_any_base_serves_since_python_is_called_by_name() -> None:
    for line in _instructions():
        if not line.startswith("FROM"):
            assert not re.search(r"(/usr(/local)?)?/bin/python", line.replace("/opt/watchdog/bin", "").replace(
                "/opt/builder/bin", "")), line
        else:
            assert "${PYTHON_IMAGE}" in line


def test_compose_takes_away_what_the_service_does_not_need() -> None:
    service = _compose()["services"]["watchdog"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    mounts = [mount for mount in service["volumes"] if mount.split(":")[1] == "/rules"]
    assert mounts and mounts[0].endswith(":ro"), "rules are read, never written"
    assert any(mount.split(":")[1] == "/data" for mount in service["volumes"]), "the memory outlives the container"


def test_compose_publishes_the_page_to_this_machine_only() -> None:
    for port in _compose()["services"]["watchdog"]["ports"]:
        assert port.startswith("127.0.0.1:")
