"""CodePipeline's answers become rows: complete, without secrets, in as few calls as can be."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError
from django.db import connection

from apps.codepipeline import answers, discretion
from apps.codepipeline.models import Action, Execution, Pipeline, Stage
from apps.codepipeline.records import ActionRecord, ExecutionRecord, PipelineRecord
from apps.mirror.ask import UNREAD, Ask, Continued, Covered, Ended, Vanished
from apps.mirror.links import links_of
from apps.mirror.models import Change, Operation
from tests.codepipeline.reading import ask_children, collect, sweep
from tests.flight import PLANTED, Fault, Flight, Unmodelled

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LIST = "codepipeline:ListPipelines"
GET = "codepipeline:GetPipeline"
TAGS = "codepipeline:ListTagsForResource"
STATE = "codepipeline:GetPipelineState"
RUNS = "codepipeline:ListPipelineExecutions"
RUN = "codepipeline:GetPipelineExecution"
ACTIONS = "codepipeline:ListActionExecutions"


@pytest.fixture
def swept(scope, fly, full):
    """Everything of the full flight, read once."""
    fly(full)
    sweep(scope)
    return full


# --- What is read ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_page_of_pipelines_is_read(scope, swept):
    assert set(Pipeline.objects.values_list("key", flat=True)) == {
        "checkout",
        "legacy-web",
        "fan-out",
    }
    assert [call.get("nextToken") for call in swept.calls(LIST)] == [None, "page-2"]
    assert swept.calls(LIST)[0]["maxResults"] == 1000


@pytest.mark.django_db
def test_a_v2_pipeline_has_its_triggers_variables_stores_and_tags(scope, swept):
    row = Pipeline.objects.get(key="checkout")
    assert (row.pipeline_type, row.execution_mode, row.pipeline_version) == ("V2", "QUEUED", 12)
    assert row.arn == "arn:aws:codepipeline:eu-west-1:111122223333:checkout"
    assert row.updated == NINE - timedelta(hours=1, milliseconds=500)
    assert row.tags == {"team": "payments", "stage": "production"}
    assert set(row.artifact_stores) == {"eu-west-1", "us-east-1"}
    assert row.artifact_stores["us-east-1"]["encryption_key"]["type"] == "KMS"
    push = row.triggers[0]["gitConfiguration"]["push"]
    assert push[0]["branches"] == {"includes": ["main", "release/*"], "excludes": ["wip/*"]}
    assert [variable["name"] for variable in row.variables] == ["GREETING", "DEPLOY_TOKEN"]
    assert row.variables[0]["value"] == "hello"
    assert [stage["name"] for stage in row.definition] == ["Source", "Build", "Approve", "Deploy"]
    assert [stage["on_failure"] for stage in row.definition] == ["RETRY", "ROLLBACK", "", ""]
    compile_, lint, notify, shell = row.definition[1]["actions"]
    assert [action["run_order"] for action in (compile_, lint, notify, shell)] == [1, 1, 2, 2]
    assert (lint["region"], lint["role_arn"]) == (
        "us-east-1",
        "arn:aws:iam::444455556666:role/lint",
    )
    assert (compile_["inputs"], compile_["outputs"]) == (["source"], ["app"])
    assert compile_["namespace"] == "BuildVariables"
    assert row.definition[2]["actions"][0]["timeout_minutes"] == 1440


@pytest.mark.django_db
def test_a_pipeline_links_to_its_role_and_to_the_key_of_each_store(scope, swept):
    row = Pipeline.objects.get(key="checkout")
    links = links_of("codepipeline.pipeline", [row.pk])[row.pk]
    assert {(link.relation, link.to_kind) for link in links} == {
        ("assumes", "iam.role"),
        ("encrypts with", "kms.key"),
    }
    assert len(links) == 3
    assert not any(link.owning for link in links)


@pytest.mark.django_db
def test_a_v1_pipeline_without_type_or_mode_is_a_superseding_v1(scope, swept):
    row = Pipeline.objects.get(key="legacy-web")
    assert (row.pipeline_type, row.execution_mode) == ("V1", "SUPERSEDED")
    assert row.artifact_stores == {
        "": {
            "type": "S3",
            "location": "legacy-artifacts",
            "encryption_key": {"id": "alias/legacy", "type": "KMS"},
        }
    }
    assert row.triggers == row.variables == []


@pytest.mark.django_db
def test_a_disabled_transition_says_who_did_it_and_why(scope, swept):
    stage = Stage.objects.get(key="checkout/Deploy")
    assert stage.transition_enabled is False
    assert stage.transition_reason == "Frozen until the sale is over"
    assert stage.transition_changed_by == "arn:aws:iam::111122223333:user/release-manager"
    assert stage.transition_changed_at == NINE - timedelta(seconds=70_000)
    first = Stage.objects.get(key="checkout/Source")
    assert (first.transition_enabled, first.transition_changed_at) == (True, None)


@pytest.mark.django_db
def test_stages_come_in_the_order_of_the_pipeline(scope, swept):
    names = [stage.name for stage in Stage.objects.filter(pipeline__key="checkout")]
    assert names == ["Source", "Build", "Approve", "Deploy"]


@pytest.mark.django_db
def test_a_stage_tells_its_actions_as_they_are_now(scope, swept):
    source = Stage.objects.get(key="checkout/Source").actions[0]
    assert (source["revision_id"], source["state"]) == ("c0ffee1", "done")
    assert source["revision_url"] == "https://example.com/example-org/checkout/commit/c0ffee1"
    compile_, lint, notify, _ = Stage.objects.get(key="checkout/Build").actions
    assert (compile_["percent"], compile_["state"]) == (40, "moving")
    assert compile_["external_url"] == "https://console.example.com/build/b1"
    assert (lint["error_code"], lint["error_message"]) == (
        "JobFailed",
        "Build terminated with state: FAILED",
    )
    assert (notify["status"], notify["state"], notify["percent"]) == ("", "", None)


@pytest.mark.django_db
def test_an_approval_that_waits_makes_stage_execution_and_pipeline_wait(scope, swept):
    stage = Stage.objects.get(key="checkout/Approve")
    assert (stage.status, stage.state) == ("InProgress", "waiting")
    action = stage.actions[0]
    assert (action["status"], action["state"]) == ("InProgress", "waiting")
    # The action's own timeout of a day, not the seven days of others.
    asked = NINE - timedelta(seconds=3000)
    assert action["expires_at"] == (asked + timedelta(days=1)).isoformat()
    assert [key[:2] for key in stage.inbound_execution_ids] == ["e2"]
    row = Action.objects.get(name="Release")
    assert (row.state, row.expires_at) == ("waiting", asked + timedelta(days=1))
    assert row.pipeline_version == 12
    assert row.configuration == {
        "CustomData": "Release c0ffee1? password: *** by \u2022\u2022\u2022\u2022"
    }
    assert Execution.objects.get(key__startswith="e1").state == "waiting"
    assert Pipeline.objects.get(key="checkout").state == "waiting"


@pytest.mark.django_db
def test_executions_have_trigger_revision_mode_and_reason(scope, swept):
    running = Execution.objects.get(key__startswith="e2")
    assert (running.status, running.state, running.ended_at) == ("InProgress", "moving", None)
    assert (running.trigger_type, running.execution_mode) == ("WebhookV2", "QUEUED")
    assert running.revision_id == "c0ffee1"
    assert running.summary == "Fix the basket\n\nIt forgot the last item."
    assert running.revisions[0]["provider"] == "GitHub"
    stopped = Execution.objects.get(key__startswith="e5")
    assert (stopped.state, stopped.stop_reason) == ("stopped", "Wrong branch")
    assert stopped.ended_at == NINE - timedelta(seconds=98_000)
    rolled = Execution.objects.get(key__startswith="e3")
    assert (rolled.execution_type, rolled.rollback_of) == ("ROLLBACK", stopped.key)
    assert rolled.status_summary == "Deploy failed"
    assert Execution.objects.get(key__startswith="e7").state == "stopped"


@pytest.mark.django_db
def test_the_author_comes_from_the_source_actions_variables(scope, swept):
    assert Execution.objects.get(key__startswith="e2").author == "checkout-developer"
    assert Execution.objects.get(key__startswith="e3").author == ""


@pytest.mark.django_db
def test_an_action_links_to_its_build_where_it_ran(scope, swept):
    lint = Action.objects.get(name="Lint")
    (link,) = links_of("codepipeline.action", [lint.pk])[lint.pk]
    assert (link.relation, link.to_kind, link.owning) == ("runs", "codebuild.build", True)
    # In the region of the action and the account of its role.
    assert link.to_arn == (
        "arn:aws:codebuild:us-east-1:444455556666:build/"
        "checkout-lint:b2000000-0000-4000-8000-00000000b002"
    )
    jenkins = Action.objects.get(name="Jenkins")
    assert links_of("codepipeline.action", [jenkins.pk]) == {}
    assert jenkins.external_url == "https://jenkins.example.com/job/legacy/42"


@pytest.mark.django_db
def test_a_parallel_pipeline_lives_by_its_executions(scope, swept):
    pipeline = Pipeline.objects.get(key="fan-out")
    assert {stage.state for stage in pipeline.stages.all()} == {""}
    assert (pipeline.execution_mode, pipeline.state) == ("PARALLEL", "moving")
    assert pipeline.executions.count() == 2
    assert pipeline.executions.filter(state="moving").count() == 1


@pytest.mark.django_db
def test_an_account_without_pipelines_costs_one_call(scope, fly, empty):
    fly(empty)
    results = sweep(scope)
    assert [result.seen for result in results.values()] == [0, 0, 0, 0]
    assert empty.count() == {LIST: 1}


# --- What it costs --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_reading_again_what_is_unchanged_writes_nothing_and_describes_nothing(scope, swept):
    changes = Change.objects.count()
    with swept.recorded() as asked:
        sweep(scope)
    assert Change.objects.count() == changes
    assert {operation for operation, _ in asked} == {LIST, STATE, RUNS, ACTIONS}
    assert [operation for operation, _ in asked].count(LIST) == 2


def test_an_edited_pipeline_alone_is_described_again(full):
    reach = full.reach()
    first = {record.key: record for record in collect("codepipeline.pipeline", reach, Ask())}
    known = {key: record.described for key, record in first.items()}
    with full.recorded() as asked:
        again = collect("codepipeline.pipeline", reach, Ask(known={**known, "fan-out": "older"}))
    assert [params for operation, params in asked if operation == GET] == [{"name": "fan-out"}]
    untouched = {record.key: record.definition for record in again if record.key != "fan-out"}
    assert untouched == {"checkout": UNREAD, "legacy-web": UNREAD}


def test_a_deep_reading_describes_all(full):
    reach = full.reach()
    first = collect("codepipeline.pipeline", reach, Ask())
    known = {record.key: record.described for record in first}
    with full.recorded() as asked:
        collect("codepipeline.pipeline", reach, Ask(known=known, deep=True))
    assert len([1 for operation, _ in asked if operation == GET]) == 3


def test_named_pipelines_alone_are_answered(full):
    records = collect("codepipeline.pipeline", full.reach(), Ask(keys=("fan-out",)))
    assert [record.key for record in records] == ["fan-out"]
    assert full.calls(GET) == [{"name": "fan-out"}]


def execution(key, status="Succeeded", **more):
    return {
        "pipelineExecutionId": key,
        "status": status,
        "startTime": 1767603600.0,
        "lastUpdateTime": 1767603660.0,
        **more,
    }


def history(pages, key="pipelineExecutionSummaries"):
    """Answer pages of a history by their token."""

    def answer(params):
        at = int(params.get("nextToken", "0"))
        following = {"nextToken": str(at + 1)} if at + 1 < len(pages) else {}
        return {key: pages[at], **following}

    return answer


def test_reading_stops_at_a_page_of_known_finished_executions():
    pages = [[execution("e4"), execution("e3")], [execution("e2")], [execution("e1")]]
    flight = Flight().on(RUNS, history(pages))
    ask = ask_children(finished={"e3", "e2", "e1"})
    found = collect("codepipeline.execution", flight.reach(), ask)
    assert [record.key for record in found if isinstance(record, ExecutionRecord)] == [
        "e4",
        "e3",
        "e2",
    ]
    assert Covered("checkout") in found
    assert len(flight.calls(RUNS)) == 2


def test_a_history_never_read_to_its_end_is_read_to_there_and_says_so():
    pages = [[execution("e3")], [execution("e2")], [execution("e1")]]
    flight = Flight().on(RUNS, history(pages))
    ask = ask_children(finished={"e1", "e2", "e3"}, unended=frozenset({"checkout"}))
    found = collect("codepipeline.execution", flight.reach(), ask)
    assert len(flight.calls(RUNS)) == 3
    assert found.count(Continued("checkout")) == 2
    assert found[-2:] == [Ended("checkout"), Covered("checkout")]


def test_long_histories_are_read_one_after_the_other_rather_than_all_at_once():
    pages = [[execution(f"e{number}")] for number in range(40)]
    flight = Flight().on(RUNS, history(pages))
    names = [f"pipeline-{number:02}" for number in range(60)]
    found = collect("codepipeline.execution", flight.reach(), ask_children(*names))
    first = found.index(next(item for item in found if isinstance(item, Covered)))
    begun = {item.parent for item in found[:first] if isinstance(item, Continued)}
    # As many as are asked for at a time, and not one of the others.
    assert len(begun) <= 32
    assert sum(isinstance(item, Covered) for item in found) == 60


def test_an_empty_page_is_not_the_end():
    flight = Flight().on(RUNS, history([[], [execution("e1")]]))
    found = collect("codepipeline.execution", flight.reach(), ask_children())
    assert "e1" in [getattr(record, "key", "") for record in found]


def test_a_history_that_turns_in_circles_is_left_uncovered():
    circle = {"pipelineExecutionSummaries": [execution("e1", "InProgress")], "nextToken": "same"}
    flight = Flight().on(RUNS, circle)
    reach = flight.reach()
    found = collect("codepipeline.execution", reach, ask_children())
    assert reach.outcomes[RUNS].failure.code == "PaginationError"
    assert len(flight.calls(RUNS)) == 2
    assert not any(isinstance(record, Covered) for record in found)


def test_a_known_unfinished_execution_that_is_not_shown_is_asked_for_by_id():
    detail = {"pipelineExecution": {"pipelineExecutionId": "old", "status": "Failed"}}
    flight = Flight().on(RUNS, history([[execution("new")]])).on(RUN, detail)
    ask = ask_children(finished={"new"}, unfinished={"checkout": frozenset({"old", "new"})})
    found = {
        getattr(r, "key", ""): r for r in collect("codepipeline.execution", flight.reach(), ask)
    }
    assert flight.calls(RUN) == [{"pipelineName": "checkout", "pipelineExecutionId": "old"}]
    old = found["old"]
    assert (old.status, old.state) == ("Failed", "failed")
    # GetPipelineExecution tells no times: those columns are left alone.
    assert old.started_at is old.ended_at is old.last_update is UNREAD


def test_an_execution_that_aws_has_forgotten_has_vanished():
    gone = Fault("PipelineExecutionNotFoundException", "no such execution")
    flight = Flight().on(RUNS, history([[execution("new")]])).on(RUN, gone)
    ask = ask_children(unfinished={"checkout": frozenset({"old"})})
    found = collect("codepipeline.execution", flight.reach(), ask)
    assert Vanished("old") in found


def test_an_execution_that_cannot_be_read_stays_as_it_was():
    denied = Fault("AccessDeniedException", "not authorized")
    flight = Flight().on(RUNS, history([[execution("new")]])).on(RUN, denied)
    ask = ask_children(unfinished={"checkout": frozenset({"old"})})
    found = collect("codepipeline.execution", flight.reach(), ask)
    assert "old" not in [getattr(record, "key", "") for record in found]


def test_whether_a_running_execution_waits_is_left_to_its_actions():
    running = history([[execution("known", "InProgress"), execution("new", "InProgress")]])
    flight = Flight().on(RUNS, running)
    ask = ask_children(unfinished={"checkout": frozenset({"known"})})
    found = {r.key: r for r in collect("codepipeline.execution", flight.reach(), ask)[:2]}
    assert found["known"].state is UNREAD
    assert found["new"].state == "moving"
    assert found["new"].ended_at is None


def action(key, status="Succeeded", category="Build", **more):
    return {
        "pipelineExecutionId": "e1",
        "actionExecutionId": key,
        "pipelineVersion": 1,
        "stageName": "Build",
        "actionName": key,
        "status": status,
        "startTime": 1767603600.0,
        "input": {
            "actionTypeId": {
                "category": category,
                "owner": "AWS",
                "provider": "Manual",
                "version": "1",
            }
        },
        **more,
    }


def test_an_approval_is_found_behind_a_page_of_newer_finished_actions():
    pages = [
        [action("a9"), action("a8")],
        [action("wait", "Succeeded", "Approval")],
        [action("a1")],
    ]
    flight = Flight().on(ACTIONS, history(pages, "actionExecutionDetails"))
    ask = ask_children(finished={"a9", "a8", "a1"}, unfinished={"checkout": frozenset({"wait"})})
    found = collect("codepipeline.action", flight.reach(), ask)
    assert "wait" in [getattr(record, "key", "") for record in found]
    assert len(flight.calls(ACTIONS)) <= 3


def test_an_unfinished_action_that_the_whole_history_does_not_show_has_vanished():
    flight = Flight().on(
        ACTIONS, history([[action("a9")], [action("a8")]], "actionExecutionDetails")
    )
    ask = ask_children(finished={"a9", "a8"}, unfinished={"checkout": frozenset({"lost"})})
    assert Vanished("lost") in collect("codepipeline.action", flight.reach(), ask)


def test_an_unfinished_action_has_not_vanished_where_reading_was_cut_off():
    answers = [{"actionExecutionDetails": [action("a9")], "nextToken": "1"}, Fault("Boom")]
    flight = Flight().script(ACTIONS, *answers)
    ask = ask_children(unfinished={"checkout": frozenset({"lost"})})
    found = collect("codepipeline.action", flight.reach(), ask)
    assert not any(isinstance(item, Vanished | Covered) for item in found)


def test_histories_of_many_pipelines_are_paged_at_once():
    def answer(params):
        if params["pipelineName"] == "b":
            return {"pipelineExecutionSummaries": [execution("b1")]}
        return history([[execution("a2")], [execution("a1")]])(params)

    flight = Flight().on(RUNS, answer)
    found = collect("codepipeline.execution", flight.reach(), ask_children("a", "b"))
    by_parent = {(r.parent, r.key) for r in found if isinstance(r, ExecutionRecord)}
    assert by_parent == {("a", "a2"), ("a", "a1"), ("b", "b1")}
    assert {item.parent for item in found if isinstance(item, Covered)} == {"a", "b"}


# --- Bad days -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_pipeline_that_is_deleted_between_two_calls_harms_nobody(scope, fly, full):
    fly(full)
    gone = Fault("PipelineNotFoundException", "Account '111122223333' does not have a pipeline")
    for operation in (GET, TAGS, STATE, RUNS, ACTIONS):
        play = full._plays[operation]
        full.on(
            operation,
            lambda params, play=play: gone if "checkout" in json.dumps(params) else play(params),
        )
    sweep(scope)
    assert Stage.objects.exclude(pipeline__key="checkout").count() == 4
    assert not Stage.objects.filter(pipeline__key="checkout").exists()
    # That one thing is missing says nothing bad of the operation.
    assert set(Operation.objects.values_list("health", flat=True)) == {"ok"}


@pytest.mark.django_db
def test_a_deleted_pipeline_is_gone_and_what_hung_on_it_stays(scope, swept):
    swept.on(LIST, {"pipelines": []})
    sweep(scope)
    assert not Pipeline.objects.present().exists()
    assert Pipeline.objects.count() == 3
    assert Stage.objects.present().count() == 8
    assert Execution.objects.present().count() == 7


@pytest.mark.django_db
def test_details_that_cannot_be_read_leave_their_columns_as_they_were(scope, swept):
    before = Pipeline.objects.values().get(key="checkout")
    denied = Fault("AccessDeniedException", "denied")
    swept.on(GET, denied).on(TAGS, denied)
    Pipeline.objects.update(described="something else")
    sweep(scope, "codepipeline.pipeline")
    after = Pipeline.objects.values().get(key="checkout")
    assert after["definition"] == before["definition"]
    assert after["tags"] == before["tags"]
    # So it is asked for again next time.
    assert after["described"] == "something else"
    told = dict(
        Operation.objects.filter(kind="codepipeline.pipeline").values_list("operation", "health")
    )
    assert told == {LIST: "ok", GET: "denied", TAGS: "denied"}


@pytest.mark.django_db
def test_a_list_cut_off_after_its_first_page_buries_nobody(scope, swept):
    page = {"pipelines": [{"name": "checkout", "version": 13}], "nextToken": "page-2"}
    swept.script(LIST, page, Fault("ValidationException", "bad token"))
    assert sweep(scope, "codepipeline.pipeline") == {"codepipeline.pipeline": None}
    assert Pipeline.objects.present().count() == 3
    assert Pipeline.objects.get(key="checkout").pipeline_version == 12
    told = Operation.objects.get(operation=LIST)
    assert (told.health, told.error) == ("failing", "bad token")


@pytest.mark.django_db
def test_states_that_one_pipeline_does_not_tell_leave_its_stages_alone(scope, swept):
    play = swept._plays[STATE]
    timeout = ReadTimeoutError(endpoint_url="https://codepipeline.eu-west-1.amazonaws.com")
    swept.on(STATE, lambda params: timeout if params["name"] == "checkout" else play(params))
    sweep(scope, "codepipeline.stage")
    assert Stage.objects.present().count() == 8


@pytest.mark.django_db
def test_words_that_aws_will_only_say_tomorrow_are_shown_as_they_come(scope, fly, full):
    fly(full)
    sweep(scope)
    full.on(
        RUNS,
        lambda params: Unmodelled(
            {
                "pipelineExecutionSummaries": [
                    {**execution("e9000000", "Pondering"), "weather": {"sunny": True}}
                ],
                "mood": "good",
            }
        ),
    )
    full.on(
        STATE,
        Unmodelled(
            {"stageStates": [{"stageName": "Source", "latestExecution": {"status": "Pondering"}}]}
        ),
    )
    sweep(scope)
    row = Execution.objects.filter(key="e9000000").first()
    assert (row.status, row.state) == ("Pondering", "unknown")
    assert Stage.objects.get(key="checkout/Source").state == "unknown"
    # The other stages are not in the pipeline any more.
    assert Stage.objects.present().filter(pipeline__key="checkout").count() == 1


@pytest.mark.parametrize(
    "shape",
    ["{", "[" * 2000, '{"CommitMessage": 7}', '{"a":' * 400, '{"CommitMessage": "\\ud800"}'],
)
def test_a_commit_message_that_looks_like_json_is_a_commit_message(shape):
    wrapped = answers._revision("Source", "c0ffee", "{" + shape, "")
    assert wrapped["summary"] in ("{" + shape, "7")
    assert isinstance(answers._revision("Source", "c0ffee", shape, "")["summary"], str)


def test_answers_with_nothing_but_names_are_records():
    flight = Flight()
    flight.on(LIST, {"pipelines": [{"name": "bare"}]})
    flight.on(GET, {"pipeline": {"name": "bare", "roleArn": "r", "stages": []}})
    flight.on(TAGS, {})
    flight.on(STATE, {"stageStates": [{"stageName": "S"}]})
    flight.on(RUNS, {"pipelineExecutionSummaries": [{"pipelineExecutionId": "e"}]})
    bare = {"pipelineExecutionId": "e", "actionExecutionId": "a"}
    flight.on(ACTIONS, {"actionExecutionDetails": [bare]})
    (pipeline,) = collect("codepipeline.pipeline", flight.reach(), Ask())
    assert isinstance(pipeline, PipelineRecord)
    assert pipeline.definition == []
    for kind in ("stage", "execution", "action"):
        record, *_, covered = collect(f"codepipeline.{kind}", flight.reach(), ask_children("bare"))
        assert record.state == ""
        assert covered == Covered("bare")


# --- Secrets --------------------------------------------------------------------------------------


def everything_in_the_database() -> str:
    """Return every column of every row, as it lies there."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts.append(repr(cursor.fetchall()))
    return "\n".join(texts)


