"""Remembers answers by their ETags in the database, so that an unchanged one costs no quota."""

import base64
import hashlib
import json
import logging
import zlib
from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Sum
from django.utils.timezone import now

from apps.mirror.sealing import seal, unseal

from .answers import Answer
from .models import Remembered

log = logging.getLogger(__name__)

# Of each site, in bytes as they are kept.
MOST_BYTES = 64_000_000
# One answer longer than this is read anew each time.
MOST_OF_ONE = 2_000_000
# Who is used is noted so seldom: each note is a write.
NOTED_AFTER = timedelta(hours=6)
# What else of the headers is needed to replay an answer: how its list goes on.
HEADERS = ("etag", "link", "content-type")
# Looked at once in so many answers that are kept.
LOOKED_EACH = 50


class SiteMemory:
    """The memory of one site for the credentials of one edition."""

    def __init__(self, site_id: int, edition: int) -> None:
        self.site_id = site_id
        self.edition = edition
        self._kept = 0

    def recall(self, name: str) -> Answer | None:
        """Return what these credentials were answered; None where nothing is known of it."""
        rows = Remembered.objects.filter(
            site_id=self.site_id, name=_digest(name), edition=self.edition
        )
        row = rows.first()
        if row is None:
            return None
        if now() - row.used_at > NOTED_AFTER:
            rows.update(used_at=now())
        try:
            told = _unpacked(row.told)
        except Exception:  # noqa: BLE001 - keys were rotated away: it is read anew
            rows.delete()
            return None
        return Answer(told["status"], told["headers"], told["body"], told["url"])

    def keep(self, name: str, answer: Answer) -> None:
        """Remember an answer; what cannot be kept is simply asked for again."""
        if len(answer.etag) > 255:
            return
        packed = _packed(answer)
        if len(packed) > MOST_OF_ONE:
            return
        try:
            Remembered.objects.update_or_create(
                site_id=self.site_id,
                name=_digest(name),
                defaults={
                    "edition": self.edition,
                    "etag": answer.etag,
                    "told": packed,
                    "size": len(packed),
                    "used_at": now(),
                },
            )
        except DatabaseError:
            # Its site is being removed, or another worker keeps the same just now.
            log.debug("site.memory.unkept", extra={"site": self.site_id})
            return
        if self._kept % LOOKED_EACH == 0:
            trim(self.site_id)
        self._kept += 1


def trim(site_id: int) -> int:
    """Forget what was not used for longest where a site's memory is too large; return how many."""
    rows = Remembered.objects.filter(site_id=site_id)
    over = (rows.aggregate(size=Sum("size"))["size"] or 0) - MOST_BYTES
    ids = []
    if over > 0:
        for pk, size in rows.order_by("used_at", "pk").values_list("pk", "size").iterator():
            ids.append(pk)
            over -= size
            if over <= -MOST_BYTES // 10:
                break
    for start in range(0, len(ids), 500):
        Remembered.objects.filter(pk__in=ids[start : start + 500]).delete()
    return len(ids)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _packed(answer: Answer) -> str:
    told = {
        "status": answer.status,
        "headers": {name: answer.headers[name] for name in HEADERS if name in answer.headers},
        "body": answer.body,
        "url": answer.url,
    }
    return seal(base64.b85encode(zlib.compress(json.dumps(told).encode())).decode())


def _unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b85decode(unseal(text))))
