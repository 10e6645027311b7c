"""The manifests, the unit and the workflows are what their readers accept, and say what the documents say."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
MANIFESTS = [file for file in sorted(KUBERNETES.glob("*/*.yaml")) if file.name != "kustomization.yaml"]
#: Of the Prometheus operator, whose schema is not Kubernetes'.
CUSTOM = {"service-monitor.yaml"}


def documents(file: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(file.read_text()) if one]


@pytest.mark.parametrize("file", [one for one in MANIFESTS if one.parent.name == "base"], ids=lambda one: one.name)
def test_a_manifest_is_valid_to_the_letter(file: Path) -> None:
    for document in documents(file):
        if document["kind"] == "Deployment":  # kustomize adds the selector and its labels
            labels = {"app.kubernetes.io/name": "streamkap-watchdog"}
            document["spec"]["selector"] = {"matchLabels": labels}
            document["spec"]["template"]["metadata"] = {"labels": labels}
        kubernetes_validate.validate(document, "1.31", strict=True)


@pytest.mark.parametrize("folder", ["base", "replicas", "monitoring"])
def test_a_kustomization_names_every_file_beside_it_and_no_other(folder: str) -> None:
    (given,) = documents(KUBERNETES / folder / "kustomization.yaml")
    named = Counter(given.get("resources", []))
    named.update(one["path"] for one in given.get("patches", []) if "path" in one)
    named.update(name for one in given.get("configMapGenerator", []) for name in one["files"])
    assert all((KUBERNETES / folder / name).exists() for name in named), named
    files = {one.name for one in (KUBERNETES / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert files <= set(named)


def test_the_config_map_holds_every_starter_rule() -> None:
    (given,) = documents(KUBERNETES / "base" / "kustomization.yaml")
    assert sorted(given["configMapGenerator"][0]["files"]) == sorted(f"rules/{one.name}" for one in (ROOT / "rules").glob("*.yaml"))


def test_the_pod_runs_as_the_image_is_built_without_any_right() -> None:
    (deployment,) = documents(KUBERNETES / "base" / "deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert f"USER {pod['securityContext']['runAsUser']}" in (ROOT / "Dockerfile").read_text()
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {one["mountPath"] for one in container["volumeMounts"]} == {"/data", "/tmp", "/rules"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_the_unit_is_hardened_and_reloads_by_signal() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "systemd" / "watchdog.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("/watchdog run")
    assert "HUP" in service["ExecReload"]
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectKernelTunables", "RestrictSUIDSGID", "DynamicUser"):
        assert service[name] == "yes"


@pytest.mark.system
def test_systemd_understands_the_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", ROOT / "deploy/systemd/watchdog.service"], capture_output=True, text=True, check=False)
    strange = [line for line in done.stderr.splitlines() if "watchdog.service" in line and "is not executable" not in line]
    assert strange == []


def test_the_workflows_are_valid_and_may_do_little() -> None:
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert {one.stem for one in files} == {"test", "codeql", "release"}
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for file in files:
        (workflow,) = documents(file)
        assert workflow["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job for job in workflow["jobs"].values())
