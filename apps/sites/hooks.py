"""Takes webhooks: a signed body is a hint of what to read again, and is forgotten."""

import hashlib
import json
import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.mirror.ingest import Event, events_heard, ingest
from apps.mirror.sealed import reveal

from .kinds import SITES
from .models import Delivery, Site

log = logging.getLogger(__name__)

# GitHub sends 25 MB at most, and what is as long as this names a push of thousands of files.
MOST_BYTES = 5_000_000
# Signed with it, a body for nobody takes as long to refuse as one for a site.
NOBODY = "nobody"


@csrf_exempt
@login_not_required
@require_POST
def take(request: HttpRequest, provider: str, pk: int) -> HttpResponse:
    """Take a webhook of a site: 202; 404 unless that site signed it, 409 where it was taken before.

    What is no site, or not signed, or signed by another is answered alike.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return _said("Longer than any webhook that is read here.", 413)
    raw = request.read(MOST_BYTES + 1)
    kind = SITES.by_name.get(provider)
    if kind is None or kind.hook is None:
        return _said("There is nothing here.", 404)
    if len(raw) > MOST_BYTES:
        return _said("Longer than any webhook that is read here.", 413)
    rows = Site.objects.filter(provider=provider, pk=pk, removed_at=None, parked_at=None)
    site = rows.select_related("scope").first()
    headers = {name.lower(): value for name, value in request.headers.items()}
    secret = reveal(site.webhook_secret) if site is not None else NOBODY
    signed = kind.hook.is_signed(headers, raw, secret)
    if site is None or not signed:
        log.info("hook.refused", extra={"provider": provider, "site": pk})
        return _said("There is nothing here.", 404)
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        return _said("The body is no JSON: choose application/json as content type.", 400)
    digest = hashlib.sha256(raw).hexdigest()
    return _taken(site, kind.hook.type_of(headers, payload), digest, payload)


def _taken(site: Site, what: str, digest: str, payload: Any) -> HttpResponse:
    """Note a delivery and hint what it names; both or neither, so that a repeated one may mend."""
    with transaction.atomic():
        _, fresh = Delivery.objects.get_or_create(site=site, digest=digest)
        if not fresh:
            return _said("This was taken before.", 409)
        events_heard(site.scope_id)
        event = Event(place=site.scope.place, source=site.provider, type=what, detail=payload)
        named = bool(ingest(site.provider, [event]))
    log.debug("hook.taken", extra={"scope": site.scope.place, "type": what, "named": named})
    return _said("Taken." if named else "Taken; it names nothing that is read.", 202)


def _said(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
