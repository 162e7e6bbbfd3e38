"""The pages of API tokens: one's own to make and revoke, and everybody's for administrators."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.live.cursor import asked, page_of
from apps.people.accounts import site_address
from apps.people.rights import is_administrator

from .models import ApiToken
from .token_forms import TokenForm

PAGE = 50
# Of revoked ones so many are of interest.
REVOKED = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a new one is shown on the answer to the form and never again."""
    user: Any = request.user
    form = TokenForm(request.POST if request.method == "POST" else None, user=user)
    made, token = None, ""
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                made, token = form.save()
        except IntegrityError:
            form.add_error("name", "A token of this name was made at this very moment.")
        else:
            form = TokenForm(user=user)
    mine = ApiToken.objects.filter(user=user).select_related("user", "project")
    context = {
        "form": form,
        "made": made,
        "token": token,
        "rows": mine.filter(revoked_at=None),
        "revoked": mine.exclude(revoked_at=None).order_by("-revoked_at")[:REVOKED],
        "address": site_address(request, "/api/v1/pipelines"),
    }
    return render(request, "api/tokens.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
def everybody(request: HttpRequest) -> HttpResponse:
    """Every token that is not revoked, for administrators."""
    if not is_administrator(request.user):
        raise Http404
    words = asked(request, "q")
    rows = ApiToken.objects.filter(revoked_at=None).select_related("user__profile", "project")
    for word in words.split():
        rows = rows.filter(
            Q(name__icontains=word) | Q(user__username__icontains=word) | Q(prefix__startswith=word)
        )
    page = page_of(rows, ("name", "pk"), request.GET.get("after", ""), PAGE)
    context = {"rows": page.rows, "words": words, "following": page.following}
    return render(request, "api/everybodys_tokens.html", {**context, "paged": not page.first})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then make a token useless: one's own, or anybody's for administrators."""
    user: Any = request.user
    may = ApiToken.objects if is_administrator(user) else ApiToken.objects.filter(user=user)
    found = may.filter(pk=pk).select_related("user__profile").first()
    if found is None:
        raise Http404("No such token.")
    back = "tokens:own" if found.user_id == user.pk else "tokens:everybody"
    if request.method != "POST":
        return render(request, "api/revoke.html", {"row": found, "back": back})
    if found.revoke():
        messages.success(request, f"The token {found.name} opens nothing any more.")
    else:
        messages.info(request, f"The token {found.name} was revoked before.")
    return redirect(back)
