#!/bin/bash
# ApplicationStart: the web server with its new configuration; it starts with the machine.
set -eu
systemctl enable --quiet nginx.service
systemctl reload-or-restart nginx.service
