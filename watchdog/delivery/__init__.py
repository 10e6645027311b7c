"""What leaves: targets, and the courier that carries messages to them. The only senders."""
