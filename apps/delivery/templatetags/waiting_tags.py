"""Tells every page how many approvals wait for its reader."""

from django import template
from django.template import Context

from apps.delivery.waiting import how_many_wait_for

register = template.Library()


@register.simple_tag(takes_context=True)
def approvals_that_wait(context: Context) -> int:
    """How many approvals the reader may decide."""
    return how_many_wait_for(context["request"].user)
