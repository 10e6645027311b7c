"""What is wrong: rules, their expressions, and verdicts over a whole snapshot."""
