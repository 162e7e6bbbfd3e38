#!/bin/bash
# ApplicationStart: the application, then the web server before it; both start with the machine.
set -eu
systemctl enable --quiet app.service nginx.service
systemctl restart app.service
systemctl reload-or-restart nginx.service
