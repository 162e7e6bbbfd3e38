"""CodePipeline's operations on definitions and tags."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import engine
from apps.sandbox.codepipeline.model import KEPT_VERSIONS, Declaration, Pipeline, PipelineStore
from apps.sandbox.control import COUNTERS
from apps.sandbox.operations import (
    TRAITS,
    Answer,
    AwsError,
    Call,
    Params,
    Traits,
    operation,
    paginate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.sandbox.world import Place

COUNTERS["pipelines"] = lambda place: len(place.of(PipelineStore).pipelines)
COUNTERS["executions_in_progress"] = lambda place: sum(
    execution.running
    for p in place.of(PipelineStore).pipelines.values()
    for execution in p.executions
)


def _resources(where: str, members: Params) -> list[str]:
    if "resourceArn" in members:
        return [str(members["resourceArn"])]
    name = (
        members.get("pipelineName")
        or members.get("name")
        or members.get("pipeline", {}).get("name", "*")
    )
    below = [members[part] for part in ("stageName", "actionName") if part in members]
    return [where + "/".join([str(name), *map(str, below)])]


TRAITS["codepipeline"] = Traits(bad_page="InvalidNextTokenException", resources=_resources)


def find(call: Call, name: str) -> Pipeline:
    """The pipeline, or AWS's PipelineNotFoundException."""
    pipeline = call.place.of(PipelineStore).pipelines.get(name)
    if pipeline is None:
        raise AwsError(
            "PipelineNotFoundException",
            f"Account '{call.account}' does not have a pipeline with name '{name}'",
        )
    return pipeline


def invalid_token() -> AwsError:
    """What CodePipeline answers to a next token it did not give."""
    return AwsError("InvalidNextTokenException", "The next token is not valid.")


def make_pipeline(place: Place, declaration: Declaration, tags: dict[str, str]) -> Pipeline:
    """Put a new pipeline into the place's store; raises AwsError for what AWS would refuse."""
    definition = _defaulted(declaration)
    judge(definition)
    now = place.world.now()
    definition["version"] = 1
    pipeline = Pipeline(place, definition, now, now, versions={1: definition}, tags=dict(tags))
    place.of(PipelineStore).pipelines[pipeline.name] = pipeline
    return pipeline


def _defaulted(declaration: Declaration) -> Declaration:
    definition = copy.deepcopy(declaration)
    definition.setdefault("pipelineType", "V1")
    definition.setdefault("executionMode", "SUPERSEDED")
    for stage in definition["stages"]:
        for action in stage["actions"]:
            action.setdefault("runOrder", 1)
            action.setdefault("configuration", {})
            action.setdefault("inputArtifacts", [])
            action.setdefault("outputArtifacts", [])
    return definition


def judge(definition: Declaration) -> None:
    """Raise AWS's complaint about a structure that cannot run."""
    for code, wrong in (*_structure_complaints(definition), *_stage_complaints(definition)):
        raise AwsError(code, wrong)


def _structure_complaints(definition: Declaration) -> Iterator[tuple[str, str]]:
    code, stages = "InvalidStructureException", definition["stages"]
    if len(stages) < 2:
        yield (
            code,
            f"Pipeline has only {len(stages)} stage(s). "
            "There should be a minimum of 2 stages in a pipeline",
        )
    names = [stage["name"] for stage in stages]
    if len(set(names)) != len(names):
        yield "InvalidStageDeclarationException", "Stage name must be unique within a pipeline"
    if definition["pipelineType"] == "V1":
        if definition.get("triggers") or definition.get("variables"):
            yield code, "Triggers and variables can only be used in pipelines of type V2"
        if definition["executionMode"] != "SUPERSEDED":
            mode = definition["executionMode"]
            yield code, f"Execution mode {mode} needs a pipeline of type V2"
    if bool(definition.get("artifactStore")) == bool(definition.get("artifactStores")):
        yield code, "Provide either artifactStore or artifactStores, and not both"


def _stage_complaints(definition: Declaration) -> Iterator[tuple[str, str]]:
    made: set[str] = set()
    for index, stage in enumerate(definition["stages"]):
        actions = stage["actions"]
        if not actions:
            yield "InvalidStageDeclarationException", f"Stage {stage['name']} has no actions"
        where = "first stage may only" if index == 0 else "later stages may not"
        for action in actions:
            if (action["actionTypeId"]["category"] == "Source") != (index == 0):
                yield (
                    "InvalidStructureException",
                    f"Action {action['name']}: the {where} contain source actions",
                )
        code = "InvalidActionDeclarationException"
        if len({action["name"] for action in actions}) != len(actions):
            yield code, f"Action names are not unique in stage {stage['name']}"
        made.update(given["name"] for action in actions for given in action["outputArtifacts"])
        taken = {taken["name"] for action in actions for taken in action["inputArtifacts"]}
        for artifact in sorted(taken - made):
            yield code, f"Input artifact {artifact} is not put out by any earlier action"


