#!/bin/sh
# postern-deliver against a scripted LMTP server: see the .py file.
set -u
. "${srcdir:-.}/tests/support/tap.sh"
command -v python3 >/dev/null || tap_needs "python3 (Debian package python3)"
exec python3 "${srcdir:-.}/tests/unit/deliver/test_postern_deliver.py" \
    "${abs_top_builddir:-.}/postern-deliver"
