"""Choose what is painted on the brain."""
