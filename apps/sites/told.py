"""What people do to connections of sites, in words, as it is recorded."""

from typing import Any

from apps.audit.verbs import VERBS, Verb
from apps.audit.writing import record
from apps.people.authors import author

from .models import Site

# What records of sites are about; the projects' page of what was done shows them.
SUBJECT = "site"

CONNECTED = VERBS.add(Verb("site.connected", "connected the site: {what}", icon="plug"))
CHANGED = VERBS.add(Verb("site.changed", "changed of the site: {what}", icon="pencil"))
RENAMED = VERBS.add(Verb("site.renamed", "renamed the site to {what}", icon="pencil"))
PAUSED = VERBS.add(Verb("site.paused", "stopped sweeping the site", icon="circle-pause"))
RESUMED = VERBS.add(Verb("site.resumed", "let the site be swept again", icon="circle-play"))
SIGNED = VERBS.add(
    Verb("site.webhook_key_replaced", "gave the site's webhooks a new secret", icon="key-round")
)
REMOVED = VERBS.add(Verb("site.removed", "removed the site with all that was read", icon="trash-2"))


def tell(site: Site, verb: Verb, by: Any, what: str = "") -> None:
    """Record what `by` did to a connection; call it in the transaction that does it."""
    record(
        verb,
        **author(by),
        what=what,
        subject=(SUBJECT, site.pk),
        subject_name=site.name,
        detail={"provider": site.provider, "address": site.base_url, "method": site.method},
    )
