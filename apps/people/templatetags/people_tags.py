"""Draws people the same way everywhere, and tells pages of their reader.

A list that shows people selects `profile` beside the user; where it does not, the names of all who
have one are asked for once a page, never once a person.
"""

from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.people.models import Profile, hue_of, initials_of, profile_of
from apps.people.rights import is_administrator

register = template.Library()

NAMES = "_names_of_people"


@register.simple_tag(takes_context=True)
def avatar(context: Context, user: Any, size: str = "") -> SafeString:
    """`{% avatar user %}`: initials on the person's colour; size "lg" for page heads.

    Decorative: the name stands beside it, or is the label of what it is in.
    """
    return format_html(
        '<span class="avatar avatar-{} {}" aria-hidden="true">{}</span>',
        hue_of(user.pk),
        size,
        initials_of(name_in(context, user)),
    )


@register.simple_tag(takes_context=True)
def person_name(context: Context, user: Any) -> str:
    """`{% person_name user %}`: what a person is called."""
    return name_in(context, user)


def name_in(context: Context, user: Any) -> str:
    """A name without a query for each person."""
    request = context.get("request")
    if "profile" in user._state.fields_cache:
        return profile_of(user).name
    if request is not None and request.user.pk == user.pk:
        return profile_of(request.user).name
    # The request outlives the rendering of each part of a page.
    keeper = request.__dict__ if request is not None else context.dicts[0]
    if NAMES not in keeper:
        named = Profile.objects.exclude(display_name="")
        keeper[NAMES] = dict(named.values_list("user_id", "display_name"))
    return str(keeper[NAMES].get(user.pk) or user.get_username())


@register.simple_tag(takes_context=True)
def reader(context: Context) -> Profile | None:
    """`{% reader as me %}`: the profile of who looks at the page, None for a stranger."""
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return None
    return profile_of(user)


@register.filter
def administers(user: Any) -> bool:
    """Whether a user is an administrator."""
    return is_administrator(user)


@register.simple_tag
def provider_name() -> str:
    """What the team's provider is called, "" where none is configured."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""
