"""`make image-test`: builds the image and runs it as compose.yaml does, with real tools and no registry's base image.

It needs root, buildah and runc, and debootstrap where PYTHON_IMAGE names no base: `apt-get install buildah runc debootstrap`.
The container is user 10001 with a read-only root, no capabilities and no new privileges; it shares the host's network.
Every step prints what it saw; the first that fails ends the test with exit code 1. Where a tool is missing it says so
and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from watchdog import __version__
from watchdog.simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]
USER = 10001
#: The image's share beside its base, and what a watchdog of a few connectors may hold resident.
MOST_MEGABYTES, MOST_RESIDENT = 150, 128
TASK_RULES = """
rules:
  - {alert: TaskFailed, each: task, expr: 'task_status == "FAILED"', severity: critical, flapping: off}
receivers: {team: {to: ["${TEAM_URL}"]}}
routes: [{to: [team], group_wait: 0s, group_interval: 1s}]
"""
#: Makes the database that the first version made.
FIRST_SCHEMA = """
import sys
from pathlib import Path
from alembic import command
from alembic.config import Config
from watchdog.store import migrate
from watchdog.store.database import Database

config = Config()
config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
with Database(sys.argv[1]).writing() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
"""
ENV = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}


class Failed(Exception):
    """What was found instead of what should be."""


def main() -> int:
    missing = [tool for tool in ("buildah", "runc", "unshare") if shutil.which(tool) is None]
    if os.geteuid() != 0:
        missing.append("root")
    if not missing and subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode:
        missing.append("namespaces, which this machine does not permit")
    if missing:
        print(f"SKIPPED: THE IMAGE WAS NOT RUN; make image-test needs {' and '.join(missing)}", file=sys.stderr)
        return 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            _test(Path(folder))
    except Failed as cause:
        print(f"FAIL {cause}", file=sys.stderr)
        return 1
    print("the image passed")
    return 0


def _test(folder: Path) -> None:
    base = os.environ.get("PYTHON_IMAGE") or _base(folder)
    image = _built(base)
    with _mounted(image) as root:
        _inspect(image, base, root)
        data, rules = folder / "data", folder / "rules"
        data.mkdir(mode=0o700)
        os.chown(data, USER, USER)
        rules.mkdir()
        (rules / "tasks.yaml").write_text(TASK_RULES)
        with Simulator(sources=3) as streamkap, _webhook() as told:
            container = Container(root, folder, data, rules, streamkap, told.url)
            _incident(container, streamkap, told)
            _killed(container, streamkap, told)
            _volume(container, data)


def _incident(container: Container, streamkap: Simulator, told: Told) -> None:
    container.start()
    until("its page answers", lambda: httpx.get(f"{container.url}/healthz").text.startswith("ok"))
    source = streamkap.fleet.sources[0]
    streamkap.set(source.id, "task_status", "FAILED", task=0)
    until("the failed task is notified", lambda: told.titles("[FIRING:1] TaskFailed"))
    container.check("the health check", ["python3", "-m", "watchdog.probe"], 0)
    container.check("the root file system is read-only", ["python3", "-c", "open('/rules/x', 'w')"], 1)
    container.check("the volume is writable", ["python3", "-c", "open('/data/x', 'w').close()"], 0)
    resident = container.resident()
    expect(resident <= MOST_RESIDENT, f"resident memory {resident} MiB, at most {MOST_RESIDENT}")


def _killed(container: Container, streamkap: Simulator, told: Told) -> None:
    source, before = streamkap.fleet.sources[0], len(told.bodies)
    container.kill(signal.SIGKILL)
    container.start()
    until("it answers after kill -9", lambda: httpx.get(f"{container.url}/readyz").status_code == 200)
    expect(len(told.bodies) == before, "after kill -9 nothing is notified twice")
    streamkap.set(source.id, "task_status", "RUNNING", task=0)
    until("the end is notified", lambda: told.titles("[RESOLVED] TaskFailed"))
    began = time.monotonic()
    code = container.kill(signal.SIGTERM)
    took = time.monotonic() - began
    expect(code == 0 and took < 10, f"SIGTERM ends it with {code} after {took:.1f} s")


def _volume(container: Container, data: Path) -> None:
    """A volume of the first schema, as the first version wrote it, is upgraded in place."""
    made = data / "watchdog.db"
    modes = {one.name: f"{one.stat().st_mode & 0o777:o}" for one in data.iterdir() if one.name.startswith("watchdog")}
    expect(set(modes.values()) == {"600"}, f"the volume's files are the owner's alone: {modes}")
    made.unlink()
    run([sys.executable, "-c", FIRST_SCHEMA, f"sqlite:///{made}"])
    os.chown(made, USER, USER)
    container.start()
    until("it runs on an older volume", lambda: httpx.get(f"{container.url}/readyz").status_code == 200)
    container.kill(signal.SIGTERM)


# -- the image


def _base(folder: Path) -> str:
    """A Debian with python3 from Debian's packages: no registry is asked."""
    if shutil.which("debootstrap") is None:
        raise Failed("without PYTHON_IMAGE a base is made by debootstrap, which is not installed")
    root = folder / "base"
    run(["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm", str(root)])
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")  # a proxy's CA, too
    container = run(["buildah", "from", "scratch"]).strip()
    run(["buildah", "add", "-q", container, str(root), "/"])
    run(["buildah", "commit", "-q", "--rm", container, "localhost/python-base"])
    shutil.rmtree(root)
    return "localhost/python-base"


