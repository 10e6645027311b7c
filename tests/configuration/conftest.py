"""A rule file that holds everything a rule file may hold."""

from __future__ import annotations

import pytest

_EVERYTHING = """\
defaults:
  severity: warning
  for: 1m
  keep_firing_for: 0s
  no_data: keep
  flapping: off
  enabled: true
  labels: {team: data-platform}
  annotations: {summary: "{{ name }} since {{ since | ago }}"}
rules:
  - alert: SourceLagHigh
    each: source
    where: {connector: [postgresql, "!mysql"], name: "prod-*", tags: batch}
    expr: StreamingMilliSecondsBehindSource > limit and count(tasks, task_status == "FAILED") > 0
    clear: >-
      StreamingMilliSecondsBehindSource
      < 30s
    params: {limit: 5m, other: 0x1F, word: text, yes: true}
    overrides:
      - where: {name: prod-orders}
        params: {limit: 1m}
        for: 2m
        keep_firing_for: 1m
        severity: critical
        no_data: alert
        labels: {tier: 1}
        enabled: false
    for: 10m
    keep_firing_for: 5m
    severity: info
    no_data: ok
    flapping: {changes: 6, within: 1h}
    labels: {tier: "2"}
    annotations:
      summary: '{{ name }} is {{ value | duration }} behind, {{ "far" if value > 2 * params.limit else "a little" }}'
      description: |
        Limit {{ params.limit | duration }}. {{ reason }}.
        {% if tier == "1" %}{{ readings.recordsLag | number }} records; {{ links.alert }}{% endif %}
      runbook_url: https://wiki.example.com/lag
    suppresses: ["Behind*"]
    enabled: true
  - {alert: Behind, each: task, expr: "true"}
receivers:
  oncall:
    to: ["${PAGERDUTY_URL}", "json://${HOST:-example.com}"]
    fallback: team
  team: {to: "${SLACK_URL:-}", send_resolved: true}
routes:
  - where: {severity: critical, team: [a, "!b"]}
    to: [oncall, team]
    group_by: [alertname, tier]
    group_wait: 30s
    group_interval: 5m
    repeat_interval: 4h
    continue: true
    escalate: [{after: 15m, to: [oncall]}]
  - to: team
mutes:
  - name: nightly
    where: {tags: batch}
    times: ["mon-fri 22:00-06:00", 00:00-24:00]
    timezone: Europe/Paris
"""


@pytest.fixture(scope="session")
def everything() -> str:
    return _EVERYTHING
