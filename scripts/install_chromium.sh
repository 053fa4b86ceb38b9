#!/bin/sh
# Installs Debian's chromium-headless-shell where it is missing: as root, or by sudo where that asks for no password.
# It is Chromium without a window, and starts and works in half of the time; an ordinary chromium will do.
set -eu
what='chromium-headless-shell fonts-liberation fonts-dejavu-core'
if command -v chromium-headless-shell >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    as_root=no
fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    if command -v chromium >/dev/null 2>&1; then
        exit 0
    fi
    echo "The browser tests need Debian's chromium. Install it with: sudo apt-get install $what" >&2
    exit 2
fi
echo "Installing Debian's chromium-headless-shell ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $what >/dev/null
