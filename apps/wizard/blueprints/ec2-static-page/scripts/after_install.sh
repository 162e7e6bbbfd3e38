#!/bin/bash
# AfterInstall: the new files become a release, and /opt/app turns to it in one step, so that no
# visitor meets half of them. The release before stays for whoever looks into what changed.
set -eu
release="/opt/releases/$DEPLOYMENT_ID"
before="$(readlink -f /opt/app || true)"
rm -rf "$release"
cp -R /opt/incoming "$release"
chmod -R u=rwX,go=rX "$release"
install -m 0644 "$release/deploy/nginx.conf" /etc/nginx/conf.d/app.conf
ln -sfn "$release" /opt/app.next
mv -T /opt/app.next /opt/app
nginx -t -q
for old in /opt/releases/*; do
  if [ "$old" != "$release" ] && [ "$old" != "$before" ]; then
    rm -rf "$old"
  fi
done
