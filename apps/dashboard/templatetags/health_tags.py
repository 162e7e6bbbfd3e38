"""Says in words and colour how an operation fares."""

import json
import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import now

from apps.dashboard import progress
from apps.mirror.health import SLOWER, KindHealth, may_rest, why_unread
from apps.mirror.lists import gathered
from apps.mirror.provider import Health
from apps.mirror.resource import REGISTER
from apps.people.rights import sees_everything

register = template.Library()

# health -> (class, icon, words)
LOOKS = {
    Health.OK: ("st-ok", "circle-check", "Works"),
    Health.NOT_TRIED: ("st-idle", "circle-dashed", "Not tried yet"),
    Health.DENIED: ("st-bad", "lock", "Denied"),
    Health.THROTTLED: ("st-wait", "hourglass", "Throttled"),
    Health.CREDENTIALS: ("st-bad", "key-round", "Credentials refused"),
    Health.NOT_OPTED_IN: ("st-idle", "ban", "Region not opted in"),
    Health.UNSUPPORTED: ("st-idle", "ban", "Not offered here"),
    Health.UNREACHABLE: ("st-bad", "unplug", "Unreachable"),
    Health.FAILING: ("st-bad", "circle-x", "Failing"),
    Health.GONE: ("st-idle", "ban", "Gone"),
}


def look_of(health: str) -> tuple[str, str, str]:
    """Class, icon and words."""
    try:
        return LOOKS[Health(health)]
    except (ValueError, KeyError):
        return ("st-idle", "circle-question-mark", str(health))


@register.simple_tag(takes_context=True)
def unread(context: Context, kinds: str | Sequence[str], scope: int | None = None) -> Any:
    """Why rows of these kinds may be missing: {reasons, some, state}, {} where all were read.

    reasons  a `KindHealth` for each account, region and kind that was not read.
    some     whether others were read, and hold none.
    state    the `Health` they share, or "paused"; "" where they differ.
    It is found out where a page asks for it: most have rows to show.
    """
    wanted = kinds.split() if isinstance(kinds, str) else list(kinds)
    house = progress.house_of(context["request"])
    return SimpleLazyObject(lambda: _unread(house, wanted, scope))


def _unread(house: progress.House, wanted: Sequence[str], scope: int | None) -> dict[str, Any]:
    concerned = house.kinds if scope is None else house.kinds_in(scope)
    reasons = why_unread(concerned, wanted)
    if not reasons and house.scopes:
        return {}
    asked = sum(item.kind in wanted for item in concerned)
    states = {"paused" if item.scope.paused else item.state for item in reasons}
    return {
        "reasons": list({(item.scope.pk, item.kind): item for item in reasons}.values()),
        "some": asked > len(reasons),
        "state": states.pop() if len(states) == 1 else "",
    }


@register.simple_tag(takes_context=True)
def outside(context: Context) -> str:
    """Why a reader sees nothing of AWS: "in no project", "nothing held"; "" where there is none.

    Who sees what projects hold alone learns nothing of accounts by it.
    """
    request = context["request"]
    if sees_everything(request.user):
        return ""
    return "nothing held" if gathered(request) else "in no project"


@register.filter
def health_class(health: str) -> str:
    """The state class."""
    return look_of(health)[0]


@register.filter
def health_icon(health: str) -> str:
    """The icon's name."""
    return look_of(health)[1]


@register.filter
def health_word(health: str) -> str:
    """The words."""
    return look_of(health)[2]


@register.filter
def sentence(text: str) -> str:
    """What AWS says, closed by a full stop where another sentence follows; "" stays ""."""
    told = str(text or "").rstrip()
    return told if not told or told[-1] in ".!?\N{HORIZONTAL ELLIPSIS}" else f"{told}."


@register.filter
def as_json(value: Any) -> str:
    """An IAM statement as one would paste it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def slug(kind: str) -> str:
    """A kind as part of an element's id."""
    return re.sub(r"[^a-z0-9]+", "-", str(kind).lower())


# What was not read for so many times its cadence, and for so long, is old.
LATE, LONG = 5, timedelta(minutes=15)


@register.simple_tag(takes_context=True)
def unread_among(context: Context, kinds: Sequence[str], scopes: Collection[int]) -> dict[str, Any]:
    """How rows of these kinds are read in some scopes: {reasons, loading, stale}.

    reasons  a `KindHealth` for each account, region and kind that was not read as it should.
    loading  whether that is because their first reading is under way or to come.
    stale    the one that was read longest ago, where that is too long; None where all is fresh.
    """
    house = progress.house_of(context["request"])
    mine = [item for item in house.kinds if item.scope.pk in scopes and item.kind in kinds]
    reasons = why_unread(mine, list(kinds))
    waits = (Health.OK, Health.NOT_TRIED)
    known = {(item.scope.pk, item.kind) for item in reasons}
    old = [item for item in mine if (item.scope.pk, item.kind) not in known and _is_late(item)]
    return {
        "reasons": list({(item.scope.pk, item.kind): item for item in reasons}.values()),
        "loading": bool(reasons)
        and all(item.state in waits and not item.scope.paused for item in reasons),
        "stale": min(old, key=lambda item: item.last_success or now(), default=None),
    }


def _is_late(item: KindHealth) -> bool:
    if item.last_success is None or item.scope.paused:
        return False
    cadence = REGISTER.get(item.kind).cadence.cold
    slow = may_rest(REGISTER.get(item.kind), item.sweep.events_at if item.sweep else None, now())
    return now() - item.last_success > max(LONG, cadence * LATE * (SLOWER if slow else 1))
