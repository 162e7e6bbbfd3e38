#!/bin/bash
# BeforeInstall: the web server, and an empty place for the new files to arrive in.
set -eu
dnf install -y -q nginx
rm -rf /opt/incoming
mkdir -p /opt/incoming /opt/releases
