"""watchdog: alerting and health checks for Streamkap pipelines."""

__version__ = "0.1.0"
