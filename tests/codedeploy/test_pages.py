"""Pages of deployments, groups and configurations: for whom, at what cost, and what they say."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from django.utils.timezone import now

from apps.codedeploy import digest, load
from apps.codedeploy.models import (
    Application,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Target,
)
from apps.live.fragment import FRAGMENTS
from apps.mirror.hints import follow_hints
from apps.mirror.models import Hint, Link, ReadToEnd, Scope
from apps.mirror.state import State
from apps.mirror.visibility import VISIBILITY
from apps.sandbox.codedeploy import causes
from tests import factories
from tests.flight import Flight

LISTS = ("/codedeploy/", "/codedeploy/groups/", "/codedeploy/configurations/")


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    forget()
    yield
    forget()


def forget() -> None:
    """Empty every cache: pictures of rows have their own."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


def html_of(client: Client, row: Any) -> str:
    path = row if isinstance(row, str) else row.get_absolute_url()
    response = client.get(path)
    assert response.status_code == 200, path
    return str(response.content.decode())


def failed() -> Deployment:
    return Deployment.objects.get(key="d-FAILED001")


def own_pages() -> list[str]:
    """The page of one row of each kind that has one."""
    rows = (
        failed(),
        DeploymentGroup.objects.get(pk=failed().group_id),
        Application.objects.first(),
    )
    return [row.get_absolute_url() for row in rows if row is not None]


def link(kind: str, row: Any, deployment: Deployment) -> None:
    """An action or stage that started a deployment."""
    Link.objects.create(
        from_kind=kind,
        from_id=row.pk,
        relation="runs",
        to_kind="codedeploy.deployment",
        to_arn=deployment.arn,
        owning=True,
    )


# --- For whom, and at what cost -------------------------------------------------------------------


def test_a_stranger_is_asked_to_sign_in_everywhere(client, swept):
    for path in (*LISTS, *own_pages()):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_whoever_is_signed_in_sees_every_page_of_a_full_account(viewer, swept):
    for path in LISTS:
        html_of(viewer, path)
    for model in (Application, DeploymentGroup, Deployment):
        for row in model.objects.all():
            html_of(viewer, row)


def test_rows_one_may_not_see_are_nowhere_and_nobody_reads_for_them(viewer, swept, monkeypatch):
    ReadToEnd.objects.all().delete()
    Target.objects.all().delete()
    Hint.objects.all().delete()
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    for path in LISTS:
        page = html_of(viewer, path)
        assert "checkout" not in page.split("<main")[1]
        assert "111122223333" not in page
    for path in own_pages():
        assert viewer.get(path).status_code == 404, path
    assert not Hint.objects.exists()


def test_pages_take_no_writes(viewer, swept):
    for path in (*LISTS, *own_pages()):
        assert viewer.post(path).status_code == 405, path


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_teaches(viewer, path):
    factories.make_scope()
    html = html_of(viewer, path)
    assert "codedeploy:List" in html
    assert "How reading goes" in html


@pytest.mark.parametrize("path", ["/codedeploy/", "/codedeploy/groups/"])
def test_a_list_that_nothing_fits_says_so(viewer, swept, path):
    assert "fits" in html_of(viewer, f"{path}?q=nowhere-at-all")


def more_rows(count: int) -> None:
    """Copies of the failed deployment with its targets, of its group, and so many groups."""
    scope = Scope.objects.get()
    first, group = failed(), DeploymentGroup.objects.get(key="checkout-api/production")
    for number in range(count):
        started = now() - timedelta(minutes=number)
        targets = list(Target.objects.filter(deployment=first))
        copy = Deployment.objects.get(pk=first.pk)
        copy.pk, copy.key, copy.arn, copy.created_at = None, f"d-C{number}", f"d-C{number}", started
        copy.save()
        for target in targets:
            target.pk, target.key, target.deployment = None, f"d-C{number}/{target.pk}", copy
            target.save()
        DeploymentGroup.objects.create(
            scope=scope,
            key=f"checkout-api/g{number}",
            name=f"g{number}",
            application=group.application,
            latest_deployment=copy,
            state="failed",
            status="Failed",
        )
        DeploymentConfig.objects.create(scope=scope, key=f"config-{number}")


