"""Addresses of CodePipeline's pages in AWS's console; pure functions."""

from apps.aws.console import console, part


def pipeline_url(region: str, name: str) -> str:
    """A pipeline's page."""
    return console(
        region, f"codesuite/codepipeline/pipelines/{part(name)}/view?region={part(region)}"
    )


def execution_url(region: str, pipeline: str, execution_id: str) -> str:
    """The page of one execution of a pipeline."""
    return console(
        region,
        f"codesuite/codepipeline/pipelines/{part(pipeline)}/executions/{part(execution_id)}"
        f"/timeline?region={part(region)}",
    )
