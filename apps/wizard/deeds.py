"""The deeds of the wizard: every call by which it makes or removes something in an account.

Each is asked for by a step of a course (`courses`), done once, and looked for before it is
repeated (`apps.deeds.performing`). What a deed is about is the bootstrap.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from apps.aws.actions import action_of
from apps.deeds.acts import ACTS, Act
from apps.deeds.at_aws import AtAws
from apps.mirror.resource import Names
from apps.projects.roles import Role

from . import emptying, halting, planning, pushing, removing, staging
from .blueprints.permissions import ACTIONS
from .models import KIND

if TYPE_CHECKING:
    from apps.deeds.models import Deed

    from .models import Bootstrap

GROUP = "Project wizard"
# Who may make a project may undo it: half of it would leave things behind.
BUNDLE = "Make projects from templates, and undo them"
# What must be readable to make sure how things stand; nothing is written by these.
READS = (
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackDriftDetectionStatus",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStackResourceDrifts",
    "cloudformation:DescribeStacks",
    "cloudformation:DetectStackDrift",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
    "codecommit:GetRepository",
    "codeconnections:GetConnection",
    "codeconnections:ListConnections",
    "codepipeline:GetPipeline",
    "codepipeline:GetPipelineState",
    "codepipeline:ListPipelineExecutions",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "elasticbeanstalk:ListAvailableSolutionStacks",
    "iam:GetRole",
    "iam:SimulatePrincipalPolicy",
    "s3:HeadBucket",
)
# Services whose actions know no ARN of one account for all that they touch (images, platforms).
WIDE = frozenset({"autoscaling", "ec2", "elasticbeanstalk", "elasticloadbalancing", "kms"})
READING = ("Describe", "Detect", "GET", "Get", "List", "Simulate")


@cache
def _needed() -> frozenset[str]:
    """Every IAM action that making and undoing any template takes."""
    return frozenset(action for them in ACTIONS.values() for action in them)


# What IAM calls operations of S3, where it does not go by their names.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
OF_S3 = {
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
}


def where(action: str, partition: str, account: str) -> str:
    """Return what IAM has to allow an action for.

    Reading is allowed anywhere, because much of it knows no ARN; writing in the account alone.
    """
    service, _, name = action.partition(":")
    if name.startswith(READING) or service in WIDE:
        return "*"
    if service == "s3":
        return f"arn:{partition}:s3:::*"
    return f"arn:{partition}:{service}:*:{account}:*"


def actions_of(calls: Iterable[str]) -> frozenset[str]:
    """Return what IAM calls these operations."""
    return frozenset(action for call in calls for action in OF_S3.get(call, (action_of(call),)))


def grants(
    calls: Iterable[str], partition: str, account: str, *, whole: bool
) -> Mapping[tuple[str, ...], Iterable[str]]:
    """Return what IAM has to allow for these calls.

    whole  with all that making and removing a stack takes: CloudFormation calls with the
           permissions of who asks it.
    """
    told: dict[tuple[str, ...], set[str]] = {}
    for action in actions_of(calls) | (_needed() if whole else frozenset()):
        told.setdefault((where(action, partition, account),), set()).add(action)
    return told


def _nothing(_deed: "Deed", _row: "Bootstrap") -> Iterable[Names]:
    """What it makes is read again when it stands."""
    return ()


def _add(  # noqa: PLR0913 - what an act is
    name: str,
    label: str,
    told: str,
    doer: AtAws,
    *calls: str,
    icon: str = "wand-sparkles",
    whole: bool = False,
    effect: Callable[[Any, Mapping[str, Any]], Iterable[str]] = lambda _row, _said: (),
) -> None:
    every = (*calls, *READS)
    ACTS.add(
        Act(
            name=f"wizard.{name}",
            kind=KIND,
            label=label,
            group=GROUP,
            icon=icon,
            told=told,
            needed=Role.OWNER,
            bundle=BUNDLE,
            calls=every,
            grants=partial(grants, every, whole=whole),
            # Its own pages ask for it, one step after the other.
            offered=lambda _row: None,
            effect=effect,
            doer=doer,
            reread=_nothing,
        )
    )


_add(
    "plan",
    "Plan the stack",
    "planned the stack of {what}",
    planning.PLAN,
    "cloudformation:CreateChangeSet",
)
_add(
    "stage",
    "Put the code in place",
    "put the code of {what} in place",
    staging.STAGE,
    "s3:CreateBucket",
    "s3:PutPublicAccessBlock",
    "s3:PutObject",
    "s3:HeadObject",
)
ACTS.add(
    Act(
        name="wizard.push",
        kind=KIND,
        label="Put the files into the repository",
        group=GROUP,
        icon="git-commit-horizontal",
        told="put the files of {what} into its repository",
        needed=Role.OWNER,
        bundle=BUNDLE,
        # At GitHub: whether anything is written there is said at the site.
        offered=lambda _row: None,
        doer=pushing.PUSH,
        reread=_nothing,
    )
)
_add(
    "create",
    "Create the stack",
    "created the stack of {what}",
    planning.EXECUTE,
    "cloudformation:ExecuteChangeSet",
    whole=True,
)
_add(
    "unstage",
    "Remove the code's bucket",
    "removed the bucket that the code of {what} waited in",
    staging.UNSTAGE,
    "s3:DeleteBucket",
    "s3:DeleteObjects",
    "s3:ListObjectVersions",
)
_add(
    "drop",
    "Drop the plan",
    "dropped the plan of {what}",
    removing.DROP,
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    icon="trash-2",
)
_add(
    "halt",
    "Stop the pipeline",
    "stopped the pipeline of {what}",
    halting.HALT,
    "codepipeline:DisableStageTransition",
    "codepipeline:StopPipelineExecution",
    icon="circle-stop",
)
_add(
    "keep",
    "Keep what was edited",
    "kept what was edited of {what}",
    removing.KEEP,
    "cloudformation:UpdateStack",
    icon="archive",
    whole=True,
)
_add(
    "empty",
    "Empty the buckets",
    "emptied the buckets of {what}",
    emptying.EMPTY,
    "s3:DeleteObjects",
    "s3:ListObjectVersions",
    icon="trash-2",
)
_add(
    "remove_app",
    "Delete the application's stack",
    "deleted the application's stack of {what}",
    removing.REMOVE_APP,
    "cloudformation:DeleteStack",
    icon="trash-2",
    whole=True,
)
_add(
    "remove",
    "Delete the stack",
    "deleted the stack of {what}",
    removing.REMOVE,
    "cloudformation:DeleteStack",
    icon="trash-2",
    whole=True,
)
_add(
    "forget_code",
    "Delete the repository",
    "deleted the repository of {what}",
    removing.REMOVE_REPOSITORY,
    "codecommit:DeleteRepository",
    icon="trash-2",
)
