"""Finds, in the sandbox's accounts, what is looked at; writes what people would have written."""

import json
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models import Count, Q  # noqa: E402

from apps.awslambda.models import Function  # noqa: E402
from apps.beanstalk.models import Environment  # noqa: E402
from apps.cloudformation.models import Stack  # noqa: E402
from apps.cloudwatch.models import Alarm, LogGroup, Metric  # noqa: E402
from apps.codebuild.models import Build  # noqa: E402
from apps.codebuild.models import Project as BuildProject  # noqa: E402
from apps.codedeploy.models import Deployment, DeploymentGroup  # noqa: E402
from apps.codepipeline.models import Execution, Pipeline  # noqa: E402
from apps.ec2.models import Instance, LoadBalancer  # noqa: E402
from apps.ecs.models import Service  # noqa: E402
from apps.issues.models import Issue  # noqa: E402
from apps.people.models import Profile  # noqa: E402
from apps.projects.models import Project  # noqa: E402
from apps.source.models import Commit, PullRequest, Repository  # noqa: E402
from apps.wiki import writing  # noqa: E402
from apps.wiki.models import Page  # noqa: E402
from screens.running import NAME  # noqa: E402
from screens.shops import PEOPLE, README, Manner, members  # noqa: E402

SAYS = "Basket, checkout and what they need."
FIRST = "Takes the basket to an order."


def richest() -> Project:
    """The project that has most to show: of most kinds, and of these most."""
    rows = Project.objects.annotate(
        kinds=Count("holdings__kind", distinct=True),
        moves=Count("holdings", filter=Q(holdings__kind="codepipeline.pipeline")),
        rows=Count("holdings"),
    )
    found = rows.order_by("-kinds", "-moves", "-rows", "pk").first()
    if found is None:
        raise LookupError("nothing was adopted on the sandbox")
    return found


@transaction.atomic
def written(project: Project) -> None:
    """Let a project say of itself what people say of theirs, if nobody did."""
    if project.description or Page.objects.filter(project=project).exists():
        return
    project.description, project.tags = SAYS, ["shop", "tier-1"]
    project.links = [{"label": "Runbook", "url": "https://example.com/runbook"}]
    project.save()
    members(project, Manner())
    me = get_user_model().objects.get(username=NAME)
    Profile.objects.update_or_create(user=me, defaults={"display_name": "Platform engineer"})
    writer = get_user_model().objects.get(username=next(iter(PEOPLE)))
    page = writing.readme_of(project)
    page.save()
    said = {"title": "README", "text": FIRST, "said": "The beginning"}
    writing.write(page, writer, said, 0)
    writing.write(page, writer, {**said, "text": README, "said": "What to do when it breaks"}, 1)
    runbook = {"title": "Runbook", "text": README, "said": ""}
    writing.make(project, writer, runbook)


def first(rows: Any, *orders: Any) -> str:
    """The page of the first that fits one of these, the best first."""
    for fits in orders:
        row = rows.filter(**fits).order_by("-pk").first()
        if row is not None:
            return str(row.get_absolute_url())
    raise LookupError(f"the sandbox has no {rows.model.__name__} to show")


def _issue() -> str:
    """An issue with comments; the list where the sandbox plays no site that has some."""
    found = Issue.objects.told().exclude(comments=[]).first() or Issue.objects.told().first()
    return "/issues/" if found is None else str(found.get_absolute_url())


def paths() -> dict[str, str]:
    """Pages that are worth a picture, by what they are of."""
    failed: dict[str, Any] = {"state": "failed"}
    moving: dict[str, Any] = {"state": "moving"}
    anything: dict[str, Any] = {}
    project = richest()
    written(project)
    person = get_user_model().objects.get(username=next(iter(PEOPLE)))
    held = project.holdings.filter(kind="codepipeline.pipeline").values("row_id")
    return {
        "project": project.get_absolute_url(),
        "person": f"/people/{person.pk}/",
        "pipeline": first(Pipeline.objects.filter(pk__in=held), moving, failed, anything),
        "execution": first(Execution.objects.all(), failed, anything),
        "repository": first(Repository.objects.all(), anything),
        "issue": _issue(),
        "commit": first(Commit.objects.all(), anything),
        "pull": first(PullRequest.objects.all(), anything),
        "build": first(Build.objects.all(), failed, anything),
        "build_project": first(BuildProject.objects.all(), anything),
        "deployment": first(Deployment.objects.all(), failed, anything),
        "group": first(DeploymentGroup.objects.all(), failed, anything),
        "stack": first(Stack.objects.all(), failed, anything),
        "function": first(Function.objects.all(), anything),
        "service": first(Service.objects.all(), failed, anything),
        "environment": first(Environment.objects.all(), failed, anything),
        "instance": first(Instance.objects.all(), anything),
        "balancer": first(LoadBalancer.objects.all(), anything),
        "alarm": first(Alarm.objects.all(), failed, anything),
        "metrics": first(Metric.objects.all(), anything),
        "log": first(LogGroup.objects.all(), anything),
    }


if __name__ == "__main__":
    print("paths", json.dumps(paths()), flush=True)
