"""What a pipeline's definition says it takes, builds with and deploys to; no Django.

It is known before the pipeline ever ran, and of a stage that somebody switched off.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.mirror.ties import REPOSITORY, Tie, place_of

VARIABLE = re.compile(r"#\{[^}]*\}")
NOTHING = re.compile(r"(^|[:/])\*(/|$)")
UNTOLD = "*"
STACK = "cloudformation.stack"
# configuration -> the part of an ARN behind the account, "" where none is told.
Name = Callable[[Mapping[str, str]], str]


def _one(prefix: str, member: str, suffix: str = "") -> Name:
    def name(told: Mapping[str, str]) -> str:
        value = told.get(member, "").rpartition(":function:")[2]
        return f"{prefix}{value}{suffix}" if value else ""

    return name


def _group(told: Mapping[str, str]) -> str:
    names = told.get("ApplicationName"), told.get("DeploymentGroupName")
    return f"deploymentgroup:{names[0]}/{names[1]}" if all(names) else ""


def _environment(told: Mapping[str, str]) -> str:
    names = told.get("ApplicationName"), told.get("EnvironmentName")
    return f"environment/{names[0]}/{names[1]}" if all(names) else ""


def _service(told: Mapping[str, str]) -> str:
    names = [told.get(one, "").rpartition("/")[2] for one in ("ClusterName", "ServiceName")]
    return f"service/{'/'.join(names)}" if all(names) else ""


def _stack(told: Mapping[str, str]) -> str:
    name = told.get("StackName", "")
    return f"stack/{name}/*" if name and not name.startswith("arn:") else ""


# (provider) -> (relation, kind, service in the ARN, name) of AWS's own actions.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/integrations-action-type.html
NAMED: Mapping[str, tuple[str, str, str, Name]] = {
    "CloudFormation": ("deploys", STACK, "cloudformation", _stack),
    "CodeBuild": ("builds with", "codebuild.project", "codebuild", _one("project/", "ProjectName")),
    "CodeCommit": ("takes", "codecommit.repository", "codecommit", _one("", "RepositoryName")),
    "CodeDeploy": ("deploys by", "codedeploy.deploymentgroup", "codedeploy", _group),
    "CodeDeployToECS": ("deploys by", "codedeploy.deploymentgroup", "codedeploy", _group),
    "ECS": ("deploys", "ecs.service", "ecs", _service),
    "ElasticBeanstalk": (
        "deploys",
        "beanstalk.environment",
        "elasticbeanstalk",
        _environment,
    ),
    "Lambda": ("invokes", "awslambda.function", "lambda", _one("function:", "FunctionName")),
}


def ties_of(arn: str, definition: Any) -> Iterator[Tie]:
    """Yield what a pipeline names. Of several sources the first is its own, the rest it "uses"."""
    own = True
    for stage in definition or ():
        for action in stage.get("actions") or ():
            tie = _of_action(arn, action, f"stage {stage.get('name', '')}")
            if tie is None:
                continue
            if tie.relation == "takes":
                yield tie if own else Tie("uses", tie.to_kind, tie.to, tie.detail)
                own = False
            else:
                yield tie


def _of_action(arn: str, action: Mapping[str, Any], detail: str) -> Tie | None:
    told = {name: str(value) for name, value in (action.get("configuration") or {}).items()}
    provider = str(action.get("provider") or "")
    outside = _repository(str(action.get("category") or ""), provider, told)
    if outside:
        return Tie("takes", REPOSITORY, outside, detail)
    found = NAMED.get(provider) if action.get("owner") == "AWS" else None
    if found is None:
        return None
    relation, kind, service, name_of = found
    name = name_of(told)
    # What a variable stands for is told when the pipeline runs: until then anything fits there. A
    # name that is nothing else, or leaves more than that open, is none.
    if "#{" in name:
        name = "" if UNTOLD in name else VARIABLE.sub(UNTOLD, name, count=1)
    if not name or "#{" in name or (UNTOLD in name and NOTHING.search(name) and kind != STACK):
        return None
    partition, region, account = place_of(arn)
    _, _, elsewhere = place_of(str(action.get("role_arn") or ""))
    where = f"{action.get('region') or region}:{elsewhere or account}"
    return Tie(relation, kind, f"arn:{partition}:{service}:{where}:{name}", detail)


def _repository(category: str, provider: str, told: Mapping[str, str]) -> str:
    """Return "owner/name" of a source outside AWS: a connection, or GitHub's first action."""
    if category != "Source":
        return ""
    if provider == "CodeStarSourceConnection":
        return told.get("FullRepositoryId", "").lower()
    if provider == "GitHub" and told.get("Owner") and told.get("Repo"):
        return f"{told['Owner']}/{told['Repo']}".lower()
    return ""
