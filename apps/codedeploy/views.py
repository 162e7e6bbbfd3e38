"""Pages of deployments, groups, applications and configurations; they read rows, never AWS."""

from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from apps.live.conditional import unchanged_page
from apps.live.cursor import page_of
from apps.live.partial import render_part
from apps.mirror.asking import hint
from apps.mirror.lists import Listing, filters_of, live, picture
from apps.mirror.loglines import first_line, panel
from apps.mirror.state import State
from apps.mirror.tail import newest_change
from apps.mirror.versions import house_version

from . import fragments, load, looks, on_premises
from .lines import draw, draw_note
from .models import (
    SERVER,
    Application,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    OnPremisesInstance,
)

NEWEST = ("-created_at", "-pk")
# Whose health the foot of these pages tells.
READS = {"service": "codedeploy"}
# What decides which groups deploy to which on-premises instances. A page of one names rows of the
# other for whoever looks, so that is no picture which readers share: the page is fetched again.
FITTING = "codedeploy.on_premises_instance codedeploy.deploymentgroup"
# In the order of urgency.
STATES = (
    State.FAILED,
    State.WAITING,
    State.MOVING,
    State.DONE,
    State.STOPPED,
    State.UNKNOWN,
)

GROUPS = Listing(
    kind="codedeploy.deploymentgroup",
    fragment=fragments.GROUP_ROW,
    contexts=load.group_rows,
    order=("urgency", "key", "pk"),
    states=STATES,
)
CONFIGS = Listing(
    kind="codedeploy.deploymentconfig",
    fragment=fragments.CONFIG_ROW,
    contexts=load.config_rows,
    order=("predefined", "key", "pk"),
    moves=False,
)
DEPLOYMENTS = Listing(
    kind="codedeploy.deployment",
    fragment=fragments.DEPLOYMENT_ROW,
    contexts=load.deployment_rows,
    order=NEWEST,
    states=STATES,
    moves=False,
)

ON_PREMISES = Listing(
    kind="codedeploy.on_premises_instance",
    fragment=fragments.ON_PREMISES_ROW,
    contexts=on_premises.on_premises_rows,
    order=("key", "pk"),
    states=(State.DONE, State.STOPPED),
)


@require_safe
@unchanged_page(house_version)
def deployments(request: HttpRequest) -> HttpResponse:
    """Deployments of all groups, the newest first."""
    since = newest_change()
    filters = filters_of(request)
    rows = Deployment.objects.for_list().visible_to(request.user).matching(**filters)
    context = DEPLOYMENTS.context(request, since, rows.filter(created_at__isnull=False), filters)
    return render(request, "codedeploy/deployments.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def deployment(request: HttpRequest, pk: int) -> HttpResponse:
    """A deployment: why it failed, its targets with their lifecycle events, what it was to do.

    Targets and an AppSpec that nobody has asked for are asked for by opening the page.
    """
    since = newest_change()
    get_object_or_404(Deployment.objects.visible_to(request.user).only("pk"), pk=pk)
    contexts = load.deployment_head([pk])
    targets = load.deployment_targets([pk])
    found: Deployment = contexts[pk]["deployment"]
    hint(found.scope, load.unread_of(found, targets_read=targets[pk]["read"]))
    parts = (
        fragments.DEPLOYMENT_HEAD,
        fragments.DEPLOYMENT_TARGETS,
        fragments.DEPLOYMENT_FACTS,
    )
    return render(
        request,
        "codedeploy/deployment.html",
        {
            "deployment": found,
            "head": picture(fragments.DEPLOYMENT_HEAD, contexts, pk),
            "targets": picture(fragments.DEPLOYMENT_TARGETS, targets, pk),
            "facts": picture(fragments.DEPLOYMENT_FACTS, load.deployment_facts([pk]), pk),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{part.name}:{pk}" for part in parts], since),
        },
    )


@require_safe
def appspec(request: HttpRequest, pk: int) -> HttpResponse:
    """The AppSpec of a deployment out of S3 as far as it was read; opening this makes it be read.

    It has no ETag, because what lies in S3 is no mirrored row.
    """
    since = newest_change()
    rows = Deployment.objects.visible_to(request.user).select_related("scope", "group")
    found = get_object_or_404(rows, pk=pk)
    if not found.in_s3:
        raise Http404("its revision is not in S3")
    shown = _panel(found, first_line(request))
    return render_part(
        request,
        "codedeploy/appspec.html",
        {
            "deployment": found,
            "panel": shown,
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"appspec:{pk}@{shown['next']}"], since),
        },
    )


def _panel(found: Deployment, first: int) -> dict[str, Any]:
    """Return what the panel shows, and let somebody read on."""
    looks.watch(found.pk)
    contents = looks.contents_of(found.pk)
    drawn = partial(draw, found.pk, first=first)
    return panel(contents, first, drawn, draw_note(found.pk, contents))


