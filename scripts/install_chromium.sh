#!/bin/sh
# Installs Debian's chromium where it is missing: as root, or by sudo where that asks for no password.
set -eu
if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The browser tests need Debian's chromium as 'chromium' on the path, and there is no apt-get to install it." >&2
    exit 2
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    echo "The browser tests need Debian's chromium. Install it with: sudo apt-get install chromium fonts-liberation" >&2
    exit 2
fi
echo "Installing Debian's chromium ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends chromium fonts-liberation fonts-dejavu-core >/dev/null
