"""Who is in a project: the list, roles, invitations, and the page behind an invitation's link."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.models import Outcome
from apps.audit.verbs import Verb
from apps.mirror.lists import live
from apps.mirror.tail import newest_change
from apps.people.accounts import site_address
from apps.people.models import hash_of, profile_of

from . import deeds, told
from .access import Here, here
from .forms import InvitationForm, MemberForm
from .models import Invitation, Membership
from .roles import Role


@require_safe
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is in the project and what they may do; owners change it."""
    return _team(request, here(request, slug))


def _team(request: HttpRequest, met: Here, *, status: int = 200, **more: Any) -> HttpResponse:
    project = met.project
    members = Membership.objects.filter(project=project).for_list().select_related("user__profile")
    context = {
        "here": met,
        "tab": "team",
        "members": members,
        "roles": list(reversed(Role)),
        "invitations": Invitation.open().filter(project=project).select_related("created_by")
        if met.owns
        else [],
        "member_form": MemberForm(auto_id="member_%s"),
        "invitation_form": InvitationForm(auto_id="invitation_%s"),
        "link": "",
        "reads": {"within": met.project.slug},
        "live": live([f"project:{project.pk}"], newest_change()),
        **more,
    }
    return render(request, "projects/team.html", context, status=status)


def _refused(request: HttpRequest, error: deeds.RefusedError) -> None:
    messages.error(request, str(error))


