"""Widgets that draw the state and ask it to change; they compute nothing."""
