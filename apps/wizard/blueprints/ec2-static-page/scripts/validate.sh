#!/bin/bash
# ValidateService: the deployment is good when the web server gives the page.
set -eu
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  if curl -fsS --max-time 3 -o /dev/null http://127.0.0.1/; then
    exit 0
  fi
  echo "attempt $attempt: no answer yet" >&2
  sleep 3
done
systemctl --no-pager --full status nginx.service >&2 || true
echo "The page is not there." >&2
exit 1
