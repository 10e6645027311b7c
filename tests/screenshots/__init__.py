"""Pictures of the status page, shot in a browser from a running watchdog. `make screenshots`."""
