"""Where readings come from: the Streamkap API, its client, decoder and poller, and a simulator of it."""
