"""What templates of issues need beyond what every page has."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from apps.deeds.models import Deed
from apps.issues import told
from apps.issues.models import Category
from apps.live.templatetags.live_tags import plain
from apps.mirror.markdown import rendered

register = template.Library()

PICTURES = {Category.TODO: "circle", Category.DOING: "circle-dot", Category.DONE: "circle-check"}


@register.filter
def markdown(text: Any) -> SafeString:
    """What others wrote, as HTML that may stand in a page; links lead out of the house alone."""
    return rendered(plain(text))


@register.filter
def picture_of(issue: Any) -> str:
    """The icon that stands for how an issue stands."""
    return PICTURES.get(issue.category, "circle-dashed")


@register.filter
def in_deed_words(deed: Deed) -> str:
    """What a deed is done with: "SHOP-12 to In Review"."""
    return told.in_words(deed)
