#!/bin/sh
# Build the wheel of this package: wheel.sh SOURCE FOLDER
set -eu
python3 -m pip wheel --no-cache-dir --no-deps --wheel-dir "$2" "$1"
