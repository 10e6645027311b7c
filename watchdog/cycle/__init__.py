"""One poll from readings to duties: judged, remembered, and owed to people, all on values."""
