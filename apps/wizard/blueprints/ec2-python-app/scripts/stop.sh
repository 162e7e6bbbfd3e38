#!/bin/bash
# ApplicationStop: takes no more requests. A first deployment has nothing to stop.
set -eu
if systemctl cat app.service >/dev/null 2>&1; then
  systemctl stop app.service
fi
