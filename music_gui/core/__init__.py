"""Science on arrays and tables: no files, no processes, no window.

Scientists import the estimators from the packages below, for example
``from music_gui.core.factorization import SopNMF``.
"""
