"""One external program a file: a declaration, and a parser of what it writes."""
