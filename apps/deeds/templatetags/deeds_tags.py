"""Where a page shows what its reader can do to a thing."""

from typing import Any

from django import template
from django.urls import reverse

from apps.deeds import signature, things
from apps.deeds.acts import ACTS
from apps.deeds.models import Deed
from apps.deeds.offers import decides
from apps.deeds.views import panel_id

register = template.Library()


@register.filter
def without_mark(text: Any) -> str:
    """What AWS kept of a deed of ours as people read it; other text as it is."""
    return signature.without_mark(str(text or ""))


@register.filter
def parted(text: Any) -> tuple[str, str]:
    """What was said with a deed of ours, and who it was; see `signature.parted`."""
    return signature.parted(str(text or ""))


@register.simple_tag(takes_context=True)
def may_decide(context: template.Context, deed: Deed) -> bool:
    """Whether the reader is asked where nobody knows how a deed ended; asks nothing of others."""
    if deed.outcome != Deed.Outcome.UNKNOWN:
        return False
    return decides(context["request"].user, deed, things.load(deed.kind, deed.row_id))


@register.inclusion_tag("deeds/slot.html")
def acts(kind: str, row_id: int) -> dict[str, Any]:
    """A place that each reader's page fills by itself: what they can do is nobody else's."""
    return {
        "id": panel_id(kind, row_id),
        "url": reverse("deeds:on", args=[kind, row_id]),
        "wakes": ACTS.heard_by(kind),
    }
