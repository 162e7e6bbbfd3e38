"""The pieces of pages that picture pipelines and executions; see apps.live.fragment."""

from functools import partial

from apps.live.fragment import FRAGMENTS

from . import load, rows

_of_pipeline = partial(FRAGMENTS.picture, "codepipeline.pipeline")
_of_execution = partial(FRAGMENTS.picture, "codepipeline.execution")

PIPELINE_ROW = _of_pipeline("pipeline-row", "pipelines.html#row", rows.pipeline_row)
PIPELINE_HEAD = _of_pipeline("pipeline-head", "pipeline.html#head", load.pipeline_head)
PIPELINE_BOARD = _of_pipeline("pipeline-board", "pipeline.html#board", load.pipeline_board)
PIPELINE_RECENT = _of_pipeline("pipeline-recent", "pipeline.html#recent", load.pipeline_recent)
PIPELINE_DEFINITION = _of_pipeline(
    "pipeline-definition", "definition.html#definition", load.pipeline_head
)
PIPELINE_EXECUTIONS = _of_pipeline(
    "pipeline-executions", "executions.html#newest", load.pipeline_executions
)
EXECUTION_ROW = _of_execution("execution-row", "executions.html#row", load.execution_row)
EXECUTION_DETAIL = _of_execution("execution-detail", "execution.html#detail", load.execution_detail)
