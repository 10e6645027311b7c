"""`watchdog demo`: the first minute of it, as a newcomer sees it. (The whole incident takes more than one.)"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time


def test_the_demo_tells_its_first_fault_and_shows_no_trouble_of_its_own(tmp_path):
    command = [sys.executable, "-m", "watchdog", "demo", "--once", "--port", "0"]
    env = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    out = tmp_path / "out"
    with out.open("wb") as file:
        demo = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 40
        while "[FIRING:1] TaskFailed" not in out.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(10)
    text = out.read_text()
    assert "[FIRING:1] TaskFailed: Task 1 of prod-inventory has failed (" in text
    assert not re.search(r"Traceback|\[(warning|error|critical) *\]", text), text
    assert "Status page: http://127.0.0.1:" in text