@pytest.mark.sql
@pytest.mark.django_db
def test_no_planted_secret_reaches_the_database(scope, swept):
    # The execution that is read by its id tells resolved variables.
    swept.on(RUNS, {"pipelineExecutionSummaries": []})
    sweep(scope)
    kept = everything_in_the_database()
    assert swept.calls(RUN)
    assert "DEPLOY_TOKEN" in kept
    assert "good morning" in kept
    assert "/checkout/token" in kept
    assert PLANTED not in kept


def test_configuration_keeps_names_and_drops_what_may_be_secret():
    given = {
        "ProjectName": "checkout",
        "OAuthToken": "t",
        "Password": "",
        "UserParameters": "u",
        "ParameterOverrides": '{"A": "1"}',
        "Parameters": "not json",
        "EnvironmentVariables": '[{"name": "A", "value": "v"}, {"name": "B", "value": "/b",'
        ' "type": "SECRETS_MANAGER"}, {"name": "C", "value": "v", "type": "New"}]',
    }
    kept = discretion.configuration(given)
    dropped = discretion.DROPPED
    assert kept["ProjectName"] == "checkout"
    assert (kept["OAuthToken"], kept["Password"], kept["UserParameters"]) == (dropped, "", dropped)
    assert json.loads(kept["ParameterOverrides"]) == {"A": dropped}
    assert kept["Parameters"] == dropped
    values = [entry["value"] for entry in json.loads(kept["EnvironmentVariables"])]
    assert values == [dropped, "/b", dropped]


