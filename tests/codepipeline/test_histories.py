"""What was read of a history stays: edits, wrapped messages, and what only one call tells."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.codepipeline.answers import message_in
from apps.codepipeline.board import execution_board
from apps.codepipeline.models import Action, Execution
from apps.codepipeline.records import ActionRecord, ExecutionRecord
from apps.mirror.ask import UNREAD, Ask, Covered
from apps.mirror.models import Change
from tests.codepipeline.reading import collect, parent, sweep
from tests.factories import make_action, make_execution, make_pipeline, stage_definition
from tests.flight import Fault, Flight

RUNS = "codepipeline:ListPipelineExecutions"
RUN = "codepipeline:GetPipelineExecution"
ACTIONS = "codepipeline:ListActionExecutions"
VARIABLES = [{"name": "CANARY", "value": "10", "description": ""}]


# --- Messages -------------------------------------------------------------------------------------


def test_a_wrapped_commit_message_is_unwrapped_once_and_for_all():
    wrapped = json.dumps({"ProviderType": "GitHub", "CommitMessage": "Fix the tax"})
    assert message_in(wrapped) == ("Fix the tax", "GitHub")
    assert message_in("Fix the tax") == ("Fix the tax", "")


@pytest.mark.parametrize(
    "summary",
    [
        '{"a":' + "[" * 2040,
        '{"CommitMessage":' + "[" * 900 + "]" * 900 + "}",
        '{"CommitMessage": null}',
        "{not json",
        "{}",
        '{"CommitMessage": 7}',
    ],
)
def test_whatever_else_a_worker_writes_is_kept_as_it_is(summary: str):
    assert message_in(summary) == (summary, "")


def test_stages_and_actions_keep_the_message_alone():
    wrapped = json.dumps({"ProviderType": "GitHub", "CommitMessage": "Fix the tax"})
    latest = {"status": "Succeeded", "summary": wrapped}
    state = {
        "stageStates": [
            {
                "stageName": "Source",
                "actionStates": [{"actionName": "GitHub", "latestExecution": latest}],
            }
        ]
    }
    ran = action("a1", version=1)
    ran["output"] = {"executionResult": {"externalExecutionSummary": wrapped}}
    flight = Flight().on("codepipeline:GetPipelineState", state)
    flight.on(ACTIONS, {"actionExecutionDetails": [ran]})
    ask = Ask(parents=(parent(),))
    stage = collect("codepipeline.stage", flight.reach(), ask)[0]
    assert stage.actions[0]["summary"] == "Fix the tax"
    assert collect("codepipeline.action", flight.reach(), ask)[0].summary == "Fix the tax"


# --- Edited definitions ---------------------------------------------------------------------------


def action(key: str, version: int, category: str = "Build") -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": "Manual", "version": "1"}
    return {
        "pipelineExecutionId": "e1",
        "actionExecutionId": key,
        "pipelineVersion": version,
        "stageName": "Build",
        "actionName": "Compile",
        "status": "InProgress",
        "startTime": 1767603600.0,
        "input": {"actionTypeId": kind},
    }


def read(version: int, category: str = "Build") -> ActionRecord:
    """An action that ran by this version, where version 4 is the one that was read last."""
    defined = {"name": "Compile", "run_order": 3, "region": "us-east-1", "timeout_minutes": 60}
    ask = Ask(parents=(parent(definition=[stage_definition("Build", defined)], version=4),))
    flight = Flight().on(ACTIONS, {"actionExecutionDetails": [action("a1", version, category)]})
    found = collect("codepipeline.action", flight.reach(), ask)[0]
    assert isinstance(found, ActionRecord)
    return found


def test_an_action_has_its_place_from_the_definition_it_ran_by():
    assert read(4).run_order == 3
    assert read(4, "Approval").expires_at == datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def test_an_edited_definition_says_nothing_of_what_ran_before():
    assert read(3).run_order is UNREAD
    assert read(3, "Approval").expires_at is UNREAD


def test_a_build_that_ran_before_an_edit_is_not_looked_for_where_it_runs_today():
    def region(version: int) -> str:
        defined = {"name": "Compile", "region": "us-east-1"}
        ask = Ask(parents=(parent(definition=[stage_definition("Build", defined)], version=4),))
        ran = action("a1", version)
        ran["input"]["actionTypeId"]["provider"] = "CodeBuild"
        ran["output"] = {"executionResult": {"externalExecutionId": "shop:1"}}
        flight = Flight().on(ACTIONS, {"actionExecutionDetails": [ran]})
        return str(collect("codepipeline.action", flight.reach(), ask)[0].links[0].to)

    assert ":us-east-1:" in region(4)
    assert ":eu-west-1:" in region(3)


@pytest.mark.django_db
def test_editing_a_pipeline_leaves_the_actions_of_yesterday_alone(scope, fly, full):
    fly(full)
    sweep(scope)
    order = dict(Action.objects.values_list("key", "run_order"))
    assert order
    of_checkout = Action.objects.filter(execution__pipeline__key="checkout").values_list("pk")
    changes = Change.objects.filter(kind="codepipeline.action", row_id__in=of_checkout)
    before = changes.count()
    pipelines = [{"name": "checkout", "version": 13, "updated": 1767603000.0}]
    full.on("codepipeline:ListPipelines", {"pipelines": pipelines})
    kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    actions = [
        {"name": name, "runOrder": 9, "actionTypeId": kind}
        for name in ("GitHub", "Compile", "Lint", "Release")
    ]
    stages = [{"name": name, "actions": actions} for name in ("Source", "Build", "Approve")]
    role = "arn:aws:iam::111122223333:role/pipeline"
    edited = {"name": "checkout", "roleArn": role, "stages": stages}
    full.on("codepipeline:GetPipeline", {"pipeline": edited})
    sweep(scope)
    assert dict(Action.objects.values_list("key", "run_order")) == order
    assert changes.count() == before


@pytest.mark.django_db
def test_an_action_without_a_known_place_stands_where_the_definition_has_it():
    first, second = {"name": "Compile", "run_order": 1}, {"name": "Ship", "run_order": 2}
    defined = [stage_definition("Build", first, second)]
    execution = make_execution(make_pipeline("orders", definition=defined))
    actions = [make_action(execution, "Build", name) for name in ("Compile", "Ship")]
    (stage,) = execution_board(execution, defined, actions, {})
    assert [[one.name for one in group] for group in stage.groups] == [["Compile"], ["Ship"]]


# --- What GetPipelineExecution alone tells --------------------------------------------------------


def runs(*keys: str, status: str = "Succeeded") -> dict[str, Any]:
    found = [
        {"pipelineExecutionId": key, "status": status, "startTime": 1767603600.0} for key in keys
    ]
    return {"pipelineExecutionSummaries": found}


def resolved(params: Any) -> dict[str, Any]:
    key = params["pipelineExecutionId"]
    variables = [{"name": "CANARY", "resolvedValue": key}]
    return {"pipelineExecution": {"pipelineExecutionId": key, "variables": variables}}


def asked(flight: Flight, *, variables: Any = VARIABLES, **more: Any) -> list[Any]:
    known = more.pop("finished", frozenset())
    ask = Ask(
        parents=(parent(variables=variables),),
        finished=lambda keys: frozenset(keys) & known,
        **more,
    )
    return collect("codepipeline.execution", flight.reach(), ask)


def test_a_new_execution_of_a_pipeline_with_variables_is_asked_what_they_are():
    flight = Flight().on(RUNS, runs("e2", "e1")).on(RUN, resolved)
    found = asked(flight, finished=frozenset({"e1"}))
    records = [one for one in found if isinstance(one, ExecutionRecord)]
    assert [call["pipelineExecutionId"] for call in flight.calls(RUN)] == ["e2"]
    told = {record.key: record.variables for record in records}
    assert told == {
        "e1": UNREAD,
        "e2": [{"name": "CANARY", "value": "e2", "description": ""}],
    }
    # Told once and whole: the list's times beside the call's variables.
    assert len(records) == 2
    assert all(record.started_at for record in records)
    assert Covered("checkout") in found


def test_a_known_execution_is_not_asked_again_while_it_runs():
    flight = Flight().on(RUNS, runs("e1", status="InProgress")).on(RUN, resolved)
    asked(flight, unfinished={"checkout": frozenset({"e1"})})
    assert flight.calls(RUN) == []


def test_a_pipeline_without_variables_costs_no_call_more():
    flight = Flight().on(RUNS, runs("e2", "e1"))
    asked(flight, variables=())
    assert flight.count() == {RUNS: 1}


def test_of_many_new_executions_the_newest_are_asked():
    flight = Flight().on(RUNS, runs(*(f"e{number}" for number in range(60)))).on(RUN, resolved)
    found = asked(flight)
    assert {call["pipelineExecutionId"] for call in flight.calls(RUN)} == {
        f"e{number}" for number in range(20)
    }
    assert len({one.key for one in found if isinstance(one, ExecutionRecord)}) == 60


def test_an_execution_whose_variables_are_denied_is_told_without_them():
    flight = Flight().on(RUNS, runs("e1")).on(RUN, Fault("AccessDeniedException", "no"))
    (record,) = [one for one in asked(flight) if isinstance(one, ExecutionRecord)]
    assert (record.key, record.status, record.variables) == ("e1", "Succeeded", UNREAD)


def test_a_read_by_id_leaves_the_revisions_that_the_list_told():
    body = {
        "pipelineExecutionId": "old",
        "status": "Failed",
        "artifactRevisions": [{"name": "SourceArtifact", "revisionId": "c0ffee"}],
    }
    flight = Flight().on(RUNS, runs("new")).on(RUN, {"pipelineExecution": body})
    found = asked(flight, variables=(), unfinished={"checkout": frozenset({"old"})})
    (old,) = [one for one in found if getattr(one, "key", "") == "old"]
    assert old.revisions is old.revision_id is old.summary is UNREAD


@pytest.mark.django_db
def test_a_first_sweep_knows_what_executions_run_with(scope, fly, full):
    fly(full)
    sweep(scope)
    row = Execution.objects.get(key__startswith="e1")
    assert {one["name"]: one["value"] for one in row.variables}["GREETING"] == "good morning"
