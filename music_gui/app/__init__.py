"""Assembly: the only package that knows all others; it computes and draws nothing."""
