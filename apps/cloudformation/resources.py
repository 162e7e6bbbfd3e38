"""What this app mirrors, how often, what it calls and which events it hears."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F, Q

from apps.aws.events import called
from apps.mirror.models import Link
from apps.mirror.resource import REGISTER, Appended, Cadence, Happened, Heard, Names, Resource
from apps.mirror.state import UNFINISHED, State

from . import collect, digest, models

SOURCE = "aws.cloudformation"
STATUS = "CloudFormation Stack Status Change"
RESOURCE_STATUS = "CloudFormation Resource Status Change"
DRIFT = "CloudFormation Drift Detection Status Change"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def _stack_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="cloudformation.stack", key=detail["stack-id"])


def _events_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="cloudformation.event", parent=detail["stack-id"])


def _resources_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    yield Names(kind="cloudformation.resource", parent=detail["stack-id"])


def _change_sets_of(detail: Mapping[str, Any]) -> Iterator[Names]:
    """The request may name the stack by its name; the answer has its id.

    A deletion is not answered: whoever names the stack by its name there leaves it to `waiting`.
    """
    told = (
        (detail.get("responseElements") or {}).get("stackId"),
        (detail.get("requestParameters") or {}).get("stackName"),
    )
    stack = next((one for one in told if one and str(one).startswith("arn:")), None)
    if stack:
        yield Names(kind="cloudformation.changeset", parent=stack)


def _moving(stacks: Any) -> Any:
    return stacks.filter(state=State.MOVING)


def _explaining() -> Q:
    """Which stacks explain what others did with them: a pipeline's action that failed last week.

    What is nested in another is explained with that one.
    """
    links = Link.objects.filter(to_kind="cloudformation.stack", owning=True)
    return Q(key__in=links.exclude(from_kind__startswith="cloudformation.").values("to_arn"))


def _wanted(read: str, besides: Callable[[], Q] = Q) -> Callable[[Any], Any]:
    """Return what narrows stacks to those whose children are read without anybody asking.

    What moves, waits or failed; and what has moved on since its children were read for whoever
    opened it. `read` is the column that tells of which version they were read.
    """
    stale = ~Q(**{read: ""}) & ~Q(**{read: F("stamp")})

    def wanted(stacks: Any) -> Any:
        return stacks.filter(Q(state__in=(*UNFINISHED, State.FAILED)) | stale | besides())

    return wanted


STACK = REGISTER.add(
    Resource(
        kind="cloudformation.stack",
        label="stacks",
        provider="aws",
        model=models.Stack,
        collect=collect.stacks,
        cadence=Cadence(cold=MINUTE, hot=timedelta(seconds=5)),
        calls=(
            "cloudformation:DescribeStacks",
            # Not called: DescribeStacks without a name needs its permission.
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
            "cloudformation:ListStacks",
        ),
        events=tuple(
            Heard(source=SOURCE, detail_type=kind, names=_stack_of) for kind in (STATUS, DRIFT)
        ),
        heard_wholly=True,
        keyed=True,
        stamp="stamp",
        held=True,
        url=models.Stack.get_absolute_url,
        listed="cloudformation:stacks",
        explain=digest.why_stack,
        explain_then=digest.why_stack_then,
        unexplained=digest.unexplained,
    )
)

EVENT = REGISTER.add(
    Resource(
        kind="cloudformation.event",
        label="stack events",
        provider="aws",
        model=models.Event,
        collect=collect.events,
        # Nothing is asked where no stack moved, nor of one that is well until it is opened.
        # `waiting` is for the stacks that move.
        cadence=Cadence(
            cold=MINUTE, hot=timedelta(seconds=5), waiting=timedelta(seconds=5), deep=7 * DAY
        ),
        calls=("cloudformation:DescribeStackEvents",),
        events=tuple(
            Heard(source=SOURCE, detail_type=kind, names=_events_of)
            for kind in (STATUS, RESOURCE_STATUS)
        ),
        heard_wholly=True,
        parent=("cloudformation.stack", "stack"),
        asked_by="cloudformation.stack",
        parent_fields=("events_stamp",),
        parent_stamp=("stamp", "events_stamp"),
        hot_parents=_moving,
        asked_among=_wanted("events_stamp", _explaining),
        history=True,
        happened=Happened(
            at="at",
            group="Infrastructure",
            icon="layers",
            name=lambda row: row.stack.name,
            told=lambda row: row.reason,
            url=lambda row: models.Stack.get_absolute_url(row.stack),
            # Of a stack as a whole: what becomes of each resource stands on its page.
            which=Q(resource_type="AWS::CloudFormation::Stack"),
        ),
        appended=Appended(at="at", keep=365 * DAY),
        digest=digest.stacks,
    )
)

RESOURCE = REGISTER.add(
    Resource(
        kind="cloudformation.resource",
        label="stack resources",
        provider="aws",
        model=models.Resource,
        collect=collect.resources,
        cadence=Cadence(
            cold=MINUTE, hot=timedelta(seconds=10), waiting=timedelta(seconds=10), deep=7 * DAY
        ),
        # Of every stack: whatever it made says on its own page which stack that was.
        calls=("cloudformation:ListStackResources",),
        events=(Heard(source=SOURCE, detail_type=RESOURCE_STATUS, names=_resources_of),),
        heard_wholly=True,
        parent=("cloudformation.stack", "stack"),
        asked_by="cloudformation.stack",
        parent_stamp=("stamp", "resources_stamp"),
        hot_parents=_moving,
        url=models.Resource.get_absolute_url,
        explain=digest.why_resource,
    )
)

CHANGE_SET = REGISTER.add(
    Resource(
        kind="cloudformation.changeset",
        label="change sets",
        provider="aws",
        model=models.ChangeSet,
        collect=collect.change_sets,
        # One that waits is deleted by a person, of which an event tells at best.
        cadence=Cadence(
            cold=MINUTE, hot=timedelta(seconds=5), waiting=timedelta(minutes=1), deep=DAY
        ),
        calls=("cloudformation:ListChangeSets", "cloudformation:DescribeChangeSet"),
        optional=("cloudformation:DescribeChangeSet",),
        # No event of CloudFormation's own tells of them, and few move the stack: not heard wholly.
        events=(called(SOURCE, _change_sets_of, "CreateChangeSet", "DeleteChangeSet"),),
        parent=("cloudformation.stack", "stack"),
        asked_by="cloudformation.stack",
        parent_stamp=("stamp", "change_sets_stamp"),
        asked_among=_wanted("change_sets_stamp"),
        stamp="described",
        url=models.ChangeSet.get_absolute_url,
        explain=digest.why_change_set,
    )
)