@pytest.mark.sql
def test_queries_do_not_grow_with_the_rows(viewer, swept):
    def count(path: str) -> int:
        forget()
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(path).status_code == 200
        return len(queries)

    paths = (*LISTS, *own_pages())
    few = {path: count(path) for path in paths}
    more_rows(12)
    assert {path: count(path) for path in paths} == few


@pytest.mark.sql
def test_a_deployments_page_asks_no_more_where_it_has_many_targets(viewer, swept):
    one = failed()

    def count() -> int:
        forget()
        with CaptureQueriesContext(connection) as queries:
            html_of(viewer, one)
        return len(queries)

    few = count()
    first = Target.objects.filter(deployment=one).first()
    for number in range(90):
        first.pk, first.key, first.target_id = None, f"x/{number}", f"i-{number:04}"
        first.save()
    assert count() == few
    assert "and 33 more" in html_of(viewer, one)


def test_an_unchanged_list_is_not_sent_again(viewer, swept):
    etag = viewer.get("/codedeploy/").headers["ETag"]
    assert viewer.get("/codedeploy/", headers={"If-None-Match": etag}).status_code == 304
    factories.change(failed(), "codedeploy.deployment")
    assert viewer.get("/codedeploy/", headers={"If-None-Match": etag}).status_code == 200


def test_pages_and_the_stream_show_the_same_bytes(viewer, swept):
    kinds = {
        "codedeploy.deployment": failed(),
        "codedeploy.deploymentgroup": failed().group,
    }
    pages = {"/codedeploy/", "/codedeploy/groups/", *own_pages()}
    shown = "".join(html_of(viewer, path) for path in pages)
    for kind, row in kinds.items():
        for fragment in FRAGMENTS.of(kind):
            assert fragment.render([row.pk])[row.pk] in shown, fragment.name


# --- Why it failed --------------------------------------------------------------------------------


def with_cause(flight: Flight, cause: causes.Cause) -> Flight:
    """The full flight, in which an instance fails of this."""
    log = "\n".join(
        (f"LifecycleEvent - {cause.event}", f"Script - {cause.script}", *cause.log)
        if cause.log
        else ()
    )
    events = [
        {"lifecycleEventName": "DownloadBundle", "status": "Succeeded"},
        {
            "lifecycleEventName": cause.event,
            "status": "Failed",
            "startTime": 1767259700.0,
            "endTime": 1767259760.0,
            "diagnostics": {
                "errorCode": cause.diagnostic,
                "scriptName": cause.script,
                "message": cause.message,
                "logTail": log,
            },
        },
    ]
    events = events if cause.event != "DownloadBundle" else events[1:]
    target = {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {
            "deploymentId": "d-FAILED001",
            "targetId": "i-0a1b2c3d4e5f60002",
            "targetArn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60002",
            "status": "Failed",
            "lifecycleEvents": events,
        },
    }
    before = flight._plays["codedeploy:BatchGetDeploymentTargets"]

    def play(params: Any) -> Any:
        mine = params["deploymentId"] == "d-FAILED001"
        return {"deploymentTargets": [target]} if mine else before(params)  # type: ignore[operator]

    return flight.on("codedeploy:BatchGetDeploymentTargets", play)


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        (causes.START_CRASHES, "Error: connect ECONNREFUSED 10.0.12.31:5432"),
        (causes.JAVA_CRASHES, "Required property 'tax.rates.url' is not set"),
        (causes.HEALTH_CHECK, "curl: (22) The requested URL returned error: 502"),
        (causes.DISK_FULL, "tar: /var/lib/prices/index.bin: Cannot write: No space left on device"),
        (causes.ACCESS_DENIED, "Access Denied: the instance profile may not s3:GetObject"),
        (causes.NO_APPSPEC, "The CodeDeploy agent did not find an AppSpec file"),
        (causes.AGENT_SILENT, "CodeDeploy agent was not able to receive the lifecycle event"),
    ],
)
def test_the_line_that_caused_a_failure_is_what_pages_show(viewer, sweep, full, cause, line):
    sweep(with_cause(full, cause))
    deployment = failed()
    told = escape(line)
    page = html_of(viewer, deployment)
    assert page.index(f"Why it failed: {cause.event} on") < page.index(">Targets<")
    assert told in page
    if cause.log:
        (marked,) = set(re.findall(r'log-line is-error"><span class="log-text">(.*?)</span>', page))
        assert told in marked
    for path in ("/codedeploy/", "/codedeploy/groups/", deployment.group.get_absolute_url()):
        assert told in html_of(viewer, path), path
    pipeline = factories.make_running_pipeline("orders", "Failed")
    stage = pipeline.stages.get(name="Build")
    stage.actions = [{**stage.actions[0], "runs": deployment.arn}, *stage.actions[1:]]
    stage.save()
    link("codepipeline.stage", stage, deployment)
    action = factories.make_action(pipeline.latest_execution, "Build", "Compile", "Failed")
    link("codepipeline.action", action, deployment)
    for path in ("/", pipeline.get_absolute_url(), pipeline.latest_execution.get_absolute_url()):
        html = html_of(viewer, path)
        assert told in html, path
        assert path == "/" or f'href="{deployment.get_absolute_url()}"' in html
    forget()
    assert ">orders · Build / Compile</a>" in html_of(viewer, deployment)


