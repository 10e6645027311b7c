"""What is seen: entities, their readings, and what windows need of the past."""