@require_safe
@unchanged_page(house_version)
def deployment_groups(request: HttpRequest) -> HttpResponse:
    """All deployment groups, what is broken first."""
    since = newest_change()
    filters = filters_of(request)
    rows = DeploymentGroup.objects.for_list().present().visible_to(request.user)
    context = GROUPS.context(request, since, rows.matching(**filters), filters)
    return render(request, "codedeploy/groups.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def deployment_group(request: HttpRequest, pk: int) -> HttpResponse:
    """A deployment group: its deployments, where it deploys to, and how."""
    since = newest_change()
    rows = DeploymentGroup.objects.visible_to(request.user).select_related("scope", "application")
    found = get_object_or_404(rows, pk=pk)
    page = page_of(
        Deployment.objects.for_list().filter(group=found, created_at__isnull=False),
        NEWEST,
        request.GET.get("after", ""),
    )
    drawn = load.draw_rows(load.deployment_rows(page.rows))
    parts = (fragments.GROUP_HEAD, fragments.GROUP_FACTS)
    topics = [f"{part.name}:{pk}" for part in parts]
    topics += [f"{fragments.DEPLOYMENT_ROW.name}:{row.pk}" for row in page.rows]
    if not page.first:
        body = mark_safe(f"<tbody>{''.join(drawn)}</tbody>")  # noqa: S308
    else:
        # Deployments that begin come in from above.
        topics.append(f"{fragments.GROUP_DEPLOYMENTS.name}:{pk}")
        newest = {pk: {"deploymentgroup": found, "rows": drawn}}
        body = picture(fragments.GROUP_DEPLOYMENTS, newest, pk)
    return render(
        request,
        "codedeploy/group.html",
        {
            "group": found,
            "head": picture(fragments.GROUP_HEAD, load.group_head([pk]), pk),
            "facts": picture(fragments.GROUP_FACTS, load.group_facts([pk]), pk),
            "on_premises": on_premises.instances_of(found, request.user),
            "rows": drawn,
            "body": body,
            "following": page.following,
            "paged": not page.first,
            "reads": {**READS, "scope": found.scope_id},
            "live": live(topics, since, FITTING if found.compute_platform == SERVER else ""),
        },
    )


@require_safe
@unchanged_page(house_version)
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """An application and its deployment groups."""
    since = newest_change()
    rows = Application.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    groups = DeploymentGroup.objects.for_list().visible_to(request.user).filter(application=found)
    context: dict[str, Any] = GROUPS.context(request, since, groups, {})
    told = context["live"]
    topics = f"{told['topics']} {fragments.APPLICATION_HEAD.name}:{pk}"
    return render(
        request,
        "codedeploy/application.html",
        {
            **context,
            "application": found,
            "head": picture(fragments.APPLICATION_HEAD, load.application_head([pk]), pk),
            "live": {**told, "topics": topics},
            "reads": {**READS, "scope": found.scope_id},
        },
    )


@require_safe
@unchanged_page(house_version)
def deployment_configs(request: HttpRequest) -> HttpResponse:
    """All deployment configurations and what they do, those that people made first."""
    since = newest_change()
    filters = filters_of(request)
    rows = DeploymentConfig.objects.select_related("scope").present().visible_to(request.user)
    rows = rows.containing(filters["q"], "key")
    rows = rows.narrowed(
        state=filters["state"], account=filters["account"], region=filters["region"]
    )
    context = CONFIGS.context(request, since, rows, filters)
    return render(request, "codedeploy/configs.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def on_premises_instances(request: HttpRequest) -> HttpResponse:
    """All on-premises instances, those that were deregistered too."""
    since = newest_change()
    filters = filters_of(request)
    rows = OnPremisesInstance.objects.for_list().present().visible_to(request.user)
    context = ON_PREMISES.context(request, since, rows.matching(**filters), filters)
    return render(request, "codedeploy/on_premises_list.html", {**context, "reads": READS})


@require_safe
@unchanged_page(house_version)
def on_premises_instance(request: HttpRequest, pk: int) -> HttpResponse:
    """An on-premises instance: who it is, which groups deploy to it, and how that went."""
    since = newest_change()
    rows = OnPremisesInstance.objects.visible_to(request.user).select_related("scope")
    found = get_object_or_404(rows, pk=pk)
    head = {pk: {"on_premises_instance": found}}
    unread = on_premises.unread_tags(found)
    moving = [FITTING, "codedeploy.deployment", *(["scope"] if unread else [])]
    return render(
        request,
        "codedeploy/on_premises.html",
        {
            "instance": found,
            "head": picture(fragments.ON_PREMISES_HEAD, head, pk),
            "groups": on_premises.shown(on_premises.groups_of(found, request.user)),
            "targets": on_premises.last_targets(found, request.user),
            **(unread.context() if unread else {}),
            "reads": {**READS, "scope": found.scope_id},
            "live": live([f"{fragments.ON_PREMISES_HEAD.name}:{pk}"], since, " ".join(moving)),
        },
    )
