"""Sinks: real servers on loopback that stand where PagerDuty, Slack, a mail server or a webhook would."""
