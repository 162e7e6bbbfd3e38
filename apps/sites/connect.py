"""Connects sites: rows of site and scope, so that sweeps begin by themselves.

Knows no request: `manage.py up` connects the sandbox through the same door as the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from apps.live.bus import BUS
from apps.mirror.due import sweep_now
from apps.mirror.ingest import events_moved
from apps.mirror.models import Operation, Scope
from apps.mirror.provider import Health
from apps.mirror.sweep import ensure_sweeps

from .kinds import SITES
from .models import Remembered, Site, new_webhook_secret
from .opening import forget
from .quota import forget_quota
from .told import CHANGED, CONNECTED, PAUSED, RENAMED, RESUMED, SIGNED, tell

SYSTEM = "make up"


class AlreadyConnectedError(ValueError):
    """The name is taken; the text says by what."""


@dataclass(kw_only=True)
class Given:
    """What was entered. The secret is plain text here and sealed when it is stored.

    secret         "" keeps the one there is, where it is an existing connection that changes.
    client_secret  likewise; without `client_id` there is none any more.
    """

    method: str
    base_url: str
    user: str = ""
    secret: Any = field(default="", repr=False)
    app_id: str = ""
    installation_id: str = ""
    client_id: str = ""
    client_secret: Any = field(default="", repr=False)
    selection: Mapping[str, Any] = field(default_factory=dict)
    may_write: bool = False

    def put_into(self, site: Site) -> None:
        """Write every field into a site, without saving it."""
        site.method, site.base_url = self.method, self.base_url
        site.user, site.app_id = self.user, self.app_id
        site.installation_id = self.installation_id
        site.selection, site.may_write = dict(self.selection), self.may_write
        if self.secret:
            site.secret = self.secret
        site.client_id = self.client_id
        if not self.client_id:
            site.client_secret = ""
        elif self.client_secret:
            site.client_secret = self.client_secret


def connect(
    *, provider: str, name: str, given: Given, managed: bool = False, by: Any = SYSTEM
) -> Site:
    """Store a site and begin to sweep it; return it.

    A managed site that exists under this name gets what is given now. Raises AlreadyConnectedError.
    """
    with transaction.atomic():
        known = Site.objects.select_related("scope").filter(name=name).first()
        if known is not None and known.removed_at is not None:
            raise AlreadyConnectedError(
                f"The site that was connected as {name} is still being deleted. Try again soon."
            )
        if known is not None and not (managed and known.managed and known.provider == provider):
            raise AlreadyConnectedError(f"A site is connected as {name} already.")
        if known is not None:
            known.parked_at = None
            _change(known, given)
            return known
        site = Site(provider=provider, name=name, managed=managed, edition=1)
        given.put_into(site)
        # Its number is part of its place: two connections to one host read apart.
        site.scope = Scope.objects.create(
            provider=provider, place=f"{site.host}/new-{new_webhook_secret()}", enabled=False
        )
        site.save()
        values = {"place": f"{site.host}/{site.pk}", "account": site.host[:64]}
        Scope.objects.filter(pk=site.scope_id).update(**values)
        site.scope.refresh_from_db()
        ensure_sweeps(site.scope)
        settle(site)
        writes = ", people here may write to it" if given.may_write else ""
        tell(site, CONNECTED, by, f"{SITES.get(provider).label} at {site.host}{writes}")
    return site


@transaction.atomic
def change(site: Site, given: Given, *, by: Any) -> None:
    """Give a site other credentials, or something else to read. Rows are kept."""
    changed = _change(site, given)
    if changed:
        tell(site, CHANGED, by, ", ".join(changed))


def _change(site: Site, given: Given) -> list[str]:
    """Write what is given; return what of it is new, in words."""
    before, chosen, wrote = site.stamp, site.selection, site.may_write
    client = site.client_stamp
    given.put_into(site)
    if isinstance(site.secret, str) or site.stamp != before:
        site.edition += 1
        site.identity = site.identity_error = site.identity_cure = site.identity_health = ""
        site.identified_at = site.identity_asked_at = None
        forget(site.pk)
        forget_quota(site.pk)
        Remembered.objects.filter(site=site).delete()
        # What was refused to the old ones says nothing of these: the next sweep tells.
        refused = Operation.objects.filter(scope=site.scope_id, health=Health.CREDENTIALS.value)
        refused.delete()
    site.save()
    site.refresh_from_db()
    settle(site)
    if site.stamp != before or site.selection != chosen:
        sweep_now(Scope.objects.filter(pk=site.scope_id))
    may = "may" if site.may_write else "may not"
    new = {
        "credentials": site.stamp != before,
        "client credentials": site.client_stamp != client,
        "what is read": site.selection != chosen,
        f"people here {may} write to it": site.may_write != wrote,
    }
    return [what for what, is_new in new.items() if is_new]


def settle(site: Site) -> None:
    """Make a site's scope follow from what is wanted: swept, paused, shown, its name."""
    row = Site.objects.select_related("scope").get(pk=site.pk)
    parked = row.parked_at is not None or row.removed_at is not None
    values = {
        "paused": row.paused,
        "parked": parked,
        "enabled": not row.paused and not parked,
        "label": row.name,
    }
    changed = {key: new for key, new in values.items() if getattr(row.scope, key) != new}
    if not changed:
        return
    Scope.objects.filter(pk=row.scope_id).update(**changed, edited_at=now())
    if changed.get("enabled"):
        sweep_now(Scope.objects.filter(pk=row.scope_id))
    # Not before others can see it: a page would fetch what was before.
    transaction.on_commit(partial(BUS.publish, "scope", str(row.scope_id)))


@transaction.atomic
def rename(site: Site, name: str, *, by: Any) -> None:
    """Give a site another name, which every page shows from now on. The name must be free."""
    if site.name == name:
        return
    tell(site, RENAMED, by, name)
    Site.objects.filter(pk=site.pk).update(name=name)
    site.name = name
    settle(site)


@transaction.atomic
def pause(site: Site, *, by: Any) -> None:
    """Stop sweeping a site; what was read stays readable."""
    if Site.objects.filter(pk=site.pk, paused=False).update(paused=True):
        tell(site, PAUSED, by)
    settle(site)


@transaction.atomic
def resume(site: Site, *, by: Any) -> None:
    """Sweep a site again. What failed before is tried at once."""
    if Site.objects.filter(pk=site.pk, paused=True).update(paused=False):
        tell(site, RESUMED, by)
    Site.objects.filter(pk=site.pk).update(identity_asked_at=None)
    settle(site)
    sweep_now(Scope.objects.filter(pk=site.scope_id))


@transaction.atomic
def rotate_webhook_secret(site: Site, *, by: Any) -> str:
    """Give a site's webhooks another secret; return it, which is shown once."""
    secret = new_webhook_secret()
    Site.objects.filter(pk=site.pk).update(webhook_secret=secret)
    # What the site signs until it is told the new one is refused: its silence vouches for nothing.
    events_moved(site.scope_id)
    tell(site, SIGNED, by)
    return secret
