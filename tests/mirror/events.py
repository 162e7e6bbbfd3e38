"""EventBridge envelopes in the shape AWS publishes them.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html
"""

import json
from typing import Any

ACCOUNT = "111122223333"
REGION = "eu-west-1"


def envelope(source: str, detail_type: str, detail: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "01234567-0123-0123-0123-012345678901",
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-01-05T09:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
        **more,
    }


def pipeline_event(pipeline: str, what: str = "Pipeline", state: str = "STARTED") -> dict[str, Any]:
    """`what` is Pipeline, Stage or Action."""
    detail: dict[str, Any] = {
        "pipeline": pipeline,
        "version": 1.0,
        "state": state,
        "execution-id": "01234567-0123-0123-0123-012345678901",
        "start-time": "2026-01-05T09:00:00.123Z",
    }
    if what == "Pipeline":
        detail["execution-trigger"] = {"trigger-type": "StartPipelineExecution"}
    else:
        detail["stage"] = "Build"
    if what == "Action":
        detail |= {
            "action": "Compile",
            "region": REGION,
            "type": {"owner": "AWS", "provider": "CodeBuild", "category": "Build", "version": "1"},
        }
    return envelope("aws.codepipeline", f"CodePipeline {what} Execution State Change", detail)


def build_event(build: str, what: str = "State") -> dict[str, Any]:
    """`what` is State or Phase; `build` is "project:uuid"."""
    detail = {
        "build-id": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{build}",
        "project-name": build.partition(":")[0],
        "additional-information": {
            "build-start-time": "Sep 1, 2017 4:12:29 PM",
            "build-complete": True,
        },
        "version": "1",
    }
    if what == "State":
        detail |= {"build-status": "SUCCEEDED", "current-phase": "COMPLETED"}
    else:
        detail |= {"completed-phase": "BUILD", "completed-phase-status": "SUCCEEDED"}
    return envelope("aws.codebuild", f"CodeBuild Build {what} Change", detail)


def by_sns(event: dict[str, Any]) -> str:
    """The body of an SQS message whose queue hears a topic."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:pipeline-events",
            "Message": json.dumps(event),
            "Timestamp": "2026-01-05T09:00:01.000Z",
            "SignatureVersion": "1",
        }
    )
