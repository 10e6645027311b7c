"""Since when: the life of an alert, and what holds its messages back (silences, mutes, suppression)."""