@require_http_methods(["GET", "HEAD", "POST"])
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Put somebody into the project by name; whoever opens the address is led to the form."""
    met = here(request, slug, Role.OWNER)
    if request.method != "POST":
        return redirect("projects:team", slug)
    form = MemberForm(request.POST, auto_id="member_%s")
    if form.is_valid():
        user, role = form.cleaned_data["who"], form.cleaned_data["role"]
        try:
            deeds.add(met.project, user, role, by=request.user)
        except deeds.RefusedError as error:
            form.add_error("who", str(error))
        else:
            name = profile_of(user).name
            messages.success(request, f"{name} is in {met.project} now, as {role.label.lower()}.")
            return redirect("projects:team", slug)
    return _team(request, met, member_form=form, status=422)


@require_POST
def change_member(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    """Give a member another role; who would give away their own ownership is asked first."""
    met = here(request, slug, Role.OWNER)
    wanted = request.POST.get("role", "")
    if wanted not in list(Role):
        raise Http404("There is no such role.")
    role = Role(wanted)
    own = user_id == request.user.pk and met.role == Role.OWNER
    if own and role is not Role.OWNER and "sure" not in request.POST:
        return _ask(
            request,
            met,
            title="Give away your ownership?",
            crumb="Your role",
            says=f"You will be a {role} of {met.project}. Only another owner, or an administrator, "
            "can make you an owner again.",
            button=f"Become a {role}",
            hidden={"role": role, "sure": "1"},
        )
    try:
        deeds.set_role(met.project, user_id, role, by=request.user)
    except deeds.RefusedError as error:
        _refused(request, error)
        _keep_refused(met, told.ROLE, request.user, user_id, error)
    else:
        messages.success(request, "The role is changed.")
    return redirect(_home_or_team(request, met))


@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    """Ask whether somebody is to be taken out, or leaves; a POST does it."""
    leaving = user_id == request.user.pk
    met = here(request, slug, Role.VIEWER if leaving else Role.OWNER)
    if request.method != "POST":
        return _ask_to_remove(request, met, user_id, leaving=leaving)
    try:
        deeds.remove(met.project, user_id, by=request.user)
    except deeds.RefusedError as error:
        _refused(request, error)
        _keep_refused(met, told.REMOVED, request.user, user_id, error)
    else:
        said = "You have left" if leaving else "They are no longer in"
        messages.success(request, f"{said} {met.project}.")
    return redirect(_home_or_team(request, met))


def _ask_to_remove(request: HttpRequest, met: Here, user_id: int, *, leaving: bool) -> HttpResponse:
    rows = Membership.objects.filter(project=met.project).select_related("user__profile")
    name = told.called(get_object_or_404(rows, user=user_id).user)
    if leaving:
        return _ask(
            request,
            met,
            title=f"Leave {met.project}?",
            crumb="Leave",
            says="Pages of it that you have open end at once. Only its owners, or an "
            "administrator, can let you in again.",
            button="Leave",
        )
    return _ask(
        request,
        met,
        title=f"Take {name} out of {met.project}?",
        crumb="Remove",
        says=f"{name} sees nothing of it from then on; pages of it that they have open end at "
        "once. What they wrote stays.",
        button="Remove",
    )


def _ask(request: HttpRequest, met: Here, **said: Any) -> HttpResponse:
    context = {
        "here": met,
        "tab": "team",
        "action": request.path,
        "hidden": {},
        "reads": {"within": met.project.slug},
        **said,
    }
    return render(request, "projects/sure.html", context)


def _keep_refused(met: Here, verb: Verb, by: Any, user_id: int, error: Exception) -> None:
    """Record what was not done: the transaction that was to do it is undone."""
    users = get_user_model().objects.filter(pk=user_id).select_related("profile")
    what = "".join(map(told.called, users))
    told.tell(
        met.project,
        verb,
        by,
        what,
        outcome=Outcome.REFUSED,
        reason=str(error),
        detail={"user": user_id},
    )


def _home_or_team(request: HttpRequest, met: Here) -> str:
    still = type(met.project).objects.visible_to(request.user).filter(pk=met.project.pk).exists()
    return (
        reverse("projects:team", args=[met.project.slug]) if still else reverse("projects:projects")
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an invitation, and show its link: that is not kept anywhere else."""
    met = here(request, slug, Role.OWNER)
    if request.method != "POST":
        return redirect("projects:team", slug)
    form = InvitationForm(request.POST, auto_id="invitation_%s")
    if not form.is_valid():
        return _team(request, met, invitation_form=form, status=422)
    token = deeds.invite(met.project, request.user, **form.cleaned_data)
    link = site_address(request, reverse("projects:join", args=[token]))
    return _team(request, met, link=link)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask whether an invitation is to be taken back; a POST does it."""
    met = here(request, slug, Role.OWNER)
    if request.method != "POST":
        found = get_object_or_404(Invitation.open().filter(project=met.project), pk=pk)
        whom = f" for {found.note}" if found.note else ""
        return _ask(
            request,
            met,
            title="Withdraw the invitation?",
            crumb="Withdraw",
            says=f"The link{whom}, as {found.role}, opens nothing from then on. You can make "
            "another one.",
            button="Withdraw",
        )
    deeds.withdraw(met.project, pk, by=request.user)
    messages.success(request, "The invitation opens nothing any more.")
    return redirect("projects:team", slug)


def _why_not(found: Invitation | None) -> str:
    if found is None:
        return "unknown"
    if found.used_at:
        return "used"
    return "expired" if found.expires_at <= now() else "withdrawn"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show what one would join; the button's POST joins. Previews of the link use nothing up."""
    found = Invitation.objects.select_related("project").filter(token_hash=hash_of(token)).first()
    if found is None or not found.usable:
        reason = _why_not(found)
        return render(request, "projects/join.html", {"reason": reason}, status=410)
    user: Any = request.user
    if not user.is_authenticated:
        context = {
            "invitation": found,
            "sign_in": f"{reverse('account_login')}?next={request.path}",
        }
        return render(request, "projects/join.html", context)
    if request.method == "POST":
        try:
            role = deeds.join(found, user)
        except deeds.RefusedError as error:
            _refused(request, error)
            return render(request, "projects/join.html", {"reason": "used"}, status=410)
        messages.success(request, f"You are in {found.project} now, as {role.label.lower()}.")
        return redirect(found.project)
    return render(request, "projects/join.html", {"invitation": found})
