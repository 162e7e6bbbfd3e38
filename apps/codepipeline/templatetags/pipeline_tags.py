"""Says in words what CodePipeline writes as ARNs and codes."""

import json
from types import SimpleNamespace
from typing import Any

from django import template

from apps.codepipeline.board import EXECUTION_ID
from apps.codepipeline.console import execution_url, pipeline_url
from apps.codepipeline.models import Execution, Pipeline
from apps.live.templatetags.live_tags import plain

register = template.Library()

# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ExecutionTrigger.html
TRIGGERS = {
    "CreatePipeline": "Pipeline created",
    "StartPipelineExecution": "Started",
    "PollForSourceChanges": "Polling",
    "Webhook": "Push",
    "WebhookV2": "Push",
    "CloudWatchEvent": "Event",
    "PutActionRevision": "New revision",
    "ManualRollback": "Rollback",
    "AutomatedRollback": "Automatic rollback",
}
MODES = {
    "SUPERSEDED": "a newer execution overtakes one that waits",
    "QUEUED": "executions wait in line, first come first served",
    "PARALLEL": "executions run side by side, independent of each other",
}


@register.filter
def who(arn: Any) -> str:
    """The telling end of an ARN (the user, the session of an assumed role); other text as it is."""
    text = plain(arn)
    if not text.startswith("arn:"):
        return text
    resource = text.split(":", 5)[-1]
    return resource.rpartition("/")[2] or resource


@register.filter
def said(summary: Any) -> str:
    """An action's summary; a source through a connection packs its commit message into JSON."""
    text = plain(summary)
    if text.startswith("{"):
        try:
            packed = json.loads(text)
        except (ValueError, RecursionError):
            # What was cut off in its middle, or is nested to do harm, is told as it came.
            return text
        if isinstance(packed, dict) and packed.get("CommitMessage"):
            return plain(packed["CommitMessage"])
    return text


@register.filter
def short_ids(text: Any) -> str:
    """A sentence of AWS's with each execution's id cut as short as pages show it."""
    return EXECUTION_ID.sub(lambda found: found[0][:8], str(text or ""))


@register.simple_tag
def trigger(execution: Execution) -> str:
    """What started an execution, in a few words: "Push", "Started by release-manager"."""
    kind = execution.trigger_type
    words = TRIGGERS.get(kind) or kind
    if kind in ("StartPipelineExecution", "ManualRollback") and execution.trigger_detail:
        return f"{words} by {who(execution.trigger_detail)}"
    return words


@register.filter
def mode_in_words(mode: str) -> str:
    """What an execution mode means."""
    return MODES.get(mode, "")


@register.simple_tag
def pipeline_console(pipeline: Pipeline) -> str:
    """The pipeline in AWS's console."""
    return pipeline_url(pipeline.scope.region, pipeline.key)


@register.simple_tag
def execution_console(execution: Execution, pipeline: Pipeline) -> str:
    """The execution in AWS's console."""
    return execution_url(pipeline.scope.region, pipeline.key, execution.key)


@register.filter
def state_words(segments: Any) -> str:
    """A strip read aloud: "Source succeeded, Build failed"."""
    words = {
        "done": "succeeded",
        "moving": "in progress",
        "waiting": "waits for approval",
        "failed": "failed",
        "stopped": "stopped",
        "unknown": "unknown",
        "": "not run yet",
    }
    return ", ".join(
        f"{segment.name} {words.get(segment.state, 'unknown')}"
        + ("" if segment.current else " before")
        + (", its transition is disabled" if segment.shut else "")
        for segment in segments
    )


# What GetPipeline says of pull requests, as people say it.
EVENTS = {"OPEN": "opened", "UPDATED": "updated", "CLOSED": "closed"}


@register.filter
def rules(git: Any) -> list[str]:
    """When a trigger's Git configuration starts the pipeline, a sentence's end for each filter.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GitConfiguration.html
    """
    told = ["on push" + _patterns(push) for push in _filters(git, "push")]
    for pull in _filters(git, "pullRequest"):
        events = ", ".join(EVENTS.get(str(event), str(event)) for event in pull.get("events") or ())
        told.append("on pull requests" + (f" {events}" if events else "") + _patterns(pull))
    return told


def _filters(git: Any, name: str) -> list[dict[str, Any]]:
    found = git.get(name) if isinstance(git, dict) else None
    return [one for one in found or () if isinstance(one, dict)]


def _patterns(one: dict[str, Any]) -> str:
    """Which branches, tags and files a filter takes, and which it leaves out."""
    told = ""
    for name, word, everything in (
        ("branches", "to", "any branch"),
        ("tags", "of tags", "any"),
        ("filePaths", "in", "any file"),
    ):
        patterns = one.get(name) or {}
        includes = ", ".join(patterns.get("includes") or ())
        excludes = ", ".join(patterns.get("excludes") or ())
        if includes or excludes:
            told += f" {word} {includes or everything}"
        if excludes:
            told += f" but not {excludes}"
    return told


@register.filter
def state_words_of(strip: Any) -> str:
    """The same of a strip whose segments are mappings."""
    return state_words(SimpleNamespace(**segment) for segment in strip)
