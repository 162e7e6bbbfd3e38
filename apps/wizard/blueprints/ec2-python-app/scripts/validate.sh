#!/bin/bash
# ValidateService: the deployment is good when the application answers through the web server.
set -eu
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  if curl -fsS --max-time 3 -o /dev/null http://127.0.0.1/health; then
    exit 0
  fi
  echo "attempt $attempt: no answer yet" >&2
  sleep 3
done
systemctl --no-pager --full status app.service nginx.service >&2 || true
echo "The application does not answer at /health." >&2
exit 1
