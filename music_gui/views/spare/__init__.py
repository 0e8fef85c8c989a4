"""SPARE: training results and one subject's score."""
