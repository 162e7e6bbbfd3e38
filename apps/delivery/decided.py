"""What became of a reader's own answers to approvals, while that is news to them.

An answer may be refused after its approval has left the inbox: answered by somebody else, expired.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils.timezone import now

from apps.deeds.models import Deed
from apps.deeds.versions import acting_version

from .waiting import DECISIONS

# So long an end is news.
NEWS = timedelta(hours=1)
MOST = 10
# In the reader's session: ids of the deeds whose end they have seen, the newest last.
SEEN, MOST_SEEN = "approvals_seen", 50


def last_answers(request: HttpRequest, but: Collection[int] = ()) -> list[Deed]:
    """Return the reader's answers that are on their way or ended lately, the newest first.

    but  those that are told elsewhere on the page. Left out, too, is what they said they have seen.
    """
    news = Q(outcome=Deed.Outcome.WAITING) | Q(ended_at__gte=now() - NEWS)
    rows = Deed.objects.for_list().filter(news, who=request.user.pk, act__in=DECISIONS)
    return list(rows.exclude(pk__in=[*but, *seen_of(request)])[:MOST])


def seen_of(request: HttpRequest) -> list[int]:
    """Return the ids of what they said they have seen."""
    return list(request.session.get(SEEN, ()))


def see(request: HttpRequest) -> None:
    """Keep that the reader has seen how their answers ended that are over by now."""
    over = [one.pk for one in last_answers(request) if not one.waits]
    request.session[SEEN] = [*seen_of(request), *over][-MOST_SEEN:]


def version(request: HttpRequest) -> str:
    """Return what the inbox depends on: deeds, what is allowed, what is news and what was seen."""
    return f"{acting_version(request)} {[one.pk for one in last_answers(request)]}"
