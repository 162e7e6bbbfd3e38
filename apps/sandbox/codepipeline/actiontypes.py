"""The action types that CodePipeline offers, as far as pipelines here use them."""

from __future__ import annotations

from apps.sandbox.codepipeline.definitions import invalid_token
from apps.sandbox.operations import Answer, Call, Params, operation

#: (category, owner, provider, input artifacts, output artifacts, required configuration).
_TYPES: tuple[tuple[str, str, str, tuple[int, int], tuple[int, int], tuple[str, ...]], ...] = (
    ("Source", "AWS", "CodeCommit", (0, 0), (1, 1), ("RepositoryName", "BranchName")),
    (
        "Source",
        "AWS",
        "CodeStarSourceConnection",
        (0, 0),
        (1, 1),
        ("ConnectionArn", "FullRepositoryId", "BranchName"),
    ),
    ("Source", "AWS", "S3", (0, 0), (1, 1), ("S3Bucket", "S3ObjectKey")),
    ("Source", "ThirdParty", "GitHub", (0, 0), (1, 1), ("Owner", "Repo", "Branch", "OAuthToken")),
    ("Build", "AWS", "CodeBuild", (1, 5), (0, 5), ("ProjectName",)),
    ("Test", "AWS", "CodeBuild", (1, 5), (0, 5), ("ProjectName",)),
    ("Approval", "AWS", "Manual", (0, 0), (0, 0), ()),
    ("Deploy", "AWS", "CodeDeploy", (1, 1), (0, 0), ("ApplicationName", "DeploymentGroupName")),
    ("Deploy", "AWS", "CloudFormation", (0, 10), (0, 1), ("ActionMode", "StackName")),
    ("Deploy", "AWS", "ElasticBeanstalk", (1, 1), (0, 0), ("ApplicationName", "EnvironmentName")),
    ("Deploy", "AWS", "ECS", (1, 1), (0, 0), ("ClusterName", "ServiceName")),
    ("Deploy", "AWS", "S3", (1, 1), (0, 0), ("BucketName", "Extract")),
    ("Invoke", "AWS", "Lambda", (0, 5), (0, 5), ("FunctionName",)),
    ("Invoke", "AWS", "StepFunctions", (0, 1), (0, 1), ("StateMachineArn",)),
    ("Build", "Custom", "Jenkins", (0, 5), (0, 5), ("ProjectName",)),
)


@operation("codepipeline", "ListActionTypes")
def list_action_types(_call: Call, params: Params) -> Answer:
    """All action types on one page, of one owner when filtered."""
    if params.get("nextToken"):
        raise invalid_token()
    owner = params.get("actionOwnerFilter")
    return {
        "actionTypes": [
            {
                "id": {"category": category, "owner": by, "provider": provider, "version": "1"},
                "actionConfigurationProperties": [
                    {"name": name, "required": True, "key": True, "secret": name == "OAuthToken"}
                    for name in required
                ],
                "inputArtifactDetails": {"minimumCount": takes[0], "maximumCount": takes[1]},
                "outputArtifactDetails": {"minimumCount": gives[0], "maximumCount": gives[1]},
            }
            for category, by, provider, takes, gives, required in _TYPES
            if owner in (None, by)
        ]
    }