@operation("codepipeline", "ListPipelines")
def list_pipelines(call: Call, params: Params) -> Answer:
    """Names, versions and definition times; 1,000 a page."""
    pipelines = sorted(call.place.of(PipelineStore).pipelines.values(), key=lambda p: p.name)
    page, token = paginate(
        call,
        pipelines,
        lambda pipeline: pipeline.name,
        size=params.get("maxResults", 1000),
        token=params.get("nextToken"),
        error=invalid_token,
    )
    return {
        "pipelines": [
            {
                "name": pipeline.name,
                "version": pipeline.version,
                "pipelineType": pipeline.definition["pipelineType"],
                "executionMode": pipeline.mode,
                "created": pipeline.created,
                "updated": pipeline.updated,
            }
            for pipeline in page
        ],
        "nextToken": token,
    }


@operation("codepipeline", "GetPipeline")
def get_pipeline(call: Call, params: Params) -> Answer:
    """The definition, in its newest or a named version."""
    pipeline = find(call, params["name"])
    version = params.get("version", pipeline.version)
    definition = pipeline.versions.get(version)
    if definition is None:
        raise AwsError(
            "PipelineVersionNotFoundException",
            f"Version {version} of pipeline {pipeline.name} does not exist",
        )
    return {
        "pipeline": definition,
        "metadata": {
            "pipelineArn": pipeline.arn,
            "created": pipeline.created,
            "updated": pipeline.updated,
        },
    }


@operation("codepipeline", "CreatePipeline")
def create_pipeline(call: Call, params: Params) -> Answer:
    """Make a pipeline; as at AWS it runs once at once, trigger CreatePipeline."""
    declaration = params["pipeline"]
    if declaration["name"] in call.place.of(PipelineStore).pipelines:
        raise AwsError(
            "PipelineNameInUseException",
            f"A pipeline with the name '{declaration['name']}' already exists",
        )
    tags = {tag["key"]: tag["value"] for tag in params.get("tags", [])}
    pipeline = make_pipeline(call.place, declaration, tags)
    engine.start(pipeline, "CreatePipeline", call.caller.arn)
    return {"pipeline": pipeline.definition, "tags": params.get("tags", [])}


@operation("codepipeline", "UpdatePipeline")
def update_pipeline(call: Call, params: Params) -> Answer:
    """Make a new version of the definition; running executions keep theirs, and none is started."""
    declaration = params["pipeline"]
    pipeline = find(call, declaration["name"])
    definition = _defaulted(declaration)
    judge(definition)
    definition["version"] = pipeline.version + 1
    pipeline.definition = definition
    pipeline.versions[pipeline.version] = definition
    pipeline.versions.pop(pipeline.version - KEPT_VERSIONS, None)
    pipeline.updated = call.world.now()
    return {"pipeline": definition}


@operation("codepipeline", "DeletePipeline")
def delete_pipeline(call: Call, params: Params) -> Answer:
    """Delete a pipeline with all that runs in it. A missing one is no error."""
    pipeline = call.place.of(PipelineStore).pipelines.pop(params["name"], None)
    if pipeline is not None:
        pipeline.deleted = True
        for execution in pipeline.executions:
            for run in execution.runs:
                for timer in run.timers:
                    timer.cancel()
    return {}


def _by_arn(call: Call, arn: str) -> Pipeline:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "codepipeline"]:
        raise AwsError("InvalidArnException", f"Invalid ARN: {arn}")
    pipeline = call.place.of(PipelineStore).pipelines.get(parts[5])
    if pipeline is None or pipeline.arn != arn:
        raise AwsError("ResourceNotFoundException", f"The resource with ARN {arn} does not exist")
    return pipeline


@operation("codepipeline", "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> Answer:
    """A pipeline's tags."""
    pipeline = _by_arn(call, params["resourceArn"])
    tags = sorted(pipeline.tags.items())
    page, token = paginate(
        call,
        tags,
        lambda tag: tag[0],
        size=params.get("maxResults", 100),
        token=params.get("nextToken"),
        error=invalid_token,
        scope=pipeline.name,
    )
    return {"tags": [{"key": key, "value": value} for key, value in page], "nextToken": token}


@operation("codepipeline", "TagResource")
def tag_resource(call: Call, params: Params) -> Answer:
    """Add or replace tags; 50 at most."""
    pipeline = _by_arn(call, params["resourceArn"])
    tags = {**pipeline.tags, **{tag["key"]: tag["value"] for tag in params["tags"]}}
    if len(tags) > 50:
        raise AwsError("TooManyTagsException", "A pipeline can have at most 50 tags")
    pipeline.tags = tags
    return {}


@operation("codepipeline", "UntagResource")
def untag_resource(call: Call, params: Params) -> Answer:
    """Remove tags by key."""
    pipeline = _by_arn(call, params["resourceArn"])
    pipeline.tags = {
        key: value for key, value in pipeline.tags.items() if key not in params["tagKeys"]
    }
    return {}