def _built(base: str) -> str:
    revision = run(["git", "-C", str(ROOT), "rev-parse", "HEAD"]).strip()
    labels = ["--build-arg", f"VERSION={__version__}", "--build-arg", f"REVISION={revision}"]
    run(
        [
            "buildah",
            "bud",
            "--format",
            "docker",
            "--build-arg",
            f"PYTHON_IMAGE={base}",
            *labels,
            "-t",
            "localhost/watchdog-image-test",
            str(ROOT),
        ]
    )
    return "localhost/watchdog-image-test"


def _inspect(image: str, base: str, root: Path) -> None:
    sizes = {
        one["names"][0].partition(":")[0]: one["size"]
        for one in json.loads(run(["buildah", "images", "--json"]))
        if one.get("names")
    }
    share = _megabytes(sizes[image]) - _megabytes(sizes[base])
    expect(share <= MOST_MEGABYTES, f"our share of {sizes[image]} is {share:.0f} MB, at most {MOST_MEGABYTES}")
    config = json.loads(run(["buildah", "inspect", "--type", "image", image]))["Docker"]["config"]
    labels = {name.rpartition(".")[2]: text for name, text in config["Labels"].items()}
    expect(labels.get("version") == __version__ and len(labels.get("revision", "")) == 40, f"its labels: {labels}")
    expect(config["User"] == f"{USER}:{USER}", f"its user is {config['User']}")
    pip = [
        str(one) for one in (root / "opt/watchdog").rglob("pip*") if one.name == "pip" or one.name.startswith("pip-")
    ]
    expect(not pip, f"no pip in it: {pip}")
    suid = [str(one) for one in (root / "opt/watchdog").rglob("*") if one.is_file() and one.stat().st_mode & 0o6000]
    expect(not suid, f"no setuid file of ours: {suid}")


@contextlib.contextmanager
def _mounted(image: str) -> Iterator[Path]:
    container = run(["buildah", "from", image]).strip()
    try:
        yield Path(run(["buildah", "mount", container]).strip())
    finally:
        run(["buildah", "umount", container])
        run(["buildah", "rm", container])


# -- the container


