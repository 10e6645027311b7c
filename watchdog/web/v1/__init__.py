"""`/api/watchdog/v1`: what the watchdog knows, as JSON for programs; described by `openapi.json` there."""
