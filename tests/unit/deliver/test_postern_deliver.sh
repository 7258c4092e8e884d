#!/bin/sh
# postern-deliver against a scripted LMTP server: see the .py file.
if ! command -v python3 >/dev/null; then
    echo "1..0 # SKIP no python3"
    exit 0
fi
exec python3 "${abs_top_srcdir:-.}/tests/unit/deliver/test_postern_deliver.py" \
    "${abs_top_builddir:-.}/postern-deliver"
