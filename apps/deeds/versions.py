"""What pages depend on that tell of deeds, or of what may be done: three reads of indexes."""

from django.db.models import Count, Max, Subquery
from django.http import HttpRequest

from apps.mirror.versions import house_version

from .models import Deed, Permit


def acting_version(request: HttpRequest) -> str:
    """Return the house's version, the newest deed, how many are on their way, what is allowed."""
    ended = Deed.objects.exclude(ended_at=None).order_by("-ended_at").values("ended_at")[:1]
    newest = Deed.objects.order_by("-pk").values_list("pk", Subquery(ended)).first()
    moving = Deed.objects.filter(outcome=Deed.Outcome.WAITING).aggregate(
        Count("pk"), Max("begun_at")
    )
    allowed = Permit.objects.aggregate(Count("pk"), Max("edited_at"))
    told = (*(newest or ()), *moving.values(), *allowed.values())
    return " ".join([house_version(request), *map(str, told)])
