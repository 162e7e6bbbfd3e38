#!/bin/bash
# AfterInstall: the application's packages from the wheels that were tested, and its service.
set -eu
cd /opt/app
rm -rf venv
python3.13 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-index --find-links wheels \
  -r requirements.txt
install -m 0644 deploy/app.service /etc/systemd/system/app.service
install -m 0644 deploy/nginx.conf /etc/nginx/conf.d/app.conf
nginx -t -q
systemctl daemon-reload
