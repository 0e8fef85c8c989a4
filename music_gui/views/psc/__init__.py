"""PSCs: lists, tables and pages."""
