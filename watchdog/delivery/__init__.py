"""What leaves: targets carry one message each, the courier keeps the order, the retries and the fallback."""
