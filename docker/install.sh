#!/bin/sh
# Add the wheel in FOLDER to the freqtrade that this user has, and start the launcher once: install.sh FOLDER FREQTRADE
# That freqtrade stays what it is, or pip refuses; a ccxt that the package does not take is replaced by one that it does.
set -eu
python3 -m pip install --user --no-cache-dir "$(ls "$1"/*.whl)[freqtrade,shared]" "freqtrade==$2"
bitget-margin --version
bitget-margin freqtrade --version
