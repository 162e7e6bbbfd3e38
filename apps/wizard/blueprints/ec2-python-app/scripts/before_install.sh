#!/bin/bash
# BeforeInstall: what the application runs on, and room for its files.
set -eu
dnf install -y -q nginx python3.13
# Files of an older revision that the new one no longer has would stay.
rm -rf /opt/app
mkdir -p /opt/app