def test_a_deployment_that_an_alarm_stopped_names_the_alarm(viewer, swept):
    stopped = Deployment.objects.get(key="d-ALARM0001")
    assert digest.why_deployment(stopped).startswith("Alarm fraud-model-errors went off\n")
    page = html_of(viewer, stopped)
    assert "Alarm fraud-model-errors went off" in page
    assert "Rolled back by" in page
    back = Deployment.objects.get(key="d-BACK00001")
    assert f'href="{back.get_absolute_url()}"' in page
    other = html_of(viewer, back)
    assert "Rolls back" in other
    assert f'href="{stopped.get_absolute_url()}"' in other


def test_targets_are_put_in_order_and_cut_by_the_database_and_logs_are_read_of_few(viewer, swept):
    one = failed()
    assert one.cause_target == "i-0a1b2c3d4e5f60002"
    Target.objects.bulk_create(
        Target(
            scope=one.scope,
            deployment=one,
            key=f"{one.key}/i-{number:03}",
            target_id=f"i-{number:03}",
            state=State.FAILED if number >= 95 else State.DONE,
            status="Failed" if number >= 95 else "Succeeded",
            log_tail=f"[stderr]tail of {number:03}",
        )
        for number in range(100)
    )
    with CaptureQueriesContext(connection) as asked:
        told = load.deployment_targets([one.pk])[one.pk]
    shown = [target["row"].target_id for target in told["targets"]]
    assert len(shown) == load.SHOWN
    assert {f"i-{number:03}" for number in range(95, 100)} < set(shown[:6])
    assert told["left_out"] == Target.objects.filter(deployment=one).count() - load.SHOWN
    # In one query, and none is shown of the target that is quoted above.
    tails = [query["sql"] for query in asked if "log_tail" in query["sql"]]
    assert len(tails) == 1
    assert sum(bool(target["excerpt"]) for target in told["targets"]) == 5
    assert "tail of 099" in html_of(viewer, one)


def test_what_is_told_without_targets_is_awss_own_sentence(viewer, swept):
    one = failed()
    Target.objects.all().delete()
    Deployment.objects.update(cause="", strip=[])
    assert digest.why_deployment(failed()).startswith("HEALTH_CONSTRAINTS: The overall deployment")
    assert "The overall deployment failed because" in html_of(viewer, one)


def test_instances_left_failed_are_named_and_come_first_the_next_time(viewer, swept):
    group = failed().group
    assert group.failed_instances == ["i-0a1b2c3d4e5f60002"]
    for page in (html_of(viewer, group), html_of(viewer, failed())):
        assert "i-0a1b2c3d4e5f60002" in page
        assert re.search(r"[Tt]he next deployment (of the group )?goes to it first", page)


def test_a_fleet_that_was_made_for_its_deployment_is_not_deployed_to_again(swept):
    group = failed().group
    Deployment.objects.filter(pk=failed().pk).update(
        deployment_type="BLUE_GREEN",
        blue_green={"green_fleet_provisioning_option": {"action": "COPY_AUTO_SCALING_GROUP"}},
    )
    assert digest.groups([group.pk])[group.pk]["failed_instances"] == []


def test_an_instance_that_was_mended_since_is_left_out(swept):
    group = failed().group
    Deployment.objects.create(
        scope=group.scope,
        group=group,
        key="d-NEWER0001",
        compute_platform="Server",
        state=State.DONE,
        created_at=now(),
        strip=[{"id": 1, "name": "i-0a1b2c3d4e5f60002", "state": "done", "status": "Succeeded"}],
    )
    assert digest.groups([group.pk])[group.pk]["failed_instances"] == []


