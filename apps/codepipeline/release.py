"""Releases a change: starts a pipeline by hand, with variables and revisions of its own.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from apps.aws.calls import Reach
from apps.deeds.acts import ACTS, Act, Done, Moved, Untold
from apps.deeds.at_aws import AtAws, request_of
from apps.deeds.forms import ActForm
from apps.deeds.permits import caller_in
from apps.live.templatetags.live_tags import plain
from apps.mirror.masking import masked, named_masked, sounds_secret

from .begun import begun_by_us, made, rereading
from .discretion import DROPPED
from .models import Pipeline

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# AWS publishes no end of a clientRequestToken; after this long we look instead of sending again.
REPEATS = timedelta(minutes=4)
# Clocks differ, and AWS's tells when an execution began.
BEFORE = timedelta(seconds=30)
BEGUN = "The execution has begun."
# The type of a source's revision that may be given instead of its newest, by its provider; what is
# not here takes none. Pipelines of type V2 alone take any.
# https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html
REVISIONS = {
    "CodeCommit": "COMMIT_ID",
    "CodeStarSourceConnection": "COMMIT_ID",
    "GitHub": "COMMIT_ID",
    "S3": "S3_OBJECT_VERSION_ID",
    "ECR": "IMAGE_DIGEST",
}
ASKED = {
    "COMMIT_ID": "a commit's full SHA",
    "S3_OBJECT_VERSION_ID": "a version id of the object",
    "IMAGE_DIGEST": "an image digest, sha256:…",
}
SHAPES = {
    "COMMIT_ID": re.compile(r"[0-9a-f]{40}"),
    "S3_OBJECT_VERSION_ID": re.compile(r"[\x21-\x7e]{1,1024}"),
    "IMAGE_DIGEST": re.compile(r"sha256:[0-9a-f]{64}"),
}
LONGEST_VALUE = 1000
TO_BE_HIDDEN = (
    "It looks like a secret, which would be kept here and shown by AWS to everybody who may read "
    "the pipeline. Put it into Secrets Manager, and have the pipeline read it there."
)
VARIABLE, REVISION = "variable-", "revision-"


def sources_of(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """Yield the source actions whose revision may be chosen: (name, type of revision)."""
    if pipeline.pipeline_type != "V2":
        return
    for stage in pipeline.definition:
        for action in stage.get("actions", ()):
            if action.get("category") == "Source" and action.get("provider") in REVISIONS:
                yield action["name"], REVISIONS[action["provider"]]


def variables_of(pipeline: Pipeline) -> list[dict[str, str]]:
    """Return the variables that may be given a value here.

    What is named like a secret is not taken: it would be kept with the deed, and AWS shows it to
    everybody who may read the pipeline.
    """
    if pipeline.pipeline_type != "V2":
        return []
    return [one for one in pipeline.variables if one.get("value") != DROPPED]


class ReleaseForm(ActForm):
    """The pipeline's variables, and the revision of each source."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pipeline: Pipeline = self.row
        for variable in variables_of(pipeline):
            default, about = variable.get("value", ""), variable.get("description", "")
            told = f"Empty for its default, {plain(default)}." if default else ""
            self.fields[f"{VARIABLE}{variable['name']}"] = forms.CharField(
                label=f"Variable {variable['name']}",
                required=not default,
                max_length=LONGEST_VALUE,
                help_text=format_html("{} {}", plain(about), told),
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
                error_messages={"required": "It has no default: give it a value."},
            )
        for name, kind in sources_of(pipeline):
            self.fields[f"{REVISION}{name}"] = forms.CharField(
                label=f"Revision of {name}",
                required=False,
                max_length=1500,
                help_text=f"Empty for the newest; else {ASKED[kind]}.",
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )
        self.last("why")

    def clean(self) -> dict[str, Any]:
        """Raises ValidationError for a revision that can be none, and for what may be a secret."""
        super().clean()
        for name, value in [*_given(self.cleaned_data, VARIABLE)]:
            if sounds_secret(name) or named_masked(masked(value)) != value:
                self.add_error(f"{VARIABLE}{name}", ValidationError(TO_BE_HIDDEN))
        for name, kind in sources_of(self.row):
            field = f"{REVISION}{name}"
            value = str(self.cleaned_data.get(field, "")).strip()
            if value and not SHAPES[kind].fullmatch(value):
                self.add_error(field, ValidationError(f"Give {ASKED[kind]}, or nothing."))
        return self.cleaned_data

    def said(self) -> dict[str, Any]:
        """Return {variables: {name: value}, revisions: {action: value}} of what was given."""
        return {
            "variables": dict(_given(self.cleaned_data, VARIABLE)),
            "revisions": dict(_given(self.cleaned_data, REVISION)),
        }


