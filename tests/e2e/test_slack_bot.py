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


def test_buttons_acknowledge_and_silence_in_the_name_of_who_pressed_them(
    running, streamkap, slack_workspace, wait_until, rules_text
):
    bundle = slack_workspace.env()["REQUESTS_CA_BUNDLE"]
    running.env = {**slack_workspace.env(), "SSL_CERT_FILE": bundle, "SLACK": slack_workspace.SLACK_BOT_URL,
                   "SLACK_APP_TOKEN": "xapp-1-secret-app-token"}  # fmt: skip
    running.rules(rules_text + 'receivers: {team: {to: ["${SLACK}"]}}\n'
                  "routes: [{to: [team], group_wait: 0s, group_interval: 0s}]\n")  # fmt: skip
    name = streamkap.fleet.sources[0].name
    streamkap.set(name, LAG, 900_000)
    running.start()
    wait_until(lambda: slack_workspace.roots() and slack_workspace.connected, what="the root, and the connection")

    def buttons() -> list[dict[str, str]]:
        blocks = slack_workspace.roots()[0]["attachments"][0]["blocks"]
        return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]

    acknowledge, silence = buttons()
    assert [one["text"]["text"] for one in (acknowledge, silence)] == ["Acknowledge", "Silence 1 h"]
    slack_workspace.press(acknowledge["action_id"], acknowledge["value"], "ann")
    wait_until(lambda: "acknowledged by ann" in json.dumps(slack_workspace.roots()), what="the root says who")
    assert slack_workspace.answers.get(timeout=5)["envelope_id"]
    slack_workspace.press(silence["action_id"], silence["value"], "bob")
    wait_until(lambda: "silenced" in json.dumps(slack_workspace.roots()), what="the root says that it is silenced")
    environment = {**running.env, "WATCHDOG_DATABASE_URL": f"sqlite:///{running.folder}/watchdog.db",
                   "WATCHDOG_RULES": str(running.folder / "rules")}  # fmt: skip
    said = subprocess.run([sys.executable, "-m", "watchdog", "explain", "Behind", name], env=environment,
                          cwd=running.folder, capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert "ann, in Slack" in said.stdout
    assert "bob, in Slack" in said.stdout
    streamkap.set(name, LAG, 500)
    wait_until(lambda: "[RESOLVED]" in json.dumps(slack_workspace.roots()), what="the end")
    assert buttons() == []
    slack_workspace.press(acknowledge["action_id"], acknowledge["value"], "ann")
    wait_until(lambda: any(one.path.startswith("/actions/") for one in slack_workspace.to("hooks.slack.com")))
    told = next(one.json for one in slack_workspace.to("hooks.slack.com"))
    assert (told["response_type"], told["text"]) == ("ephemeral", "This alert does not fire any more.")
    assert running.terminate() < 5
    for secret in ("xapp-1-secret", "secret-ticket", "xoxb-1234"):
        assert secret not in running.log
