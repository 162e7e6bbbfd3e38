import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.timezone import now

from apps.codepipeline import fragments, load
from apps.codepipeline.models import Execution, Pipeline
from apps.mirror.resource import REGISTER
from tests.dashboard.conftest import _fresh_cache, member, queries, signed_in
from tests.factories import (
    action_definition,
    change,
    link_runs,
    live_action,
    make_action,
    make_build,
    make_execution,
    make_parallel_pipeline,
    make_pipeline,
    make_running_pipeline,
    make_stage,
    make_waiting_pipeline,
    stage_definition,
)

__all__ = ["_fresh_cache", "member", "queries", "signed_in"]
pytestmark = pytest.mark.django_db


def text_of(client: Client, row: Any, rest: str = "") -> str:
    answer = client.get(row.get_absolute_url() + rest)
    assert answer.status_code == 200
    return answer.content.decode()


def stage_html(html: str, name: str) -> str:
    """The column of a stage on a board."""
    columns = re.findall(r'<li class="stage .*?(?=<li class="stage |</ol>)', html, re.DOTALL)
    return next(column for column in columns if f'<h3 class="break">{name}</h3>' in column)


# --- Who may see ------------------------------------------------------------------------------


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    pipeline = make_running_pipeline("orders")
    for path in (
        pipeline.get_absolute_url(),
        f"/codepipeline/{pipeline.pk}/executions/",
        pipeline.latest_execution.get_absolute_url(),
    ):
        assert client.get(path)["Location"].startswith("/accounts/login/"), path


@pytest.mark.parametrize(
    "path",
    ["/codepipeline/999/", "/codepipeline/999/executions/", "/codepipeline/executions/999/"],
)
def test_what_is_not_there_is_a_404(signed_in: Client, path: str) -> None:
    assert signed_in.get(path).status_code == 404


