"""Run the application with ``python -m music_gui``."""

import sys

from music_gui.cli import main

if __name__ == "__main__":
    sys.exit(main())
