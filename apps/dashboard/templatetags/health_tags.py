"""Says in words and colour how an operation fares."""

import json
import re
from typing import Any

from django import template

from apps.mirror.provider import Health

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