def test_what_one_may_not_see_is_a_404(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models import Q

    from apps.mirror.visibility import VISIBILITY

    pipeline = make_running_pipeline("orders")
    execution = pipeline.latest_execution
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    for path in (
        pipeline.get_absolute_url(),
        f"/codepipeline/{pipeline.pk}/executions/",
        execution.get_absolute_url(),
    ):
        assert signed_in.get(path).status_code == 404, path
    assert "orders" not in signed_in.get("/").content.decode()
    assert "orders</span>" not in signed_in.get("/search?q=orders").content.decode()


# --- The board --------------------------------------------------------------------------------


def test_stages_stand_in_the_order_of_the_definition(signed_in: Client) -> None:
    html = text_of(signed_in, make_running_pipeline("orders"))
    assert re.findall(r'<h3 class="break">([^<]*)</h3>', html) == ["Source", "Build", "Deploy"]


def test_actions_of_one_run_order_are_bracketed_and_the_others_stacked(signed_in: Client) -> None:
    definition = [
        stage_definition(
            "Production",
            action_definition("verify", run_order=2),
            action_definition("us-east-1", run_order=1),
            action_definition("eu-west-1", run_order=1),
        )
    ]
    pipeline = make_pipeline("orders", definition=definition)
    execution = make_execution(pipeline)
    make_stage(pipeline, "Production", execution, "Succeeded", live_action("verify"))
    column = stage_html(text_of(signed_in, pipeline), "Production")
    groups = re.findall(r'<ul class="group( parallel)?">(.*?)</ul>', column, re.DOTALL)
    assert [bool(parallel) for parallel, _ in groups] == [True, False]
    assert "us-east-1" in groups[0][1]
    assert "eu-west-1" in groups[0][1]
    assert "verify" in groups[1][1]


def test_a_disabled_transition_says_who_and_why(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    pipeline.stages.filter(name="Deploy").update(
        transition_enabled=False,
        transition_reason="Freeze <until> Monday",
        transition_changed_by="arn:aws:sts::111122223333:assumed-role/Admin/release-manager",
        transition_changed_at=now() - timedelta(days=2),
        inbound_execution_ids=["0b6c1f2e-0000-4000-8000-123456789012"],
    )
    column = stage_html(text_of(signed_in, pipeline), "Deploy")
    assert "<b>Transition disabled</b> by release-manager" in column
    assert "Freeze &lt;until&gt; Monday" in column
    assert "0b6c1f2e</code> waits to enter" in column


def test_what_was_said_from_here_is_read_without_its_mark(signed_in: Client) -> None:
    mark = "0b6c1f2e-0000-4000-8000-123456789012"
    pipeline = make_running_pipeline("orders")
    pipeline.stages.filter(name="Deploy").update(
        transition_enabled=False, transition_reason=f"Freeze (Ada by CodeStar Dash- {mark})"
    )
    for name, summary, told in (
        ("ledger", f"fine (Ada by CodeStar Dash, {mark})", "<q>fine</q> Ada by CodeStar Dash"),
        ("bills", f"Ada by CodeStar Dash, {mark}", ' break">Ada by CodeStar Dash</p>'),
    ):
        stage = make_waiting_pipeline(name).stages.get(name="Approve")
        stage.actions = [
            {**stage.actions[0], "status": "Succeeded", "state": "done", "summary": summary}
        ]
        stage.save()
        html = text_of(signed_in, stage.pipeline)
        assert told in html
        assert mark not in html
    column = stage_html(text_of(signed_in, pipeline), "Deploy")
    assert '<q class="break">Freeze (Ada by CodeStar Dash)</q>' in column


def test_a_stage_whose_actions_are_done_says_what_is_watched(signed_in: Client) -> None:
    rules = [{"when": "onSuccess", "name": "Healthy", "alarm": "shop-unhealthy"}]
    for name, state in (("orders", "moving"), ("bills", "done")):
        pipeline = make_running_pipeline(name)
        stages = [
            {**one, "rules": rules} if one["name"] == "Deploy" else one
            for one in pipeline.definition
        ]
        Pipeline.objects.filter(pk=pipeline.pk).update(definition=stages)
        stage = pipeline.stages.get(name="Deploy")
        stage.state, stage.status = state, "InProgress" if state == "moving" else "Succeeded"
        defined = next(one for one in stages if one["name"] == "Deploy")["actions"]
        stage.actions = [
            {"name": one["name"], "status": "Succeeded", "state": "done"} for one in defined
        ]
        stage.save()
        column = stage_html(text_of(signed_in, pipeline), "Deploy")
        told = "Before it goes on this is watched: Healthy (alarm shop-unhealthy)"
        assert (told in column) is (state == "moving"), name


def test_an_approval_says_until_when_and_where_to_answer(signed_in: Client) -> None:
    column = stage_html(text_of(signed_in, make_waiting_pipeline("ledger")), "Approve")
    # The reader's words for a time end in a full stop of their own: "in 59 min."
    assert re.search(r"Waits for approval, expires <time [^>]*>[^<]*</time> <q", column)
    assert "Look at staging first" in column
    assert (
        'href="https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/ledger/'
        'view?region=eu-west-1"' in column
    )


def test_a_failed_action_says_why_and_leads_to_what_it_ran(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "Failed")
    build = make_build(
        "orders-build", "FAILED", failing_phase="BUILD", failing_message="npm test: 1"
    )
    stage = pipeline.stages.get(name="Build")
    stage.actions = [
        {**stage.actions[0], "runs": build.arn, "external_url": "https://example.com/b"},
        *stage.actions[1:],
    ]
    stage.save()
    link_runs("codepipeline.stage", stage, build)
    html = text_of(signed_in, pipeline)
    assert "Build / Compile failed" in html
    assert "JobFailed: Build terminated with state: FAILED" in html
    assert "npm test: 1" in html
    assert f'href="{build.get_absolute_url()}"' in html
    assert 'href="https://example.com/b"' in html


def test_a_stage_left_by_an_earlier_execution_is_told_apart(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "Succeeded")
    earlier = pipeline.latest_execution
    newest = make_execution(pipeline, "InProgress", started_at=now(), summary="Newer change")
    pipeline.stages.filter(name="Source").update(execution_id=newest.key)
    html = text_of(signed_in, pipeline)
    assert "earlier execution" not in stage_html(html, "Source")
    deploy = stage_html(html, "Deploy")
    assert "earlier execution" in deploy
    assert earlier.summary in deploy
    assert earlier.get_absolute_url() in deploy


def test_a_stage_that_runs_what_is_not_read_yet_is_the_newest_executions(
    signed_in: Client,
) -> None:
    pipeline = make_running_pipeline("orders", "Succeeded")
    pipeline.stages.filter(name="Source").update(
        execution_id="0b6c1f2e-0000-4000-8000-123456789012", status="InProgress", state="moving"
    )
    column = stage_html(text_of(signed_in, pipeline), "Source")
    assert re.search(r'<div class="stage-foot"><code [^>]*>0b6c1f2e</code></div>', column)
    assert " before" not in column.split(">")[0]


def test_a_parallel_pipeline_shows_its_newest_executions_side_by_side(signed_in: Client) -> None:
    pipeline = make_parallel_pipeline("previews")
    html = text_of(signed_in, pipeline)
    assert html.count('<article class="run ') == 2
    assert "Executions run side by side, so no stage has one state" in html
    assert html.count('<h3 class="break">Source</h3>') == 2


def test_without_stage_states_the_newest_executions_are_shown_instead(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    make_action(make_execution(pipeline), "Source", "GitHub", category="Source")
    assert "AWS did not tell the state of the stages" in text_of(signed_in, pipeline)


def test_a_pipeline_that_nothing_is_known_of_teaches(signed_in: Client) -> None:
    html = text_of(signed_in, make_pipeline("bare", definition=[]))
    assert "No stage is known yet" in html


def test_the_definition_tells_all_that_was_asked_for(signed_in: Client) -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/0b6c"
    store = {"type": "S3", "location": "artifacts", "encryption_key": {"id": key, "type": "KMS"}}
    pushes = {
        "sourceActionName": "GitHub",
        "push": [{"branches": {"includes": ["main", "release/*"]}}],
    }
    pipeline = make_pipeline(
        "orders",
        execution_mode="QUEUED",
        artifact_stores={"": store},
        triggers=[{"providerType": "CodeStarSourceConnection", "gitConfiguration": pushes}],
        variables=[{"name": "canary", "value": "10", "description": "percent first"}],
        tags={"team": "payments"},
    )
    html = text_of(signed_in, pipeline)
    for words in (
        "V2",
        "executions wait in line",
        "role/service-role/pipeline",
        "s3://artifacts",
        key,
        "<b>GitHub</b> on push to main, release/*",
        "<code>canary</code> = <code>10</code>",
        "team: payments",
        pipeline.arn,
    ):
        assert words in html, words


# --- Executions -------------------------------------------------------------------------------


@pytest.mark.sql
def test_executions_follow_each_other_without_gap_or_repeat(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "PAGE", 3)
    pipeline = make_pipeline("orders")
    same = now() - timedelta(hours=1)
    for number in range(8):
        # Some start in the same instant: the time alone does not order.
        make_execution(pipeline, started_at=same if number < 5 else now())
    seen, rest = [], ""
    for _ in range(9):
        html = signed_in.get(f"/codepipeline/{pipeline.pk}/executions/{rest}").content.decode()
        seen += re.findall(r'id="execution-row-(\d+)"', html)
        onward = re.search(r'href="(\?after=[^"]*)" rel="next"', html)
        if not onward:
            break
        rest = onward[1].replace("&amp;", "&")
    expected = Execution.objects.order_by("-started_at", "-pk").values_list("pk", flat=True)
    assert [int(pk) for pk in seen] == list(expected)


def test_a_superseded_execution_is_stopped_and_not_failed(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    execution = make_execution(pipeline, "Superseded", status_summary="Superseded by 1234")
    html = text_of(signed_in, execution)
    assert "A newer execution overtook this one" in html
    assert "Superseded by 1234" in html
    assert "st-bad" not in html


def test_a_superseded_execution_leads_to_the_one_that_overtook_it(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    newer = make_execution(pipeline, "Succeeded", summary="Newer change")
    told = f"Superseded by {newer.key}"
    execution = make_execution(pipeline, "Superseded", status_summary=told)
    html = text_of(signed_in, execution)
    assert f"Superseded by {newer.key[:8]}</p>" in html
    assert f'<a class="link break" href="{newer.get_absolute_url()}">Newer change</a>' in html
    rows = signed_in.get(f"/codepipeline/{pipeline.pk}/executions/").content.decode()
    assert f"Superseded by {newer.key[:8]}</span>" in rows


def test_the_newest_executions_say_their_state_in_words(signed_in: Client) -> None:
    html = text_of(signed_in, make_running_pipeline("orders", "Succeeded"))
    recent = html.split('id="pipeline-recent-')[1].split("</section>")[0]
    assert re.search(r'<span class="st st-ok ">.*?</svg>Succeeded</span>', recent)


def test_a_stopped_execution_says_the_reason(signed_in: Client) -> None:
    execution = make_execution(make_pipeline("orders"), "Stopped", stop_reason="Wrong <branch>")
    assert "Wrong &lt;branch&gt;" in text_of(signed_in, execution)


def test_an_execution_tells_trigger_revisions_actions_and_durations(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    execution = make_execution(
        pipeline,
        trigger_type="StartPipelineExecution",
        trigger_detail="arn:aws:sts::111122223333:assumed-role/Admin/release-manager",
        revisions=[
            {
                "action": "GitHub",
                "id": "a3f91c2" + "0" * 33,
                "summary": "Retry charge\n\nBecause of <timeouts>",
                "url": "https://example.com/commit/a3f91c2",
            }
        ],
        author="",
        authors={"GitHub": "checkout-developer"},
    )
    make_action(execution, "Build", "Compile", summary="Build 7 succeeded")
    html = text_of(signed_in, execution)
    for words in (
        "Started by release-manager",
        "Because of &lt;timeouts&gt;",
        "checkout-developer",
        'href="https://example.com/commit/a3f91c2"',
        "Build / Compile",
        "Build 7 succeeded",
        "3m 05s",
    ):
        assert words in html, words


def test_a_commit_message_packed_into_json_is_unpacked(signed_in: Client) -> None:
    execution = make_execution(make_pipeline("orders"))
    make_action(
        execution,
        "Source",
        "GitHub",
        summary='{"ProviderType": "GitHub", "CommitMessage": "Fix <tax>"}',
    )
    make_action(execution, "Build", "Compile", summary="{not json")
    html = text_of(signed_in, execution)
    assert ">Fix &lt;tax&gt;" in html
    assert "ProviderType" not in html
    assert "{not json" in html


def test_a_failed_execution_names_the_first_failed_action_and_its_build(signed_in: Client) -> None:
    pipeline = make_pipeline("orders")
    execution = make_execution(pipeline, "Failed")
    start = execution.started_at
    make_action(
        execution,
        "Build",
        "Late",
        "Failed",
        last_update=start + timedelta(minutes=5),
        error_code="Late",
    )
    first = make_action(execution, "Build", "Compile", "Failed", error_code="JobFailed")
    build = make_build(
        "orders-build", "FAILED", failing_phase="BUILD", failing_message="npm test: 1"
    )
    first.external_id = build.key
    first.save()
    link_runs("codepipeline.action", first, build)
    html = text_of(signed_in, execution)
    assert "Build / Compile failed" in html
    assert "npm test: 1" in html
    assert f'href="{build.get_absolute_url()}"' in html


def test_a_retried_action_shows_its_last_try(signed_in: Client) -> None:
    execution = make_execution(make_pipeline("orders"), "Succeeded")
    make_action(execution, "Build", "Compile", "Failed", error_code="FirstTry")
    make_action(
        execution, "Build", "Compile", summary="Second try", started_at=now() - timedelta(minutes=1)
    )
    html = text_of(signed_in, execution)
    assert "Second try" in html
    assert "FirstTry" not in html


# --- What holds for all of them ---------------------------------------------------------------


def test_more_rows_cost_no_more_queries(signed_in: Client, queries: Callable[[str], int]) -> None:
    def more(pipeline: Pipeline, count: int) -> Execution:
        execution = make_execution(pipeline, "Failed", started_at=now())
        for number in range(count):
            build = make_build("orders-build", "FAILED")
            action = make_action(
                execution, f"Stage {number}", f"Action {number}", "Failed", external_id=build.key
            )
            link_runs("codepipeline.action", action, build)
            make_execution(pipeline, started_at=now() - timedelta(hours=1))
        return execution

    few, many = make_running_pipeline("few", "Failed"), make_running_pipeline("many", "Failed")
    a, b = more(few, 3), more(many, 30)
    for short, long in (
        (few.get_absolute_url(), many.get_absolute_url()),
        (f"/codepipeline/{few.pk}/executions/", f"/codepipeline/{many.pk}/executions/"),
        (a.get_absolute_url(), b.get_absolute_url()),
    ):
        assert queries(short) == queries(long), short


def test_pages_and_the_stream_show_the_same_bytes(signed_in: Client) -> None:
    for pipeline in (
        make_running_pipeline("orders", "Failed"),
        make_waiting_pipeline("ledger"),
        make_parallel_pipeline("previews"),
    ):
        html = text_of(signed_in, pipeline)
        listed = text_of(signed_in, pipeline, "executions/")
        execution = pipeline.latest_execution
        one = text_of(signed_in, execution)
        cache.clear()
        for fragment in (
            fragments.PIPELINE_HEAD,
            fragments.PIPELINE_BOARD,
            fragments.PIPELINE_RECENT,
            fragments.PIPELINE_DEFINITION,
        ):
            assert fragment.render([pipeline.pk])[pipeline.pk] in html, fragment.name
        assert fragments.PIPELINE_EXECUTIONS.render([pipeline.pk])[pipeline.pk] in listed
        assert fragments.EXECUTION_ROW.render([execution.pk])[execution.pk] in listed
        assert fragments.EXECUTION_DETAIL.render([execution.pk])[execution.pk] in one


def test_every_fragment_is_one_element_with_its_id_and_nothing_of_the_reader(db: None) -> None:
    pipeline = make_running_pipeline("orders", "Failed")
    for fragment in fragments.FRAGMENTS.by_name.values():
        if not fragment.of.startswith("codepipeline."):
            continue
        pk = pipeline.pk if fragment.of.endswith("pipeline") else pipeline.latest_execution.pk
        html = fragment.render([pk])[pk]
        assert re.match(
            rf'<\w+( class="(card sec|board|pipe-line)")? id="{fragment.name}-{pk}"',
            html,
        ), fragment.name
        assert "csrf" not in html


@pytest.mark.sql
def test_fragments_of_several_rows_are_each_their_own(db: None) -> None:
    one, two = make_running_pipeline("one", "Failed"), make_running_pipeline("two")
    both = fragments.PIPELINE_RECENT.render([one.pk, two.pk])
    assert one.latest_execution.summary in both[one.pk]
    assert two.latest_execution.summary in both[two.pk]
    assert two.latest_execution.summary not in both[one.pk]


def test_pages_are_live_and_unchanged_ones_are_304(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    for path in (
        pipeline.get_absolute_url(),
        f"/codepipeline/{pipeline.pk}/executions/",
        pipeline.latest_execution.get_absolute_url(),
    ):
        first = signed_in.get(path)
        assert 'data-stream="/live/stream"' in first.content.decode()
        tag = {"if-none-match": first["ETag"]}
        assert signed_in.get(path, headers=tag).status_code == 304
        change(pipeline, "codepipeline.pipeline")
        assert signed_in.get(path, headers=tag).status_code == 200


def test_what_others_wrote_is_text_and_their_links_are_of_the_web(signed_in: Client) -> None:
    name = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    evil = f"{name}\x1b[31m"
    pipeline = make_pipeline("orders", tags={name: name}, variables=[{"name": name, "value": name}])
    execution = make_execution(
        pipeline,
        "Failed",
        summary=evil,
        author=evil,
        status_summary=evil,
        trigger_type="StartPipelineExecution",
        trigger_detail=evil,
        revisions=[{"action": name, "id": evil, "summary": evil, "url": "javascript:alert(3)"}],
    )
    make_action(
        execution,
        "Build",
        name,
        "Failed",
        error_message=evil,
        external_url="javascript:alert(4)",
        external_id=evil,
    )
    make_stage(
        pipeline,
        name,
        execution,
        "Failed",
        live_action(name, "Failed", error_message=evil, external_url="javascript:alert(5)"),
        transition_enabled=False,
        transition_reason=evil,
        transition_changed_by=evil,
    )
    for html in (
        text_of(signed_in, pipeline),
        text_of(signed_in, pipeline, "executions/"),
        text_of(signed_in, execution),
        signed_in.get("/").content.decode(),
    ):
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "javascript:" not in html
        assert "\x1b" not in html


def test_reading_works_by_plain_links(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "Failed")
    home = signed_in.get("/").content.decode()
    assert f'href="{pipeline.get_absolute_url()}"' in home
    page = text_of(signed_in, pipeline)
    assert f'href="/codepipeline/{pipeline.pk}/executions/"' in page
    assert f'href="{pipeline.latest_execution.get_absolute_url()}"' in page
    assert re.search(r"<time [^>]*>\d+ \w+ \d{4}, \d\d:\d\d UTC</time>", page)


def test_views_answer_reading_only(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders")
    assert signed_in.post(pipeline.get_absolute_url()).status_code == 405


def test_a_message_that_is_nested_to_do_harm_is_shown_as_it_came(signed_in: Client) -> None:
    execution = make_execution(make_pipeline("orders"))
    make_action(execution, "Source", "GitHub", summary='{"a":' + "[" * 2_040)
    assert "{&quot;a&quot;:[[[" in text_of(signed_in, execution)


def test_triggers_tell_what_they_take_and_what_they_leave_out(signed_in: Client) -> None:
    git = {
        "sourceActionName": "GitHub",
        "push": [
            {
                "branches": {"includes": ["main"], "excludes": ["main-old"]},
                "filePaths": {"includes": ["src/**"], "excludes": ["src/<docs>/**"]},
            },
            {"tags": {"excludes": ["v0.*"]}},
        ],
        "pullRequest": [
            {
                "events": ["OPEN", "UPDATED"],
                "branches": {"includes": ["main"]},
                "filePaths": {"excludes": ["docs/**"]},
            }
        ],
    }
    pipeline = make_pipeline("orders", triggers=[{"gitConfiguration": git}])
    html = text_of(signed_in, pipeline)
    for words in (
        "on push to main but not main-old in src/** but not src/&lt;docs&gt;/**",
        "on push of tags any but not v0.*",
        "on pull requests opened, updated to main in any file but not docs/**",
    ):
        assert words in html, words


def test_a_board_names_the_provider_beside_what_it_works_on(signed_in: Client) -> None:
    jenkins = action_definition(
        "nightly", provider="Jenkins", configuration={"ProjectName": "billing-nightly"}
    )
    pipeline = make_pipeline("billing", definition=[stage_definition("Build", jenkins)])
    execution = make_execution(pipeline)
    make_stage(pipeline, "Build", execution, "Succeeded", live_action("nightly"))
    assert ">Jenkins · billing-nightly</span>" in text_of(signed_in, pipeline)


def test_an_action_is_where_links_to_it_point(signed_in: Client) -> None:
    execution = make_execution(make_pipeline("orders"))
    action = make_action(execution, "Build", "Compile")
    url = REGISTER.get("codepipeline.action").url
    assert url
    path, _, anchor = url(action).partition("#")
    assert f'id="{anchor}"' in signed_in.get(path).content.decode()


def test_what_ran_in_a_pipeline_that_is_gone_runs_no_more(signed_in: Client) -> None:
    pipeline = make_running_pipeline("orders", "InProgress")
    make_action(pipeline.latest_execution, "Build", "Compile", "InProgress")
    Pipeline.objects.filter(pk=pipeline.pk).update(gone_at=now())
    for html in (
        text_of(signed_in, pipeline),
        text_of(signed_in, pipeline, "executions/"),
        text_of(signed_in, pipeline.latest_execution),
    ):
        assert "Not known any more" in html
        assert "data-running" not in html
        assert "spin" not in html
