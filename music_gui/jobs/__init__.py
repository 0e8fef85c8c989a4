"""Long work as folders and processes: nothing here knows what a step computes.

This is the only package that starts processes.
"""
