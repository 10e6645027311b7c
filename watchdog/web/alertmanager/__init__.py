"""`/api/v2`: Alertmanager's API, so that amtool, karma and Grafana work with the watchdog unchanged.

Each firing episode is one alert. Alerts cannot be posted: they come from rules.
"""
