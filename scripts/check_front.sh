#!/bin/sh
# Check the studio's JavaScript: its form, its length, its types. Nothing of this is needed to run the studio, so where
# there is no Node, or its packages cannot be fetched, one sentence says that this was left out.
cd "$(dirname "$0")/.." || exit 1
left_out() {
    echo "The studio's JavaScript was not checked: $1"
    exit 0
}
command -v npm > /dev/null || left_out "there is no Node here. Install it with: apt-get install nodejs npm"
major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 20 ] || left_out "it needs Node 20 or later, and this is $(node --version)."
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --silent --no-audit --no-fund --fetch-retries 1 --fetch-timeout 20000 ||
        left_out "npm could not fetch what checks it. Is there a network? Try: npm ci"
fi
npm run --silent check
