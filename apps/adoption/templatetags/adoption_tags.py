"""Says on other pages what waits to be decided, and why something belongs, in words."""

from typing import Any

from django import template
from django.conf import settings
from django.template import Context

from apps.adoption.counting import waiting
from apps.adoption.shown import in_words, singular

register = template.Library()

register.filter("why_in_words", in_words)
register.filter("singular", singular)


@register.simple_tag(takes_context=True)
def proposed(context: Context) -> dict[str, Any]:
    """How many projects are proposed, and what seems to belong to those that are there."""
    request = context.get("request")
    return waiting(request.user) if request is not None else {}


@register.simple_tag
def lets_everybody_in(project: Any = None) -> bool:
    """Whether everybody who gets an account here is let in: to a project, or to any at all."""
    if settings.ADOPT != "auto":
        return False
    return project is None or project.accepted.filter(by_itself=True).exists()