@pytest.mark.parametrize(
    ("state", "counts", "left"),
    [
        (State.DONE, {}, []),
        (State.FAILED, {"succeeded": 1, "failed": 1}, []),
        # It went to no instance, and so mended none.
        (State.FAILED, {"pending": 2}, ["i-0a1b2c3d4e5f60002"]),
        (State.MOVING, {"in_progress": 1}, ["i-0a1b2c3d4e5f60002"]),
    ],
)
def test_a_deployment_whose_targets_nobody_read_ends_what_is_known_of_instances(
    swept, state: State, counts: dict[str, int], left: list[str]
):
    group = failed().group
    Deployment.objects.create(
        scope=group.scope,
        group=group,
        key="d-NEWER0001",
        compute_platform="Server",
        state=state,
        created_at=now(),
        **counts,
    )
    assert digest.groups([group.pk])[group.pk]["failed_instances"] == left


# --- What else they say ---------------------------------------------------------------------------


def test_one_deployment_is_one_strip_of_a_segment_a_target(viewer, swept):
    page = html_of(viewer, "/codedeploy/")
    row = page.split(f'id="deployment-row-{failed().pk}"')[1].split("</tr>")[0]
    assert row.count('class="seg ') == 3
    assert 'aria-label="6 targets, 1 pending, 1 in progress, 1 succeeded, 1 failed' in row
    assert "i-0a1b2c3d4e5f60002 (Green): Failed, ApplicationStart" in row


def test_a_deployment_tells_its_events_and_what_it_was_to_do(viewer, swept):
    page = html_of(viewer, failed())
    for said in (
        "Application start",
        "Before install",
        "checkout-three-of-four",
        "at least 75 percent of the instances stay healthy; one Availability Zone after the other",
        "blue/green, behind a load balancer",
        "The originals are terminated 60 minutes later.",
        "when a deployment fails",
        "a failing ApplicationStop is passed over",
        "checkout-api-latency",
        "outdated instances",
        "Overwrite",
    ):
        assert said in page, said


def test_traffic_that_is_shifted_is_told_in_per_cent(viewer, swept):
    page = html_of(viewer, Deployment.objects.get(key="d-ECS000001"))
    assert "10 % of the traffic on the new version" in page
    assert 'value="10.00"' in page
    assert "Green task set" in page
    assert "The traffic waits for somebody to reroute it" in page
    assert "10 % of the traffic shifted" in html_of(viewer, "/codedeploy/")
    lambda_page = html_of(viewer, Deployment.objects.get(key="d-BACK00001"))
    assert "fraud-model:live from version 42 to 41" in lambda_page


def test_a_group_tells_where_and_how_it_deploys(viewer, swept):
    page = html_of(viewer, failed().group)
    for said in (
        "app = checkout-api",
        "canary = any value",
        "rack = ams-3",
        "new instances are deployed to",
        "each stops a deployment",
        "when a deployment fails, or when an alarm goes off",
        "deployment failure, deployment rollback",
        "Traffic is rerouted as soon as the replacements are ready.",
        "d-OLDGOOD01",
    ):
        assert said in page, said
    ecs = html_of(viewer, DeploymentGroup.objects.get(key="basket/blue-green"))
    assert "shop / basket" in ecs
    assert "10 percent more every minute" in ecs


def test_an_appspec_is_shown_with_its_secrets_masked(viewer, swept):
    page = html_of(viewer, Deployment.objects.get(key="d-ECS000001"))
    assert "basket:9" in page
    assert "&quot;Password&quot;: &quot;***&quot;" in page


def test_opening_a_deployment_asks_for_the_appspec_that_aws_left_out(viewer, swept, scope):
    stopped = Deployment.objects.get(key="d-ALARM0001")
    Hint.objects.all().delete()
    assert "fraud-model-smoke" not in html_of(viewer, stopped)
    hint = Hint.objects.get(kind="codedeploy.deployment")
    assert hint.row_key == "d-ALARM0001"
    follow_hints(scope.pk)
    calls = swept.calls("codedeploy:GetApplicationRevision")
    sha = calls[0]["revision"]["appSpecContent"]["sha256"]
    page = html_of(viewer, stopped)
    assert "fraud-model-smoke" in page
    assert "ApiToken: ***" in page
    # Once is enough: a hash has one content.
    Hint.objects.all().delete()
    html_of(viewer, stopped)
    assert not Hint.objects.filter(kind="codedeploy.deployment").exists()
    follow_hints(scope.pk)
    assert len(calls) == 1
    assert Deployment.objects.get(key="d-ALARM0001").appspec_sha256 == sha


