"""The service: joins the parts, keeps the pace, and is the only one that reads the clock."""
