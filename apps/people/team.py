"""The administrators' pages: who is here, who may come in, and what each of them may."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.live.cursor import asked, page_of

from . import deeds
from .accounts import make_sign_in_link
from .forms import NameAndAddressForm, NewPersonForm
from .models import profile_of
from .rights import is_administrator
from .second_factor import has_second_factor
from .views import keep

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]
PAGE = 50
ORDER = ("username", "pk")


def for_administrators(view: View) -> View:
    """To everybody else the page does not exist."""

    @never_cache
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_administrator(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return inner


def _people() -> Any:
    connected = SocialAccount.objects.filter(user=OuterRef("pk"))
    return (
        get_user_model()
        .objects.select_related("profile")
        .annotate(second_factor=has_second_factor(), connected=Exists(connected))
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One person as the list and their page show them."""

    user: Any
    profile: Any
    administrator: bool


def _row(user: Any) -> Row:
    return Row(user, profile_of(user), is_administrator(user, asleep=True))


@for_administrators
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, by user name, fifty at a time."""
    words = asked(request, "q")
    found = _people()
    for word in words.split():
        found = found.filter(
            Q(username__icontains=word)
            | Q(email__icontains=word)
            | Q(profile__display_name__icontains=word)
        )
    page = page_of(found, ORDER, request.GET.get("after", ""), PAGE)
    context = {
        "rows": [_row(user) for user in page.rows],
        "words": words,
        "following": page.following,
        "paged": not page.first,
    }
    return render(request, "people/people.html", context)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a person; the page that says so shows the link that lets them in, once."""
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        user = form.save()
        return _with_link(request, user, made=True)
    context = {"form": form, "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}
    return render(request, "people/new.html", context, status=422 if form.errors else 200)


def _with_link(request: HttpRequest, user: Any, *, made: bool = False) -> HttpResponse:
    base = settings.SITE_URL or f"{request.scheme}://{request.get_host()}"
    link = make_sign_in_link(user, base, request.user)
    log.info("people.link", extra={"of": user.pk, "by": request.user.pk, "made": made})
    context = {"person": _row(user), "link": link, "made": made}
    response = render(request, "people/link.html", context)
    response["Cache-Control"] = "no-store"
    return response


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: name and address to correct, and what may be done."""
    user = get_object_or_404(_people(), pk=pk)
    row = _row(user)
    entered = request.POST if request.method == "POST" else None
    initial = {"display_name": row.profile.display_name, "email": user.email}
    form = NameAndAddressForm(entered, user=user, initial=initial)
    if entered is not None and form.is_valid():
        keep(user, form.cleaned_data, own=False)
        messages.success(request, "Saved.")
        return redirect("people:person", pk)
    if form.errors:
        user.refresh_from_db(fields=["email"])
    context = {
        "person": row,
        "form": form,
        "deeds": deeds.possible(row.user, administrator=row.administrator),
        "last": deeds.is_last_administrator(user),
        "connection": SocialAccount.objects.filter(user=user).first(),
        "provider": settings.OIDC_NAME,
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@for_administrators
@require_http_methods(["GET", "HEAD", "POST"])
def deed(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Do something about a person; asked without doing, the page says what it would mean."""
    user = get_object_or_404(_people(), pk=pk)
    row = _row(user)
    chosen = deeds.possible(user, administrator=row.administrator).get(name)
    if chosen is None:
        # Somebody else was quicker, or the address was made up.
        messages.warning(request, "That is not to be done any more: this is how things are now.")
        return redirect("people:person", pk)
    if request.method != "POST":
        return render(request, "people/confirm.html", {"person": row, "deed": chosen})
    if name == "link":
        return _with_link(request, user)
    told = chosen.do(user)
    log.info(
        "people.deed",
        extra={"deed": name, "of": user.pk, "by": request.user.pk, "refused": told.refused},
    )
    if told.refused:
        messages.error(request, told.text)
    else:
        messages.success(request, told.text)
    # Whoever took their own rights away has no page here any more.
    return redirect("people:person", pk) if pk != request.user.pk else redirect("dashboard:home")
