"""What templates of source need beyond what every page has."""

from django import template

register = template.Library()


@register.filter
def last_part(arn: object) -> str:
    """Who somebody is in their account: the last part of an ARN, or the name as it is."""
    text = str(arn or "")
    return text.rpartition("/")[2] or text
