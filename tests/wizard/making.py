"""Runs the wizard against a simulated account, with workers that may die at any step."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.utils.timezone import now

from apps.deeds import performing
from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.wizard import advancing
from apps.wizard.blueprints.register import BLUEPRINTS
from apps.wizard.models import Bootstrap
from tests.simulated import mirrored
from tests.wizard.blueprints.cases import ACCOUNT, REGION, answers

# What the mirror reads of what a template makes.
READ = (
    "cloudformation.stack",
    "codepipeline.pipeline",
    "codebuild.project",
    "codecommit.repository",
    "codedeploy.application",
    "beanstalk.application",
    "beanstalk.environment",
    "ec2.autoscalinggroup",
    "cloudwatch.alarm",
    "awslambda.function",
)
MOST_ROUNDS = 40


def drafted(
    who: Any, scope: Scope, blueprint: str = "lambda-python-service", **chosen: Any
) -> Bootstrap:
    """What somebody entered, and nothing is looked at yet."""
    given = answers(BLUEPRINTS[blueprint], **chosen)
    return Bootstrap.objects.create(
        blueprint=blueprint,
        answers=asdict(given),
        title="Shop web",
        name=given.project,
        scope=scope,
        who=who,
    )


def run(bootstrap: Bootstrap, *, before: Callable[[], None] = lambda: None) -> Bootstrap:
    """Work as workers do, until nothing is under way; the mirror reads what it is asked to."""
    for _ in range(MOST_ROUNDS):
        before()
        for pk in performing.due():
            performing.perform(pk)
        advancing.advance(bootstrap.pk)
        bootstrap.refresh_from_db()
        if bootstrap.state != Bootstrap.State.MOVING:
            return bootstrap
        Deed.objects.filter(outcome=Deed.Outcome.WAITING).update(not_before=now())
        if bootstrap.step == "gather":
            mirrored(ACCOUNT, REGION, *READ)
    raise AssertionError(f"it does not end: {bootstrap.course} {bootstrap.step}")


def began(bootstrap: Bootstrap, course: str, **values: Any) -> Bootstrap:
    """Begin a course and work it off."""
    assert advancing.begin(bootstrap, course, **values)
    bootstrap.refresh_from_db()
    return run(bootstrap)


def freed(bootstrap: Bootstrap) -> None:
    """Whoever was at it died, and all leases are over."""
    Bootstrap.objects.filter(pk=bootstrap.pk).update(claimed_until=None)
    Deed.objects.filter(outcome=Deed.Outcome.WAITING).update(claimed_until=None, not_before=now())