def test_what_still_runs_on_instances_is_read_though_a_newer_deployment_failed(swept):
    old = Deployment.objects.get(key="d-OLDGOOD01")
    assert old.group.latest_deployment.state == State.FAILED
    assert old.targets.filter(state=State.DONE).exists()


def test_opening_a_deployment_whose_targets_nobody_read_asks_for_them(viewer, swept):
    old = Deployment.objects.get(key="d-OLDGOOD01")
    old.targets.all().delete()
    ReadToEnd.objects.filter(parent_key=old.key).delete()
    Hint.objects.all().delete()
    assert "Its targets are being read" in html_of(viewer, old)
    hint = Hint.objects.get()
    assert (hint.kind, hint.parent_key) == ("codedeploy.target", "d-OLDGOOD01")
    html_of(viewer, failed())
    assert Hint.objects.count() == 1


def test_hostile_text_is_text(viewer, swept):
    evil = "\x1b[31m<script>alert(1)</script>"
    Deployment.objects.update(
        description=evil,
        error_message=evil,
        rollback_message=evil,
        application_name=evil[5:],
        revision={"type": evil, "bucket": evil, "key": evil, "content": evil},
        failed_targets=[evil],
        status_messages=[evil],
    )
    Deployment.objects.filter(key="d-FAILED001").update(
        revision={"type": "S3", "bucket": evil, "key": evil}
    )
    Target.objects.update(
        failing_message=evil,
        failing_script=evil,
        log_tail=f"[stderr]{evil}",
        log_mark=0,
        lifecycle_events=[
            {"name": evil, "status": evil, "state": "failed", "script": evil, "message": evil}
        ],
        target_id=evil,
    )
    DeploymentGroup.objects.update(
        failed_instances=[evil],
        ec2_tag_set=[[{"key": evil, "value": evil, "type": ""}]],
        triggers=[{"name": evil, "target_arn": evil, "events": [evil]}],
        alarm_configuration={"enabled": True, "alarms": [evil]},
    )
    forget()
    for path in (*LISTS, *own_pages()):
        page = html_of(viewer, path)
        assert "<script>alert" not in page, path
        assert "\x1b" not in page, path


def test_deployments_and_groups_are_found(viewer, swept):
    assert failed().get_absolute_url() in html_of(viewer, "/search?q=d-FAILED")
    commit = Deployment.objects.get(key="d-STACK0001")
    assert commit.get_absolute_url() in html_of(viewer, "/search?q=77f0b104")
    assert failed().group.get_absolute_url() in html_of(viewer, "/search?q=production")


# --- Said once, and seen --------------------------------------------------------------------------


def a_failed_target(name: str, message: str, log: str = "") -> Target:
    deployment = failed()
    return Target.objects.create(
        scope=deployment.scope,
        deployment=deployment,
        key=f"{deployment.key}/{name}",
        arn=name,
        target_id=name,
        state=State.FAILED,
        status="Failed",
        failing_event="ApplicationStop",
        failing_message=message,
        log_tail=log,
        lifecycle_events=[
            {
                "name": "ApplicationStop",
                "status": "Failed",
                "state": "failed",
                "start": "2026-01-05T09:00:00+00:00",
                "end": "2026-01-05T09:00:01+00:00",
                "seconds": 1,
                "error_code": "UnknownError",
                "script": "",
                "message": message,
            }
        ],
    )


def test_what_failed_alike_on_several_targets_is_said_once_with_all_of_them(viewer, swept):
    silent = "CodeDeploy agent was not able to receive the lifecycle event."
    one, two, three = (a_failed_target(f"i-silent{n}", silent, "[stderr]mute") for n in "123")
    other = a_failed_target("i-other", "Something else went wrong.", "[stderr]mute")
    Target.objects.filter(pk=three.pk).update(log_tail="[stderr]of its own")
    page = html_of(viewer, failed())
    assert page.count(silent) == 1
    assert page.count("Something else went wrong.") == 1
    for row in (two, three):
        assert page.count(f'href="#target-{row.pk}">{row.target_id}</a>') == 1
    # Each of the two says where it is told; the logs that are alike are shown once.
    assert page.count(f'the same as on <a class="link mono" href="#target-{one.pk}">') == 2
    assert page.count("of its own") == 1
    assert page.count("[stderr]mute") == 2
    assert f'href="#target-{other.pk}">' not in page


