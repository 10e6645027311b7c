"""What people and other programs see: probes, metrics, pages, APIs. Reads, never decides."""
