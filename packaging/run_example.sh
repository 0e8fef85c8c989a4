#!/usr/bin/env bash
# Make the simulated example study, run the main job through it and open it.
#
#   packaging/run_example.sh [FOLDER]     default: ~/music-gui-example
#
# On a machine without a screen the window opens on a virtual one, and its picture is saved as
# FOLDER.png.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
study="${1:-$HOME/music-gui-example}"

# Steps that are done are answered from their jobs: this completes a study that is half made.
.venv/bin/music-gui example "$study"
if [[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]]; then
  exec .venv/bin/music-gui open "$study"
fi
xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/music-gui open "$study" --screenshot "$study.png"
echo "No screen here: the window's picture is $study.png"
