"""Incidents that happened to others, and fleets where nothing is wrong: what the starter pack says of both."""