def _given(told: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in told.items():
        if name.startswith(prefix) and str(value).strip():
            yield name.removeprefix(prefix), str(value).strip()


def _effect(pipeline: Pipeline, meant: Mapping[str, Any]) -> Iterator[str]:
    revisions = dict(_given(meant, REVISION))
    if revisions:
        told = ", ".join(f"{value[:12]} of {name}" for name, value in revisions.items())
        yield f"A new execution of {pipeline.key} begins with {told}."
    else:
        yield f"A new execution of {pipeline.key} begins with the newest revision of its source."
    first = [stage["name"] for stage in pipeline.definition]
    if first:
        yield f"It goes through {', '.join(first)}, as far as nothing holds it up."
    if pipeline.execution_mode == "SUPERSEDED":
        yield "An older execution that waits between two stages is superseded when it catches up."
    elif pipeline.execution_mode == "QUEUED":
        yield "It waits behind the executions that run already."


def _judges(reach: Reach, deed: "Deed", pipeline: Pipeline) -> Moved | None:
    """Whether the pipeline still has the structure that the person saw: each edit counts one up.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html
    """
    told = reach.call("codepipeline:GetPipeline", name=pipeline.key)["pipeline"]
    if (version := told.get("version")) != deed.seen.get("version"):
        return Moved(f"It was edited meanwhile (version {version}): look at it, then again.")
    return None


def _sends(reach: Reach, deed: "Deed", pipeline: Pipeline) -> Done:
    types = dict(sources_of(pipeline))
    given: dict[str, Any] = {}
    if variables := deed.said.get("variables"):
        given["variables"] = [{"name": name, "value": value} for name, value in variables.items()]
    if revisions := deed.said.get("revisions"):
        given["sourceRevisions"] = [
            {"actionName": name, "revisionType": types[name], "revisionValue": value}
            for name, value in revisions.items()
            if name in types
        ]
    answer = reach.call(
        "codepipeline:StartPipelineExecution",
        name=pipeline.key,
        clientRequestToken=str(deed.mark),
        **given,
    )
    return made(answer["pipelineExecutionId"], BEGUN, request_of(answer))


def _finds(reach: Reach, deed: "Deed", pipeline: Pipeline) -> Untold | None:
    """Look for what these credentials began since, which tells nothing of this deed.

    An execution bears neither the token of the request that began it nor a reason.
    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ExecutionTrigger.html
    """
    begun = deed.since
    page = reach.call("codepipeline:ListPipelineExecutions", pipelineName=pipeline.key)
    caller = caller_in(pipeline.scope)
    ours = [
        one["pipelineExecutionId"]
        for one in page["pipelineExecutionSummaries"]
        if one.get("startTime") is not None
        and one["startTime"] >= begun - BEFORE
        and one.get("trigger", {}).get("triggerType") == "StartPipelineExecution"
        and one["trigger"].get("triggerDetail") == caller
    ]
    return begun_by_us(ours)


ACTS.add(
    Act(
        name="codepipeline.release",
        kind="codepipeline.pipeline",
        label="Release change",
        group="Pipelines",
        icon="rocket",
        told="released a change of {what}",
        calls=("codepipeline:StartPipelineExecution",),
        offered=lambda pipeline: (
            None if pipeline.gone_at else "" if pipeline.definition else "Its stages are not read."
        ),
        form=ReleaseForm,
        effect=_effect,
        seen=lambda pipeline: {"version": pipeline.pipeline_version},
        doer=AtAws(judges=_judges, sends=_sends, finds=_finds, repeats=REPEATS),
        reread=rereading("stage", "execution"),
    )
)