@pytest.mark.parametrize("value", ["", "{}", "[1]", '["x"]', "nonsense", "[" * 5000])
def test_environment_variables_in_another_shape_are_dropped_whole(value):
    kept = discretion.configuration({"EnvironmentVariables": value})["EnvironmentVariables"]
    assert kept in (discretion.DROPPED, "[]")


def test_output_variables_keep_only_what_a_source_says_of_the_commit():
    given = {"CommitId": "c0ffee", "SECRET": "s"}
    kept = discretion.output_variables("Source", given)
    assert kept == {"CommitId": "c0ffee", "SECRET": discretion.DROPPED}
    assert set(discretion.output_variables("Build", given).values()) == {discretion.DROPPED}


def test_approval_tokens_are_in_no_record(full):
    found = collect("codepipeline.stage", full.reach(), ask_children())
    assert PLANTED not in repr(found)
    assert "waiting" in repr(found)


def test_an_action_without_its_own_timeout_expires_after_seven_days():
    details = [action("a1", "InProgress", "Approval")]
    flight = Flight().on(ACTIONS, {"actionExecutionDetails": details})
    record = collect("codepipeline.action", flight.reach(), ask_children())[0]
    assert isinstance(record, ActionRecord)
    assert record.expires_at == NINE + timedelta(days=7)


