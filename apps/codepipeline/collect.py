"""CodePipeline's collectors: which calls are made, and where reading may stop.

Knows boto3's answers and nothing of Django; `answers` reads them into records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from botocore.exceptions import PaginationError

from apps.aws.calls import Failed, Fed, Reach
from apps.mirror.ask import UNREAD, Ask, Continued, Covered, Ended, Parent, Vanished
from apps.mirror.provider import Health

from .answers import (
    action_record,
    described_execution_record,
    execution_record,
    pipeline_record,
    resolved_variables,
    stage_record,
    stamp_of,
)
from .records import ActionRecord, ExecutionRecord, PipelineRecord, StageRecord

Told = Continued | Covered | Ended | Vanished
PAGE = 100
# Of so many new executions of a pipeline at once the variables are asked for, the newest first.
NEWEST = 20


def pipelines(reach: Reach, ask: Ask) -> Iterator[PipelineRecord | Vanished]:
    """Every pipeline; definition and tags only where `updated` moved since they were read.

    ListPipelines (1,000 a page), then GetPipeline and ListTagsForResource for what is new or
    edited, and for those named by `ask.keys`: tags move no `updated`.
    """
    summaries = [
        summary
        for page in reach.pages("codepipeline:ListPipelines", maxResults=1000)
        for summary in page["pipelines"]
        if ask.keys is None or summary["name"] in ask.keys
    ]
    stale: list[Mapping[str, Any]] = []
    listed = {summary["name"] for summary in summaries}
    yield from (Vanished(key) for key in ask.keys or () if key not in listed)
    for summary in summaries:
        if ask.deep or ask.keys or ask.known.get(summary["name"]) != stamp_of(summary):
            stale.append(summary)
        else:
            yield pipeline_record(reach, summary)
    for summary, details in reach.each(stale, lambda item: _describe(reach, item["name"])):
        if isinstance(details, Failed):
            details = {}
        yield pipeline_record(reach, summary, **details)


def _describe(reach: Reach, name: str) -> dict[str, Any]:
    """Return GetPipeline's and ListTagsForResource's answers, without what failed."""
    answers = {
        "pipeline": reach.detail("codepipeline:GetPipeline", name=name),
        "tags": reach.detail(
            "codepipeline:ListTagsForResource", resourceArn=reach.arn("codepipeline", name)
        ),
    }
    return {key: answer for key, answer in answers.items() if answer is not None}


def stages(reach: Reach, ask: Ask) -> Iterator[StageRecord | Covered]:
    """The live state of each pipeline's stages: one GetPipelineState a pipeline.

    A PARALLEL pipeline answers without executions; its stages still tell their transitions.
    """

    def read(pipeline: Parent) -> Any:
        return reach.call("codepipeline:GetPipelineState", name=pipeline.key)

    for pipeline, answer in reach.each(ask.parents, read):
        if isinstance(answer, Failed) or "stageStates" not in answer:
            continue
        for position, stage in enumerate(answer["stageStates"]):
            yield stage_record(reach, pipeline, position, stage)
        yield Covered(pipeline.key)


def executions(reach: Reach, ask: Ask) -> Iterator[ExecutionRecord | Told]:
    """Executions of each pipeline, newest first, until a page holds only known, finished ones.

    Known unfinished ones that those pages did not show are read by GetPipelineExecution. So are
    new ones of the newest page where the pipeline has variables: the list does not tell them.
    """
    shown: dict[str, set[str]] = {}
    untold: dict[str, ExecutionRecord] = {}

    def records(pipeline: Parent, page: Mapping[str, Any]) -> list[ExecutionRecord]:
        known = ask.unfinished.get(pipeline.key, frozenset())
        found = [
            execution_record(pipeline.key, summary, known)
            for summary in page.get("pipelineExecutionSummaries", ())
        ]
        if pipeline.fields.get("variables") and pipeline.key not in shown:
            seen = known | ask.finished(record.key for record in found)
            new = [record for record in found if record.key not in seen]
            untold.update((record.key, record) for record in new[:NEWEST])
        shown.setdefault(pipeline.key, set()).update(record.key for record in found)
        return found

    for item in _newest_first(reach, ask, "codepipeline:ListPipelineExecutions", records):
        if not isinstance(item, ExecutionRecord) or item.key not in untold:
            yield item
    for record, answer in reach.each(
        untold.values(), lambda new: _execution(reach, new.parent, new.key)
    ):
        told = UNREAD if isinstance(answer, Failed) else resolved_variables(answer)
        yield replace(record, variables=told)
    unseen = [
        (parent, key)
        for parent, keys in ask.unfinished.items()
        if parent in shown
        for key in sorted(keys - shown[parent])
    ]
    for (parent, key), answer in reach.each(
        unseen,
        lambda item: _execution(reach, *item),
    ):
        if not isinstance(answer, Failed):
            yield described_execution_record(parent, answer["pipelineExecution"])
        elif answer.failure.health is Health.GONE:
            yield Vanished(key)


def _execution(reach: Reach, pipeline: str, key: str) -> Any:
    return reach.call(
        "codepipeline:GetPipelineExecution", pipelineName=pipeline, pipelineExecutionId=key
    )


def _newest_first(
    reach: Reach,
    ask: Ask,
    operation: str,
    records: Any,
    wanted: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Iterator[Any]:
    """Page through a history of each parent; stop where only known, finished rows are.

    A history that was never read to its end is read to there, one parent after the other rather
    than all at once: where time runs out, many are whole. `wanted` are keys by parent's key that
    must be shown before reading stops; those that a whole history does not show have vanished.
    """
    missing = {parent: set(keys) for parent, keys in wanted.items()}
    tokens: dict[str, set[str]] = {}
    pending: Fed[tuple[Parent, str | None]] = Fed((parent, None) for parent in ask.parents)

    def read(item: tuple[Parent, str | None]) -> Any:
        parent, token = item
        following = {"nextToken": token} if token else {}
        return reach.call(operation, pipelineName=parent.key, maxResults=PAGE, **following)

    for (parent, _), page in reach.each(pending, read):
        if isinstance(page, Failed):
            continue
        found = records(parent, page)
        yield from found
        keys = {record.key for record in found}
        left = missing.get(parent.key, set())
        left -= keys
        further = page.get("nextToken")
        if not further:
            yield from (Vanished(key) for key in sorted(left))
            yield Ended(parent.key)
            yield Covered(parent.key)
        elif not left and parent.key not in ask.unended and keys and keys <= ask.finished(keys):
            yield Covered(parent.key)
        elif further in tokens.setdefault(parent.key, set()):
            reach.failed(operation, PaginationError(message=f"{operation} turns in circles"))
        else:
            tokens[parent.key].add(further)
            yield Continued(parent.key)
            pending.feed((parent, further))


def actions(reach: Reach, ask: Ask) -> Iterator[ActionRecord | Told]:
    """Action executions of each pipeline, newest first, until only known, finished ones come.

    An action has no call of its own: known unfinished ones (an approval that waits for days) are
    looked for on further pages.
    """

    def records(pipeline: Parent, page: Mapping[str, Any]) -> list[ActionRecord]:
        return [
            action_record(reach, pipeline, detail)
            for detail in page.get("actionExecutionDetails", ())
        ]

    yield from _newest_first(
        reach, ask, "codepipeline:ListActionExecutions", records, ask.unfinished
    )
