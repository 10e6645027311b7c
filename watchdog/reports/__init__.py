"""Reports: which alerts earn their place."""
