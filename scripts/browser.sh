#!/bin/sh
# Chromium for the browser tests: there already, installed when we may, or one line on how to.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "browser: installing Chromium …"
    log=$(mktemp)
    if DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core' >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "browser: no Chromium here, so browser tests cannot run: apt-get install chromium"
