"""Which actions start or take something that is mirrored here, and the ARN of that; no Django.

One line of `STARTERS` a provider: its kind, the service its ARN names, and how its name is made.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.aws.calls import Reach
from apps.mirror.ask import LinkTo

COMMIT = re.compile("[0-9a-f]{40}")
REQUEST = re.compile("[0-9a-fA-F-]{36}")
# (external id, configuration) -> the part of an ARN behind the account, "" where none is told.
Name = Callable[[str, Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Starter:
    """What actions of a provider start.

    kind     as its app declares it; its `arn` column holds what is made here.
    service  the service in its ARN; "" where `name` is the whole of it (AWS's own id, or an ARN).
    name     where the external id does not name it, the configuration does; see `Name`.
    relation what the action does with it. What it "runs" says why the action failed, and what
             becomes of it shows on the action's page.
    lasts    whether it outlives what is done to it (a stack, a service). Then what becomes of it
             later is no news of the actions that are over, however many there were.
    """

    kind: str
    service: str
    name: Name
    relation: str = "runs"
    lasts: bool = False


def _build(external_id: str, _: Mapping[str, Any]) -> str:
    return f"build/{external_id}" if ":" in external_id else ""


def _deployment(external_id: str, _: Mapping[str, Any]) -> str:
    return external_id if external_id.startswith("d-") else ""


def _environment(_: str, configuration: Mapping[str, Any]) -> str:
    # The external id is the version's label, which lives in the application.
    names = (configuration.get("ApplicationName"), configuration.get("EnvironmentName"))
    return f"environment/{names[0]}/{names[1]}" if all(names) else ""


def _stack(external_id: str, _: Mapping[str, Any]) -> str:
    return external_id if ":stack/" in external_id else ""


def _service(_: str, configuration: Mapping[str, Any]) -> str:
    # The external id is ECS's own of the deployment, and no part of any ARN. Either may be an ARN.
    names = [
        str(configuration.get(name) or "").rpartition("/")[2]
        for name in ("ClusterName", "ServiceName")
    ]
    return f"service/{'/'.join(names)}" if all(names) else ""


def _function(_: str, configuration: Mapping[str, Any]) -> str:
    name = str(configuration.get("FunctionName") or "")
    return f"function:{name}" if name else ""


def _commit(external_id: str, configuration: Mapping[str, Any]) -> str:
    name = str(configuration.get("RepositoryName") or "")
    return f"{name}#{external_id}" if name and COMMIT.fullmatch(external_id) else ""


def _github_commit(external_id: str, configuration: Mapping[str, Any]) -> str:
    """Return a commit as GitHub's are named here; its names are the same in any case."""
    names = (configuration.get("Owner"), configuration.get("Repo"))
    name = str(configuration.get("FullRepositoryId") or "") or (
        f"{names[0]}/{names[1]}" if all(names) else ""
    )
    return f"{name.lower()}#{external_id}" if name and COMMIT.fullmatch(external_id) else ""


# By owner and provider: a provider of one's own may be called CodeBuild too; its ids are nobody's.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/integrations-action-type.html
STARTERS: Mapping[tuple[str, str], Starter] = {
    ("AWS", "CloudFormation"): Starter("cloudformation.stack", "", _stack, lasts=True),
    ("AWS", "CodeBuild"): Starter("codebuild.build", "codebuild", _build),
    ("AWS", "CodeCommit"): Starter("codecommit.commit", "codecommit", _commit, relation="takes"),
    ("AWS", "CodeDeploy"): Starter("codedeploy.deployment", "", _deployment),
    ("AWS", "CodeDeployToECS"): Starter("codedeploy.deployment", "", _deployment),
    ("AWS", "ECS"): Starter("ecs.service", "ecs", _service, lasts=True),
    ("AWS", "Lambda"): Starter("awslambda.function", "lambda", _function, lasts=True),
    # A connection may lead to Bitbucket or GitLab, too: whose names are mirrored nowhere.
    ("AWS", "CodeStarSourceConnection"): Starter(
        "github.commit", "", _github_commit, relation="takes"
    ),
    ("ThirdParty", "GitHub"): Starter("github.commit", "", _github_commit, relation="takes"),
    ("AWS", "ElasticBeanstalk"): Starter(
        "beanstalk.environment", "elasticbeanstalk", _environment, lasts=True
    ),
}


def started(
    reach: Reach, action: Mapping[str, Any], external_id: str, *, over: bool = False
) -> LinkTo | None:
    """Return the link from an action to what it started or took, None for nothing of ours.

    action  {owner, provider, region, role_arn, configuration}, as it is defined or as it ran.
    over    whether it is history: a run that ended owns nothing that outlives it. A stage, which
            is the picture of today, does.
    """
    starter = STARTERS.get((str(action.get("owner")), str(action.get("provider"))))
    if starter is None or not external_id:
        return None
    name = starter.name(external_id, action.get("configuration") or {})
    # A variable that nothing has been put in place of yet names nothing.
    if not name or "#{" in name:
        return None
    owning = starter.relation == "runs" and not (over and starter.lasts)
    if not starter.service:
        return LinkTo(starter.relation, starter.kind, name, owning=owning)
    region = action.get("region") or reach.region
    # An action with a role of another account runs there.
    role = str(action.get("role_arn") or "").split(":")
    account = role[4] if len(role) > 5 and role[4] else reach.account
    arn = f"arn:{reach.partition}:{starter.service}:{region}:{account}:{name}"
    return LinkTo(starter.relation, starter.kind, arn, owning=owning)


def invocation(link: LinkTo | None, external_id: str) -> LinkTo | None:
    """Return the link to the invocation that a failed action began, None where it ran no function.

    The external id is the request's: its log says why the action failed, even where it is read
    after the action was over.
    """
    if link is None or link.to_kind != "awslambda.function" or not REQUEST.fullmatch(external_id):
        return None
    return LinkTo(link.relation, "awslambda.failure", f"{link.to}/{external_id}", owning=True)
