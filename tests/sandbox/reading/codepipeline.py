"""CodePipeline's."""

from . import Clients


def read(clients: Clients, account: str, region: str) -> None:
    pipelines = clients("codepipeline", account, region)
    for page in pipelines.get_paginator("list_pipelines").paginate():
        for name in [one["name"] for one in page["pipelines"]]:
            pipelines.get_pipeline(name=name)
            pipelines.get_pipeline_state(name=name)
            pipelines.list_tags_for_resource(
                resourceArn=f"arn:aws:codepipeline:{region}:{account}:{name}"
            )
            pipelines.list_action_executions(pipelineName=name, maxResults=100)
            listed = pipelines.list_pipeline_executions(pipelineName=name, maxResults=100)
            for run in listed["pipelineExecutionSummaries"][:2]:
                pipelines.get_pipeline_execution(
                    pipelineName=name, pipelineExecutionId=run["pipelineExecutionId"]
                )
