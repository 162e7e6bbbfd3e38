"""Looks before anything is made: is every name free, is all of it allowed, is what is named there.

Each `Check` is read from AWS by its own call, so that one that cannot be asked keeps no other.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from apps.aws.calls import Reach, batches
from apps.aws.failures import classify, http_status
from apps.deeds.permits import account_of, caller_in

from . import pushing
from .blueprints.answers import Answers
from .blueprints.platforms import newest
from .blueprints.register import LAMBDA
from .deeds import actions_of, where
from .halting import pipeline_of
from .models import Bootstrap
from .parts import stack_id
from .permitted import acts, lacking
from .planning import has_code
from .removing import repository_id
from .stacks import LEFTOVERS, PLANNED, is_gone, stack_of

# Actions that one SimulatePrincipalPolicy takes without growing too long to read.
ASKED_AT_ONCE = 80
ASSUMED = re.compile(r"arn:[\w-]+:sts::\d{12}:assumed-role/([^/]+)/.+")
# How ARNs of what is made begin behind the account, by service; the others begin with its name.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
NAMED_BY = {
    "cloudformation": "stack/",
    "cloudwatch": "alarm:",
    "codebuild": "project/",
    "codeconnections": "connection/",
    "codedeploy": "application:",
    "events": "rule/",
    "iam": "role/",
    "lambda": "function:",
    "logs": "log-group:",
}
PERMITTED = "What may be done in the account"
WORLD_WIDE = frozenset({"iam"})
# Of what is missing so much is named.
NAMED = 12
WHOSE = "Choose another name, or remove what has it."
OTHER_BUCKET = "Give the artifact bucket another name (Answers → Names and place)."


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at.

    ok    True and False as it reads, None where it could not be looked at.
    told  what was found; `cure` what to do where it is in the way.
    """

    what: str
    ok: bool | None
    told: str
    cure: str = ""


Look = Callable[[Reach, Bootstrap], Iterator[Check]]


