"""Files: one format a module. Every write goes to a temporary file first, then is renamed."""