def test_no_text_keeps_a_login_or_a_key_wherever_it_stands():
    said = f"see https://ci:{PLANTED}@jenkins.example.com/job/1?token={PLANTED}&x=1"
    url = said.removeprefix("see ")
    assert discretion.configuration({"ServerURL": url, "ExternalEntityLink": url}) == dict.fromkeys(
        ("ServerURL", "ExternalEntityLink"), "https://***@jenkins.example.com/job/1?token=***&x=1"
    )
    ran = {
        "status": "Failed",
        "summary": said,
        "externalExecutionUrl": url,
        "errorDetails": {"code": "JobFailed", "message": said},
    }
    state = {
        "stageStates": [
            {
                "stageName": "Build",
                "inboundTransitionState": {"enabled": False, "disabledReason": said},
                "actionStates": [
                    {
                        "actionName": "Compile",
                        "entityUrl": url,
                        "revisionUrl": url,
                        "latestExecution": ran,
                    }
                ],
            }
        ]
    }
    execution = {
        "pipelineExecutionId": "e1",
        "status": "Failed",
        "statusSummary": said,
        "trigger": {"triggerType": "Webhook", "triggerDetail": said},
        "stopTrigger": {"reason": said},
        "sourceRevisions": [
            {"actionName": "Source", "revisionSummary": said, "revisionUrl": url},
            {"actionName": "Other", "revisionSummary": json.dumps({"CommitMessage": said})},
        ],
    }
    detail = action("a1", "Failed", "Build")
    detail["output"] = {
        "executionResult": {
            "externalExecutionSummary": said,
            "externalExecutionUrl": url,
            "errorDetails": {"code": "JobFailed", "message": said},
        }
    }
    flight = (
        Flight()
        .on(STATE, state)
        .on("codepipeline:ListPipelineExecutions", {"pipelineExecutionSummaries": [execution]})
        .on(ACTIONS, {"actionExecutionDetails": [detail]})
    )
    found = [
        record
        for kind in ("codepipeline.stage", "codepipeline.execution", "codepipeline.action")
        for record in collect(kind, flight.reach(), ask_children())
    ]
    assert len([one for one in found if "jenkins.example.com/job/1" in repr(one)]) == 3
    assert PLANTED not in repr(found)
    assert "https://jenkins.example.com/job/1?token=***&x=1" in repr(found)
