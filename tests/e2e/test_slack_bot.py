"""One incident is one Slack message and its thread, also when the process is killed."""

from __future__ import annotations

import json
import subprocess
import sys

LAG = "StreamingMilliSecondsBehindSource"


def test_an_incident_that_grows_and_ends_is_one_root_and_its_thread(
    running, streamkap, slack_workspace, wait_until, rules_text
):
    running.env = {**slack_workspace.env(), "SLACK": slack_workspace.SLACK_BOT_URL}
    running.rules(rules_text + 'receivers: {team: {to: ["${SLACK}"]}}\n'
                  "routes: [{to: [team], group_by: [], group_wait: 0s, group_interval: 0s}]\n")  # fmt: skip
    first, second, *_ = (source.name for source in streamkap.fleet.sources)
    streamkap.set(first, LAG, 900_000)
    running.start()
    wait_until(slack_workspace.roots, what="the root")
    running.kill()
    streamkap.set(second, LAG, 900_000)
    running.start()
    wait_until(slack_workspace.replies, what="the second alert replies")
    environment = {**running.env, "WATCHDOG_DATABASE_URL": f"sqlite:///{running.folder}/watchdog.db",
                   "WATCHDOG_RULES": str(running.folder / "rules")}  # fmt: skip
    subprocess.run([sys.executable, "-m", "watchdog", "ack", "Behind", first, "--author", "Ann"], env=environment,
                   cwd=running.folder, capture_output=True, timeout=30, check=True)  # fmt: skip

    def says(words: str) -> bool:
        return words in json.dumps(slack_workspace.roots()[0]["attachments"])

    wait_until(lambda: says("acknowledged by Ann"), what="the root says who acknowledged")
    for name in (first, second):
        streamkap.set(name, LAG, 500)
    wait_until(lambda: says("[RESOLVED]"), what="the root says that it is over")
    running.terminate()
    (root,) = slack_workspace.roots()
    replies = slack_workspace.replies()
    assert {one["thread_ts"] for one in replies} == {root["ts"]}
    assert replies[0]["reply_broadcast"] is True
    assert "[RESOLVED]" in json.dumps(replies[-1]["attachments"])
    assert "xoxb-1234" not in running.log
