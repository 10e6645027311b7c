"""What people write: rule files to one checked policy, or every mistake with its place."""
