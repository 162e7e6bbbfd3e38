#!/bin/bash
# After each deployment on each instance: it is good when the application answers through the proxy.
# A failing hook fails the deployment, which then goes back.
set -eu
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  if curl -fsS --max-time 3 -o /dev/null http://127.0.0.1/health; then
    exit 0
  fi
  echo "attempt $attempt: no answer yet" >&2
  sleep 3
done
echo "The application does not answer at /health." >&2
exit 1
