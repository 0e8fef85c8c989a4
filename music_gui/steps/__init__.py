"""One use case a file: typed parameters and a function that runs without a window."""
