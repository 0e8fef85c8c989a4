#!/usr/bin/env bash
# Install MuSIC GUI from this checkout on Debian 12+ or Ubuntu 24.04+ into .venv beside it.
#
#   packaging/install.sh         the application
#   packaging/install.sh --dev   what its tests need as well (Xvfb, PLINK, test libraries)
#
# System packages are installed only if they are missing; that asks for root, nothing else does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
  python3 python3-venv ca-certificates
  # what Qt's xcb platform and VTK's OpenGL load at run time
  libgl1 libegl1 libgl1-mesa-dri libglib2.0-0 libdbus-1-3 libfontconfig1
  libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0
  # an X server for machines without a screen, and a font
  xvfb xauth fonts-dejavu-core
)
lock=requirements.lock
if [[ "${1:-}" == --dev ]]; then
  packages+=(plink2 plink1.9 git)
  lock=packaging/requirements-dev.lock
elif [[ $# -gt 0 ]]; then
  echo "usage: packaging/install.sh [--dev]" >&2
  exit 2
fi

# A simulation needs no root and knows the names that a release gave to these libraries.
install=(apt-get install -q -y --no-install-recommends --no-upgrade "${packages[@]}")
if ! plan=$("${install[@]}" --simulate 2>/dev/null) || grep -q '^Inst ' <<<"$plan"; then
  echo "Installing system packages"
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"
fi

python=python3
"$python" - <<'PYTHON' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"MuSIC GUI needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}")
PYTHON

[[ -x .venv/bin/python ]] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
.venv/bin/music-gui --version
echo "Installed. Start it with: .venv/bin/music-gui"
