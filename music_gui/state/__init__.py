"""What is open, selected and shown: evented models without a toolkit."""