class Container:
    """The image run by runc as compose.yaml asks for."""

    def __init__(self, root: Path, folder: Path, data: Path, rules: Path, streamkap: Simulator, told: str) -> None:
        self._bundle, self._number, self._process = folder / "bundle", 0, None
        self._bundle.mkdir()
        self.url = f"http://127.0.0.1:{_free_port()}"
        env = {
            "PATH": "/opt/watchdog/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1",
            "WATCHDOG_RULES": "/rules", "WATCHDOG_DATABASE_URL": "sqlite:////data/watchdog.db",
            "WATCHDOG_LISTEN": self.url.removeprefix("http://"), "WATCHDOG_POLL_EVERY": "1s", "TEAM_URL": told,
            "STREAMKAP_HOST": streamkap.url, "STREAMKAP_CLIENT_ID": streamkap.client_id, "STREAMKAP_SECRET": streamkap.secret,
        }  # fmt: skip
        run(["runc", "spec", "--bundle", str(self._bundle)])
        spec = json.loads((self._bundle / "config.json").read_text())
        spec["root"] = {"path": str(root), "readonly": True}
        spec["process"] |= {"terminal": False, "user": {"uid": USER, "gid": USER}, "cwd": "/data", "noNewPrivileges": True,
                            "args": ["watchdog", "run"], "env": [f"{name}={text}" for name, text in env.items()]}  # fmt: skip
        spec["process"]["capabilities"] = {name: [] for name in spec["process"]["capabilities"]}
        spec["linux"]["namespaces"] = [one for one in spec["linux"]["namespaces"] if one["type"] != "network"]
        spec["mounts"] += [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]},
            {"destination": "/data", "type": "bind", "source": str(data), "options": ["rbind", "rw"]},
            {"destination": "/rules", "type": "bind", "source": str(rules), "options": ["rbind", "ro"]},
        ]
        (self._bundle / "config.json").write_text(json.dumps(spec))

    @property
    def name(self) -> str:
        return f"watchdog-image-test-{os.getpid()}-{self._number}"

    def start(self) -> None:
        self._number += 1
        self._process: Any = subprocess.Popen(["runc", "run", "--bundle", str(self._bundle), self.name])

    def check(self, what: str, command: list[str], code: int) -> None:
        done = subprocess.run(["runc", "exec", self.name, *command], capture_output=True, text=True, check=False)
        expect(
            done.returncode == code,
            f"{what}: exit code {done.returncode} {done.stderr.strip()[-200:] if done.returncode != code else ''}",
        )

    def resident(self) -> int:
        state = json.loads(run(["runc", "state", self.name]))
        status = Path(f"/proc/{state['pid']}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    def kill(self, signal_: signal.Signals) -> int:
        run(["runc", "kill", self.name, signal_.name.removeprefix("SIG")])
        code: int = self._process.wait(20)
        return code


class Told:
    """What the webhook received."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.url = ""

    def titles(self, begins: str) -> list[str]:
        return [one["title"] for one in self.bodies if str(one.get("title", "")).startswith(begins)]


@contextlib.contextmanager
def _webhook() -> Iterator[Told]:
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"json://127.0.0.1:{server.server_port}/"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


# -- small things


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ENV})
    if done.returncode:
        raise Failed(f"{' '.join(command[:3])} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


def expect(true: object, what: str) -> None:
    if not true:
        raise Failed(what)
    print(f"ok   {what}")


def _megabytes(size: str) -> float:
    number, unit = size.split()
    return float(number) * {"kB": 1e-3, "KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]


def until(what: str, true: Callable[[], object], timeout: float = 30.0) -> None:
    began = time.monotonic()
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if true():
                break
        if time.monotonic() - began > timeout:
            raise Failed(f"{what}: not within {timeout:.0f} s")
        time.sleep(0.1)
    print(f"ok   {what} ({time.monotonic() - began:.1f} s)")


def _free_port() -> int:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as free:
        return free.server_port


if __name__ == "__main__":
    sys.exit(main())