def look(reach: Reach, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Return all checks, as they are kept; about a dozen calls, whose failures are told."""
    return [asdict(check) for one in LOOKS for check in _safely(one, reach, bootstrap)]


def choose_platform(reach: Reach, bootstrap: Bootstrap) -> None:
    """Choose the newest version of the platform that a template runs on, where none is chosen yet.

    AWS takes no older one. Where it cannot be asked, the dated default stays.
    """
    branch = bootstrap.template.runs
    if branch is None or bootstrap.chosen.platform:
        return
    try:
        told = reach.call("elasticbeanstalk:ListAvailableSolutionStacks")
    except ClientError:
        return
    if found := newest(branch, told["SolutionStacks"]):
        bootstrap.answers = {**bootstrap.answers, "platform": found}


def _safely(one: Look, reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    try:
        yield from one(reach, bootstrap)
    except Exception as error:  # noqa: BLE001 - what cannot be asked is told, and holds nothing up
        failure = classify(error, str(getattr(error, "dash_operation", "")))
        doc = (one.__doc__ or "").strip().splitlines()[0].rstrip(".")
        yield Check(
            what=doc,
            ok=None,
            told=f"This could not be looked at: {failure.message}",
            cure=failure.cure,
        )


def _permitted(_reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """What an administrator allowed."""
    account = account_of(bootstrap.scope) if bootstrap.scope else None
    why = lacking(account, bootstrap.project) if account else ""
    if why:
        yield Check(
            what=PERMITTED,
            ok=False,
            told=why,
            cure="Nothing is planned before: what was made by half of it could not be undone.",
        )


def _allowed(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """Permissions."""
    source = _source(reach, caller_in(bootstrap.scope) if bootstrap.scope else "")
    # Who makes it has to be able to undo it: what its steps call themselves counts, too.
    actions = {*bootstrap.rendered.actions, *actions_of(one for act in acts() for one in act.calls)}
    denied: set[str] = set()
    for resource, all_of in _by_resource(actions, reach, bootstrap).items():
        for some in batches(all_of, ASKED_AT_ONCE):
            pages = reach.pages(
                "iam:SimulatePrincipalPolicy",
                PolicySourceArn=source,
                ActionNames=list(some),
                ResourceArns=[resource],
            )
            for page in pages:
                denied |= {
                    one["EvalActionName"]
                    for one in page["EvaluationResults"]
                    if one["EvalDecision"] != "allowed"
                }
    if denied:
        more = len(denied) - NAMED
        names = ", ".join(sorted(denied)[:NAMED]) + (f" and {more} more" if more > 0 else "")
        yield Check(
            what="Permissions",
            ok=False,
            told=f"{len(denied)} of {len(actions)} actions are not allowed: {names}.",
            cure="Allow them to the credentials of this account; the page of what may be done "
            "there prints the statement.",
        )
    else:
        yield Check(what="Permissions", ok=True, told=f"All {len(actions)} actions are allowed.")


def _source(reach: Reach, caller: str) -> str:
    """Return the ARN of whose permissions are asked for: of a session its role's, with its path."""
    assumed = ASSUMED.fullmatch(caller)
    if assumed is None:
        return caller
    return str(reach.call("iam:GetRole", RoleName=assumed[1])["Role"]["Arn"])


def _by_resource(
    actions: Iterable[str], reach: Reach, bootstrap: Bootstrap
) -> Mapping[str, list[str]]:
    """Return the actions by the ARN of what they would be done to.

    Where none is named, IAM asks for "*", which only a policy for all resources allows: one that is
    no wider than it has to be would be taken for a denial.
    """
    found: dict[str, list[str]] = {}
    for action in sorted(actions):
        service = action.partition(":")[0]
        resource = where(action, reach.partition, reach.account)
        named = [resource]
        if service == "s3" and resource != "*":
            buckets = (bootstrap.chosen.bucket_name, bootstrap.staging)
            named = [f"arn:{reach.partition}:s3:::{bucket}" for bucket in buckets]
        elif resource != "*":
            region = "" if service in WORLD_WIDE else reach.region
            name = f"{NAMED_BY.get(service, '')}{bootstrap.name}"
            named = [f"arn:{reach.partition}:{service}:{region}:{reach.account}:{name}"]
        for one in named:
            found.setdefault(one, []).append(action)
    return found


def _stacks(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """Names of stacks."""
    for name in filter(None, (bootstrap.chosen.project, bootstrap.app_stack)):
        stack = stack_of(reach, name)
        if is_gone(stack) or stack is None:
            yield Check(what=f"Stack {name}", ok=True, told="The name is free.")
        elif stack["StackId"] == stack_id(bootstrap) and stack["StackStatus"] == PLANNED:
            yield Check(what=f"Stack {name}", ok=True, told="It is planned by this project.")
        elif stack["StackStatus"] in LEFTOVERS:
            yield Check(
                what=f"Stack {name}",
                ok=False,
                told=(
                    f"Somebody has planned one of this name ({PLANNED})."
                    if stack["StackStatus"] == PLANNED
                    else f"One is left from a creation that failed ({stack['StackStatus']})."
                ),
                cure="Delete it in CloudFormation, or choose another id for the project.",
            )
        else:
            yield Check(
                what=f"Stack {name}",
                ok=False,
                told=f"There is one already ({stack['StackStatus']}).",
                cure="Choose another id for the project.",
            )


def _bucket(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The artifact bucket's name."""
    name = bootstrap.chosen.bucket_name
    what = f"Bucket {name}"
    try:
        reach.call("s3:HeadBucket", Bucket=name)
    except ClientError as error:
        if http_status(error) == 404:
            yield Check(what=what, ok=True, told="The name is free, all over the world.")
            return
        if http_status(error) in (301, 400, 403):
            yield Check(
                what=what,
                ok=False,
                told="Another account has a bucket of this name, or we may not look.",
                cure=OTHER_BUCKET,
            )
            return
        raise
    yield Check(
        what=what, ok=False, told="This account has a bucket of this name.", cure=OTHER_BUCKET
    )


def _free(what: str, *, taken: bool) -> Check:
    if taken:
        return Check(what=what, ok=False, told="There is one already.", cure=WHOSE)
    return Check(what=what, ok=True, told="The name is free.")


def _repository(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The repository's name."""
    if not has_code(bootstrap):
        return
    name = bootstrap.chosen.repository_name
    yield _free(f"Repository {name}", taken=bool(repository_id(reach, name)))


def _pipeline(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The pipeline's name."""
    taken = pipeline_of(reach, bootstrap) is not None
    yield _free(f"Pipeline {bootstrap.name}", taken=taken)


def _connection(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The connection to GitHub."""
    chosen = bootstrap.chosen
    if chosen.source != "github":
        return
    if chosen.new_connection:
        yield Check(
            what="Connection to GitHub",
            ok=True,
            told="A new one is made. It stays pending until you complete it in AWS's console; the "
            "first execution fails until then and can be released again.",
        )
        return
    if not pushing.may_open(bootstrap.who, bootstrap):
        yield Check(
            what="Connection to GitHub",
            ok=False,
            told=pushing.NOT_OPENED.format(name=chosen.repository_name),
            cure="Have an administrator put the repository into a project of yours, or begin it "
            "themselves. Or have a new connection made, which somebody completes who may.",
        )
        return
    answer = reach.call("codeconnections:GetConnection", ConnectionArn=chosen.connection)
    status = str(answer["Connection"]["ConnectionStatus"])
    if status == "AVAILABLE":
        yield Check(what="Connection to GitHub", ok=True, told="It is available.")
    else:
        yield Check(
            what="Connection to GitHub",
            ok=False,
            told=f"It is {status.lower()}.",
            cure="Complete it in AWS's console (Developer Tools → Settings → Connections → Update "
            "pending connection), then look again.",
        )


def _network(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The network."""
    chosen = bootstrap.chosen
    if not chosen.subnets:
        return
    subnets = _subnets(reach, chosen)
    strangers = [one["SubnetId"] for one in subnets if one["VpcId"] != chosen.vpc]
    zones = {one["AvailabilityZone"] for one in subnets}
    if strangers:
        told = f"{', '.join(strangers)} lies in another VPC than {chosen.vpc}."
        yield Check(what="Network", ok=False, told=told, cure="Choose subnets of that VPC.")
    elif chosen.load_balanced and len(zones) < 2:
        told = "All subnets are in one availability zone; a load balancer needs two."
        yield Check(what="Network", ok=False, told=told, cure="Choose subnets in two zones.")
    else:
        yield Check(what="Network", ok=True, told=f"{len(zones)} availability zones.")


def _subnets(reach: Reach, chosen: Answers) -> Sequence[Mapping[str, Any]]:
    answer = reach.call("ec2:DescribeSubnets", SubnetIds=list(chosen.subnets))
    found: Sequence[Mapping[str, Any]] = answer["Subnets"]
    return found


def _instance_type(reach: Reach, bootstrap: Bootstrap) -> Iterator[Check]:
    """The type of instance.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
    """
    if bootstrap.template.target == LAMBDA:
        return
    chosen = bootstrap.chosen
    what = f"Instances of type {chosen.instance_type}"
    pages = reach.pages(
        "ec2:DescribeInstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [chosen.instance_type]}],
    )
    offered = {one["Location"] for page in pages for one in page["InstanceTypeOfferings"]}
    if not offered:
        yield Check(
            what=what,
            ok=False,
            told=f"AWS has none of this type in {reach.region}.",
            cure="Choose another type of instance under Network, like t3.micro.",
        )
        return
    if chosen.subnets:
        zones = {one["AvailabilityZone"] for one in _subnets(reach, chosen)}
        if not zones & offered:
            yield Check(
                what=what,
                ok=False,
                told=f"AWS has none of this type in {', '.join(sorted(zones))}.",
                cure=f"Choose another type, or subnets in {', '.join(sorted(offered))}.",
            )
            return
    yield Check(what=what, ok=True, told=f"AWS has them in {', '.join(sorted(offered))}.")


LOOKS: tuple[Look, ...] = (
    _permitted,
    _allowed,
    _stacks,
    _repository,
    _bucket,
    _pipeline,
    _connection,
    _network,
    _instance_type,
)
