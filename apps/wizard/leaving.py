"""The leaver's list: what stays in AWS when a project is deleted, and what of it keeps billing."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from apps.deeds.permits import account_of, permit_of
from apps.mirror.models import Scope
from apps.mirror.resource import REGISTER
from apps.projects.goes import HINDERS, STAYS, Hindrance, Stay
from apps.projects.held import listed
from apps.projects.models import Holding, Project

from .models import Bootstrap, Creation
from .shown import left_by

# Kinds that cost something by being there. The rest costs when it is used, or nothing.
BILLED = frozenset(
    {
        "beanstalk.environment",
        "cloudwatch.alarm",
        "codepipeline.pipeline",
        "ec2.autoscalinggroup",
        "ec2.instance",
        "ec2.loadbalancer",
        "ecs.service",
    }
)
# The same of what an undo left: types of CloudFormation.
BILLED_TYPES = frozenset(
    {
        "AWS::AutoScaling::AutoScalingGroup",
        "AWS::CloudWatch::Alarm",
        "AWS::CodePipeline::Pipeline",
        "AWS::EC2::Instance",
        "AWS::ElasticBeanstalk::Environment",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
    }
)


def stays(project: Project) -> Iterator[Stay]:
    """Yield what the wizard made, which can be undone, then everything held, by kind and place."""
    for one in _there_still(project):
        whole = "" if one.made_at else ", as far as it came"
        yield Stay(
            f"What was made from “{one.template_title}” as {one.name}{whole}: its stack, its "
            "buckets, its repository and where it is deployed.",
            bills=True,
            url=reverse("wizard:undo", args=[one.pk]),
            label="Undo it first",
        )
    for one in Bootstrap.objects.filter(project=project, state=Bootstrap.State.UNDONE):
        for left in left_by(one):
            yield Stay(
                f"{left.name or left.ident} ({left.kind}): {left.why}",
                bills=left.fate == Creation.Fate.LEFT and left.kind in BILLED_TYPES,
            )
    counts = _there(project)
    scopes = Scope.objects.in_bulk({scope for _kind, scope in counts})
    for (kind, scope_id), count in sorted(counts.items()):
        resource, scope = REGISTER.by_kind.get(kind), scopes.get(scope_id)
        if resource is None or scope is None:
            continue
        where = " · ".join(filter(None, (scope.label or scope.account, scope.region)))
        yield Stay(f"{resource.label.capitalize()}: {count} in {where}", bills=kind in BILLED)


def _there_still(project: Project) -> Any:
    """Return what was made into a project, whole or in part, and not undone."""
    made = Creation.objects.exclude(fate=Creation.Fate.REMOVED).values("bootstrap")
    rows = Bootstrap.objects.filter(project=project, pk__in=made)
    return rows.exclude(state=Bootstrap.State.UNDONE)


def hinders(project: Project) -> Iterator[Hindrance]:
    """Yield why a project cannot be deleted now: its steps, and its undo, go in its name."""
    for one in _there_still(project).select_related("scope"):
        url = one.get_absolute_url()
        if one.state == Bootstrap.State.MOVING:
            told = f"{one.name} is under way in its name. Wait until that is over."
            yield Hindrance(told, url, "See how far it is")
            continue
        account = account_of(one.scope) if one.scope else None
        permit = permit_of(account) if account else None
        # Where nothing is allowed, whoever allows it later may say: for every project.
        named = permit is not None and permit.acts and not permit.everyone
        if account is not None and named:
            yield Hindrance(
                f"{one.name} could be undone by nobody afterwards: in account {account.name} "
                "projects have to be named to act, and this one would be gone. Undo it first, or "
                "have an administrator allow every project there.",
                reverse("wizard:undo", args=[one.pk]),
                "Undo it",
            )


def _there(project: Project) -> Counter[tuple[str, int]]:
    """Return how much of each kind and place a project holds, of what AWS still lists."""
    held = Holding.objects.shown().put().filter(project=project)
    found: Counter[tuple[str, int]] = Counter()
    for kind, rows in listed(held):
        found.update((kind, scope) for scope in rows.values_list("scope", flat=True))
    return found


STAYS.append(stays)
HINDERS.append(hinders)
