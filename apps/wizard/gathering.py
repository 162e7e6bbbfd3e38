"""Puts what was made into the project, as soon as the mirror has read it."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from apps.adoption.deeds import link
from apps.adoption.models import BEING_MADE
from apps.deeds.models import Deed
from apps.mirror.asking import hint
from apps.mirror.resource import REGISTER, Names
from apps.projects import deeds as project_deeds
from apps.projects.deeds import RefusedError
from apps.projects.held import listed
from apps.projects.models import Holding, Membership, Project
from apps.projects.roles import Role

from .models import KIND, STACK, Bootstrap, Creation

# The kinds that the mirror reads of what a stack makes, and what of a physical id is their key.
KINDS = {
    "AWS::CodePipeline::Pipeline": "codepipeline.pipeline",
    "AWS::CodeBuild::Project": "codebuild.project",
    "AWS::CodeCommit::Repository": "codecommit.repository",
    "AWS::CodeDeploy::Application": "codedeploy.application",
    "AWS::ElasticBeanstalk::Application": "beanstalk.application",
    "AWS::ElasticBeanstalk::Environment": "beanstalk.environment",
    "AWS::AutoScaling::AutoScalingGroup": "ec2.autoscalinggroup",
    "AWS::CloudWatch::Alarm": "cloudwatch.alarm",
    "AWS::Lambda::Function": "awslambda.function",
    STACK: "cloudformation.stack",
}


MOST_READ_AGAIN = 500


class _OvertakenError(Exception):
    """Another worker made the project: this one is taken back."""


def being_made() -> Q:
    """The condition on proposed rows that a project is just being made of them.

    They get into that project, and into none that is adopted by itself meanwhile.
    """
    found = Q(pk__in=[])
    for one in Bootstrap.objects.filter(state=Bootstrap.State.MOVING).exclude(name=""):
        found |= Q(scope=one.scope_id, name__startswith=one.name)
    return found


BEING_MADE.append(being_made)


def read_again(bootstrap: Bootstrap) -> None:
    """Ask for a re-read of what the project holds there: an undo took most of it away."""
    if bootstrap.scope is None:
        return
    held = Holding.objects.filter(project=bootstrap.project_id, scope=bootstrap.scope)
    names = [
        Names(kind=kind, key=key)
        for kind, rows in listed(held[:MOST_READ_AGAIN])
        for key in rows.values_list("key", flat=True)
    ]
    hint(bootstrap.scope, names)


def gather(bootstrap: Bootstrap) -> bool:
    """Make the project where it is none yet and let it hold what was read; True when all is."""
    project = project_of(bootstrap)
    rows = list(_rows(bootstrap))
    missing = [kind for kind, _key, row in rows if row is None]
    link(project, bootstrap.who, [(kind, row) for kind, _key, row in rows if row is not None])
    if missing and bootstrap.scope is not None:
        names = [Names(kind=kind, key=key) for kind, key, row in rows if row is None]
        hint(bootstrap.scope, names)
    return not missing


def _rows(bootstrap: Bootstrap) -> Iterator[tuple[str, str, Any]]:
    """Yield what was made of the kinds that are mirrored: (kind, key, row or None)."""
    for made in bootstrap.creations.filter(fate=Creation.Fate.MADE):
        kind = KINDS.get(made.kind, "")
        resource = REGISTER.by_kind.get(kind)
        if resource is None or not resource.held:
            continue
        model: Any = resource.model
        rows = model._default_manager.filter(scope=bootstrap.scope)
        name = made.ident if made.kind == STACK else made.name
        row = rows.filter(key=name).first()
        if row is None and made.name:
            row = rows.filter(arn=made.name).first() or rows.filter(key=made.name).first()
        yield kind, name, row


def project_of(bootstrap: Bootstrap) -> Project:
    """Return the project; made with its people where there is none yet."""
    if bootstrap.project is not None:
        return bootstrap.project
    try:
        # Whoever dies in between leaves none: the next one would make a second.
        with transaction.atomic():
            project = _made(bootstrap)
    except _OvertakenError:
        bootstrap.refresh_from_db(fields=["project"])
        assert bootstrap.project is not None
        return bootstrap.project
    bootstrap.project = project
    return project


def _made(bootstrap: Bootstrap) -> Project:
    """Make the project with its people. Raises _OvertakenError where another worker was quicker."""
    values = {
        "name": bootstrap.title,
        "description": bootstrap.template.about if bootstrap.is_known else "",
    }
    maker = bootstrap.maker or bootstrap.who
    try:
        project = project_deeds.create(maker, values)
    except RefusedError:
        # Somebody took the name while it was being made.
        project = project_deeds.create(
            maker, {**values, "name": f"{bootstrap.title} ({bootstrap.name})"}
        )
    users = get_user_model().objects.in_bulk([pk for pk, _role in bootstrap.members])
    for pk, role in bootstrap.members:
        if pk in users and not Membership.objects.filter(project=project, user=pk).exists():
            project_deeds.add(project, users[pk], Role(role), by=bootstrap.who)
    if not Bootstrap.objects.filter(pk=bootstrap.pk, project=None).update(project=project):
        raise _OvertakenError
    # What was done before there was one belongs to it, too.
    mine = Deed.objects.filter(kind=KIND, row_id=bootstrap.pk, project=None)
    mine.update(project=project, project_name=project.name)
    return project
