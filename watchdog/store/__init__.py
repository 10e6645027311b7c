"""What is kept: schema, statements, one transaction per step; SQLite or PostgreSQL."""