def test_an_event_that_took_no_time_has_a_bar_that_is_seen_and_one_to_come_has_none():
    events = [
        {"name": "Install", "state": "done", "start": "x", "seconds": 1000},
        {"name": "AfterInstall", "state": "done", "start": "x", "seconds": 0},
        {"name": "ApplicationStart", "state": "moving", "start": "x", "seconds": None},
        {"name": "ValidateService", "state": "", "start": None, "seconds": None},
    ]
    drawn = load.target_view(Target(lifecycle_events=events))["events"]
    assert [one["share"] for one in drawn] == [100.0, 2.5, 2.5, 0.0]
    assert all(0 <= one["offset"] <= 100 - one["share"] for one in drawn)


def test_a_list_of_deployments_shows_the_whole_revision(viewer, swept):
    page = html_of(viewer, "/codedeploy/")
    assert ">codepipeline-eu-west-1-111122223333/checkout-api/BuildArtif/y38gNdK (v2)<" in page


def test_a_group_of_an_application_that_is_gone_says_so_and_is_in_no_list(viewer, swept):
    group = DeploymentGroup.objects.present().earliest("pk")
    Application.objects.filter(pk=group.application_id).update(gone_at=now())
    forget()
    assert group.get_absolute_url() not in html_of(viewer, "/codedeploy/groups/")
    assert "no longer lists the application of this deployment group" in html_of(viewer, group)


def test_a_group_whose_deployments_were_not_read_is_not_told_to_have_none(viewer: Client):
    scope = factories.make_scope()
    application = Application.objects.create(scope=scope, key="shop", arn="shop")
    group = DeploymentGroup.objects.create(
        scope=scope, key="shop/live", arn="live", name="live", application=application
    )
    assert "No deployment yet" in html_of(viewer, "/codedeploy/groups/")
    attempted = {"deployment_id": "d-UNREAD001", "status": "Failed"}
    DeploymentGroup.objects.update(last_attempted=attempted, version=group.version + 1)
    for path in ("/codedeploy/groups/", group):
        page = html_of(viewer, path)
        assert "d-UNREAD001" in page
        assert "No deployment yet" not in page
        assert "Not run yet" not in page
        assert re.search("not read yet", page, re.IGNORECASE)


# --- What applies, and who began it ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "shown"), [("Server", True), ("Lambda", False), ("ECS", False)]
)
def test_what_an_agent_does_with_files_is_told_of_instances_alone(viewer, swept, platform, shown):
    Deployment.objects.filter(key="d-FAILED001").update(
        compute_platform=platform, file_exists_behavior="DISALLOW"
    )
    html = html_of(viewer, failed())
    assert ("Stop failures" in html) is shown
    assert ("Files that exist" in html) is shown


def test_who_began_a_deployment_is_said_once(viewer, swept):
    description = "Deployed by CodePipeline checkout"
    Deployment.objects.filter(key="d-FAILED001").update(creator="user", description=description)
    html = html_of(viewer, failed())
    assert description in html
    assert "Begun by" not in html
    assert "a person or a pipeline" not in html
    # The pipeline's action says more than either.
    pipeline = factories.make_running_pipeline("orders", "Failed")
    action = factories.make_action(pipeline.latest_execution, "Build", "Compile", "Failed")
    link("codepipeline.action", action, failed())
    forget()
    html = html_of(viewer, failed())
    assert html.count("Begun by") == 1
    assert description not in html
    assert "a person or a pipeline" not in html


def test_where_nothing_else_tells_who_began_it_awss_word_does(viewer, swept):
    Deployment.objects.filter(key="d-FAILED001").update(creator="user", description="")
    assert html_of(viewer, failed()).count("Begun by a person or a pipeline") == 1
    Deployment.objects.filter(key="d-FAILED001").update(creator="codeDeployRollback")
    forget()
    assert "Begun by CodeDeploy, to roll back" in html_of(viewer, failed())
