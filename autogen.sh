#!/bin/sh
# Makes ./configure from a checkout.
set -eu
cd "$(dirname "$0")"
exec autoreconf -fi "$@"
