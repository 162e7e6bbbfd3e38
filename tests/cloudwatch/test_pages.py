"""Pages of alarms, metrics and log groups: for whom, at what cost, and what they say."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from apps.cloudwatch import fill, keep, load, near
from apps.cloudwatch.models import Alarm, AlarmHistory, Kept, LogGroup, Metric
from apps.cloudwatch.records import Points
from apps.cloudwatch.searches import search_in, tail_of
from apps.cloudwatch.watched import series_of
from apps.ec2.models import LoadBalancer
from apps.live.fragment import FRAGMENTS
from apps.mirror.models import Link, Operation, Scope, Sweep
from apps.mirror.panels import PANELS
from apps.mirror.visibility import VISIBILITY
from tests import factories
from tests.cloudwatch.reading import sweep

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _forgetful() -> Any:
    forget()
    yield
    forget()


@pytest.fixture
def one_minute() -> Any:
    """Time stands still: a search is the same one within a minute."""
    with time_machine.travel(now(), tick=False):
        yield


def forget() -> None:
    """Empty every cache: pictures of rows have their own."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.fixture
def place(db: None) -> Scope:
    return factories.make_scope()


@pytest.fixture
def mirrored(place: Scope, full: Any, aws: Any) -> Scope:
    """What the full flight tells, and a build project with its metrics."""
    aws(full)
    factories.make_build("checkout-build", scope=place)
    sweep(place)
    return place


def project() -> Any:
    from apps.codebuild.models import Project

    return Project.objects.get(key="checkout-build")


def alarm(name: str = "image-resizer-errors") -> Alarm:
    found: Alarm = Alarm.objects.get(key=name)
    return found


def paths() -> list[str]:
    group = LogGroup.objects.get(key="/aws/lambda/image-resizer")
    return [
        "/cloudwatch/",
        "/cloudwatch/metrics/",
        "/cloudwatch/logs/",
        f"/cloudwatch/alarms/{alarm().pk}/",
        f"/cloudwatch/metrics/of/codebuild.project/{project().pk}/",
        f"/cloudwatch/metrics/of/cloudwatch.alarm/{alarm().pk}/",
        f"/cloudwatch/logs/{group.pk}/",
        f"/cloudwatch/logs/{group.pk}/?pattern=ERROR&span=1h",
        f"/cloudwatch/logs/grouptail/{group.pk}/",
    ]


def test_a_stranger_is_asked_to_sign_in_everywhere(mirrored: Scope, client: Client):
    for path in paths():
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_whoever_is_signed_in_sees_every_page(mirrored: Scope, viewer: Client):
    for path in paths():
        assert viewer.get(path).status_code == 200, path


def test_rows_one_may_not_see_are_nowhere(
    mirrored: Scope, viewer: Client, monkeypatch: pytest.MonkeyPatch, queued: Any
):
    every = paths()
    queued.clear()
    monkeypatch.setattr(VISIBILITY.rule, "rows", lambda user, _model: Q(pk__in=[]))
    monkeypatch.setattr(VISIBILITY.rule, "scopes", lambda user: Q(pk__in=[]))
    for path in every[:3]:
        page = viewer.get(path).text
        assert "image-resizer" not in page
        assert "111122223333" not in page
    for path in every[3:]:
        assert viewer.get(path).status_code == 404, path
    assert queued == []


def test_pages_take_no_writes(mirrored: Scope, viewer: Client):
    for path in paths():
        assert viewer.post(path).status_code == 405, path


def test_what_is_no_kind_with_metrics_is_not_found(mirrored: Scope, viewer: Client):
    for path in ("nothing.of/1/", "codebuild.project/999999/"):
        assert viewer.get(f"/cloudwatch/metrics/of/{path}").status_code == 404


@pytest.mark.sql
@pytest.mark.parametrize("path", ["/cloudwatch/", "/cloudwatch/logs/", "/cloudwatch/metrics/"])
def test_lists_ask_as_much_for_many_rows_as_for_few(place: Scope, viewer: Client, path: str):
    counts = []
    for number in (2, 30):
        for one in range(number):
            made = make_alarm(place, f"alarm-{number}-{one}")
            note(made, "OK", "ALARM", 30)
            LogGroup.objects.create(scope=place, key=f"/group/{number}/{one}")
            factories.make_build(f"project-{number}-{one}", scope=place)
        viewer.get(path)
        forget()
        with CaptureQueriesContext(connection) as queries:
            viewer.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.sql
def test_a_resources_metrics_ask_as_much_whatever_is_near(mirrored: Scope, viewer: Client):
    path = f"/cloudwatch/metrics/of/codebuild.project/{project().pk}/"
    counts = []
    for number in (1, 12):
        for one in range(number):
            pipeline = factories.make_pipeline(f"p-{number}-{one}", mirrored)
            factories.make_execution(pipeline)
            made = make_alarm(mirrored, f"on-{number}-{one}")
            watch(made)
        viewer.get(path)
        forget()
        with CaptureQueriesContext(connection) as queries:
            viewer.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def make_alarm(scope: Scope, name: str, status: str = "OK", **more: Any) -> Alarm:
    state = {"OK": "done", "ALARM": "failed"}.get(status, "unknown")
    made: Alarm = Alarm.objects.create(
        **{
            "scope": scope,
            "key": name,
            "arn": f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}",
            "alarm_type": "MetricAlarm",
            "status": status,
            "state": state,
            "state_reason": "Threshold Crossed",
            "state_transitioned": now() - timedelta(minutes=20),
            "namespace": "Shop",
            "metric_name": "Errors",
            "statistic": "Sum",
            "period": 60,
            "evaluation_periods": 1,
            "threshold": 5.0,
            "comparison_operator": "GreaterThanThreshold",
            "urgency": 0 if state == "failed" else 5,
            **more,
        }
    )
    return made


def watch(alarm: Alarm) -> None:
    Link.objects.create(
        from_kind="cloudwatch.alarm",
        from_id=alarm.pk,
        relation="watches",
        to_kind="codebuild.project",
        to_arn=project().arn,
    )


def note(alarm: Alarm, before: str, after: str, minutes: int, **more: Any) -> AlarmHistory:
    state = {"OK": "done", "ALARM": "failed"}.get(after, "unknown")
    made: AlarmHistory = AlarmHistory.objects.create(
        **{
            "scope": alarm.scope,
            "alarm": alarm,
            "alarm_name": alarm.key,
            "key": f"{alarm.key}-{minutes}",
            "at": now() - timedelta(minutes=minutes),
            "item_type": "StateUpdate",
            "summary": f"Alarm updated from {before} to {after}",
            "old_state": before,
            "status": after,
            "state": state,
            **more,
        }
    )
    return made


# --- Alarms ---------------------------------------------------------------------------------------


def test_red_alarms_stand_first_with_their_reason_and_condition(mirrored: Scope, viewer: Client):
    page = viewer.get("/cloudwatch/").text
    names = re.findall(r'class="name" href="[^"]+">([^<]+)<', page)
    assert names[:2] == ["checkout-unhealthy", "image-resizer-errors"]
    assert "2 out of the last 2 datapoints" in page
    assert "Sum of Errors above 5 for 2 periods of 1 minute; missing data count as good" in page
    # AWS's word stands beside the icon.
    assert "Insufficient data" in page
    assert "Dreaming" in page


def test_the_list_is_narrowed_by_words_state_and_type(mirrored: Scope, viewer: Client):
    def named(query: str) -> set[str]:
        page = viewer.get(f"/cloudwatch/?{query}").text
        return set(re.findall(r'class="name" href="[^"]+">([^<]+)<', page))

    assert named("q=latency") == {"web-latency", "checkout-unhealthy"}
    assert named("state=failed") == {"checkout-unhealthy", "image-resizer-errors"}
    assert named("type=CompositeAlarm") == {"checkout-unhealthy", "of-tomorrow"}
    assert named("q=nothing-like-it") == set()


@pytest.mark.parametrize(
    ("name", "causing"),
    [
        (
            "threshold",
            "Threshold Crossed: 1 out of the last 1 datapoints [12.0 (27/11/26 10:15:00)]",
        ),
        ("missing", "no datapoints were received for 3 periods and 3 missing datapoints were"),
        ("status", "1 out of the last 1 datapoints [1.0 (27/11/26 10:15:00)] was greater than or"),
    ],
)
def test_the_causing_line_is_what_the_page_shows(
    place: Scope, viewer: Client, name: str, causing: str
):
    made = make_alarm(place, name, "ALARM", state_reason=f"{causing} …")
    for path in ("/cloudwatch/", f"/cloudwatch/alarms/{made.pk}/"):
        assert causing in viewer.get(path).text
    assert viewer.get(f"/cloudwatch/alarms/{made.pk}/").text.index("Why it is red") < viewer.get(
        f"/cloudwatch/alarms/{made.pk}/"
    ).text.index(causing)


def test_a_composite_alarm_shows_why_its_red_child_is_red(mirrored: Scope, viewer: Client):
    page = viewer.get(f"/cloudwatch/alarms/{alarm('checkout-unhealthy').pk}/").text
    assert page.index("2 out of the last 2 datapoints") < page.index("transitioned to ALARM at")
    assert "The alarms it asks" in page
    assert "Its actions are suppressed: Actions suppressed by deploying" in page
    from apps.cloudwatch.digest import why_alarm

    assert why_alarm(alarm("checkout-unhealthy")).startswith(
        "image-resizer-errors: Threshold Crossed: 2 out of the last 2 datapoints"
    )
    assert why_alarm(alarm("web-latency")) == ""


def test_the_list_gives_the_reason_of_a_composite_alarms_red_child(mirrored: Scope, viewer: Client):
    page = viewer.get("/cloudwatch/").text
    row = page.partition(f'id="alarm-row-{alarm("checkout-unhealthy").pk}"')[2].partition("</tr>")[
        0
    ]
    told = row.partition('class="why clamp"')[2].partition(">")[2].partition("<")[0]
    assert told.startswith("image-resizer-errors: Threshold Crossed: 2 out of the last 2")


def test_an_alarm_says_what_it_would_do_in_each_state(mirrored: Scope, viewer: Client):
    page = viewer.get(f"/cloudwatch/alarms/{alarm().pk}/").text
    for words in (
        "notifies the topic",
        "invokes the function",
        "notify-chat:live",
        "of severity 2 (Availability)",
        "platform",
    ):
        assert words in page
    off = viewer.get(f"/cloudwatch/alarms/{alarm('web-latency').pk}/").text
    assert "its actions are switched off" in off


def test_an_alarm_leads_to_what_it_watches(mirrored: Scope, viewer: Client):
    made = make_alarm(mirrored, "build-fails", "ALARM")
    watch(made)
    page = viewer.get(f"/cloudwatch/alarms/{made.pk}/").text
    assert f'href="/codebuild/projects/{project().pk}/"' in page


def test_what_no_link_can_name_is_found_by_its_name(place: Scope, viewer: Client):
    from tests.beanstalk.making import make_application, make_environment

    environment = make_environment("shop-prod", application=make_application(scope=place))
    made = make_alarm(
        place,
        "environment-ill",
        "ALARM",
        namespace="AWS/ElasticBeanstalk",
        metric_name="EnvironmentHealth",
        dimensions={"EnvironmentName": "shop-prod"},
    )
    page = viewer.get(f"/cloudwatch/alarms/{made.pk}/").text
    assert f'href="/beanstalk/environments/{environment.pk}/"' in page
    panel = viewer.get(
        f"/cloudwatch/metrics/of/beanstalk.environment/{environment.pk}/",
        headers={"HX-Request": "true"},
    ).text
    assert "environment-ill" in panel


def test_history_tells_states_and_failed_actions(mirrored: Scope, viewer: Client):
    page = viewer.get(f"/cloudwatch/alarms/{alarm().pk}/").text
    assert "Alarm updated from OK to ALARM" in page
    assert "is not authorized to perform: SNS:Publish" in page


@pytest.mark.sql
def test_a_noisy_alarm_leaves_the_others_their_history(place: Scope):
    noisy, calm = make_alarm(place, "noisy"), make_alarm(place, "calm")
    for minute in range(3 * load.SHOWN):
        note(noisy, "OK", "ALARM", minute)
    note(calm, "OK", "ALARM", 1000)
    with CaptureQueriesContext(connection) as queries:
        told = load.alarm_history([noisy.pk, calm.pk])
    assert len(queries) == 2
    assert len(told[calm.pk]["items"]) == 1
    kept = told[noisy.pk]["items"]
    assert [item.key for item in kept] == [f"noisy-{minute}" for minute in range(load.SHOWN)]


def test_the_strip_shows_the_last_day(place: Scope, viewer: Client):
    made = make_alarm(place, "flapping", "OK")
    note(made, "OK", "ALARM", 600)
    note(made, "ALARM", "OK", 540)
    note(made, "OK", "ALARM", 50)
    page = viewer.get("/cloudwatch/").text
    strip = re.search(r'<svg class="alarm-strip".*?</svg>', page, re.DOTALL)
    assert strip is not None
    classes = re.findall(r'<rect class="(st-\w+)[^"]*"', strip[0])
    assert classes == ["st-ok", "st-bad", "st-ok", "st-bad", "st-ok"]


def test_hostile_text_is_text(place: Scope, viewer: Client):
    made = make_alarm(
        place,
        "evil",
        "ALARM",
        description=HOSTILE,
        state_reason=f"\x1b[31m{HOSTILE}",
        metric_name=HOSTILE,
        namespace=HOSTILE,
        dimensions={HOSTILE: HOSTILE},
        alarm_actions=[HOSTILE, f"arn:aws:sns:r:a:{HOSTILE}"],
        metrics=[{"id": "m", "expression": HOSTILE, "dimensions": {}, "returns": True}],
    )
    note(made, "OK", "ALARM", 5, summary=HOSTILE, reason=HOSTILE, error=HOSTILE)
    for path in ("/cloudwatch/", f"/cloudwatch/alarms/{made.pk}/"):
        page = viewer.get(path).text
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\x1b" not in page


def test_what_is_gone_says_so_and_stays(mirrored: Scope, viewer: Client):
    Alarm.objects.filter(key="web-latency").update(gone_at=now())
    assert "web-latency</a>" not in viewer.get("/cloudwatch/").text
    page = viewer.get(f"/cloudwatch/alarms/{alarm('web-latency').pk}/").text
    assert "CloudWatch no longer lists this alarm" in page


def test_empty_lists_teach(place: Scope, viewer: Client):
    for path, words in (
        ("/cloudwatch/", "cloudwatch:DescribeAlarms"),
        ("/cloudwatch/logs/", "logs:DescribeLogGroups"),
        ("/cloudwatch/metrics/", "cloudwatch:GetMetricData"),
    ):
        assert words in viewer.get(path).text


def test_fragments_are_what_the_page_shows(mirrored: Scope, viewer: Client):
    page = viewer.get(f"/cloudwatch/alarms/{alarm().pk}/").text
    for name in ("alarm-head", "alarm-facts", "alarm-history"):
        [html] = FRAGMENTS.by_name[name].render([alarm().pk]).values()
        assert html in page
        assert f'id="{name}-{alarm().pk}"' in html


# --- Metrics --------------------------------------------------------------------------------------


@pytest.fixture
def measured(mirrored: Scope) -> Scope:
    """The project's series with points of the last hour."""
    end = now().replace(second=0, microsecond=0)
    points = {}
    for series in series_of("codebuild.project", project().key, project().arn):
        values = tuple(
            (int((end - timedelta(minutes=minute)).timestamp()), 100.0 + minute)
            for minute in range(40, 0, -1)
            if minute not in (20, 21, 22)
        )
        points[series.key] = Points(end - timedelta(hours=2), end, 60, values)
    keep.keep_points(mirrored, points)
    return mirrored


def panel(viewer: Client, query: str = "", **headers: Any) -> str:
    path = f"/cloudwatch/metrics/of/codebuild.project/{project().pk}/{query}"
    return viewer.get(path, headers=headers or {"HX-Request": "true"}).text


def test_metrics_are_offered_to_the_pages_of_what_has_them(measured: Scope, viewer: Client):
    offered = [one.name for one in PANELS.of("codebuild.project")]
    assert "metrics" in offered
    assert "metrics" not in [one.name for one in PANELS.of("codebuild.build")]
    page = viewer.get(f"/codebuild/projects/{project().pk}/").text
    assert f'hx-get="/cloudwatch/metrics/of/codebuild.project/{project().pk}/"' in page


def test_each_series_is_a_chart_with_its_newest_value(measured: Scope, viewer: Client):
    html = panel(viewer)
    assert html.lstrip().startswith("<section")
    titles = re.findall(r'class="chart-title">([^<]+)<', html)
    assert titles == ["Duration of a build", "Succeeded builds", "Failed builds"]
    assert "1.68 min" in html
    assert "As a table" in html
    assert 'aria-label="Duration of a build: newest' in html


def test_gaps_are_gaps(measured: Scope, viewer: Client):
    line = re.search(r'class="chart-line" d="([^"]+)"', panel(viewer, "?range=1h"))
    assert line is not None
    assert line[1].count("M") == 2


@pytest.mark.parametrize("name", ["1h", "3h", "12h", "1d", "7d", "30d", "nonsense"])
def test_every_range_is_drawn(measured: Scope, viewer: Client, name: str):
    html = panel(viewer, f"?range={name}")
    assert html.count("<figure") == 3
    shown = name if name != "nonsense" else "3h"
    assert re.search(rf'range={shown}"[^>]*aria-current="true"', html)


def test_a_range_that_was_never_read_is_asked_for_once(
    measured: Scope, viewer: Client, queued: Any
):
    queued.clear()
    assert "is being read from CloudWatch" in panel(viewer, "?range=7d")
    assert "is being read from CloudWatch" in panel(viewer, "?range=7d")
    assert [name for name, _ in queued] == ["cloudwatch.fill"]
    fill.over(queued[0][1][0])
    assert "is being read from CloudWatch" not in panel(viewer, "?range=7d")
    queued.clear()
    panel(viewer, "?range=1h")
    assert queued == []


def test_an_alarms_history_that_is_denied_says_so(mirrored: Scope, viewer: Client):
    path = f"/cloudwatch/alarms/{alarm().pk}/"
    assert "cannot be read" not in viewer.get(path).text
    Operation.objects.update_or_create(
        scope=mirrored,
        kind="cloudwatch.alarmhistory",
        operation="cloudwatch:DescribeAlarmHistory",
        defaults={"health": "denied", "cure": "Allow cloudwatch:DescribeAlarmHistory."},
    )
    page = viewer.get(path).text
    assert "Alarm history cannot be read" in page
    assert "Denied at <code>cloudwatch:DescribeAlarmHistory</code>." in page
    assert "Allow cloudwatch:DescribeAlarmHistory." in page


def test_a_part_that_was_not_read_is_hatched_and_said(measured: Scope, viewer: Client, queued: Any):
    whole = panel(viewer, "?range=1h")
    assert "url(#unread-" not in whole
    html = panel(viewer, "?range=12h")
    assert html.count("url(#unread-") == 3
    assert "Hatched: not read before" in html
    # Somebody reads it; when that failed, it is said, too.
    fill.over(queued[-1][1][0])
    assert "could not be read; it is asked for again" in panel(viewer, "?range=12h")
    Kept.objects.update(filled_at=now())
    html = panel(viewer, "?range=12h")
    assert "url(#unread-" not in html
    assert "CloudWatch has points since" in html


def refuse(scope: Scope) -> None:
    """CloudWatch refuses GetMetricData from now on."""
    Sweep.objects.filter(scope=scope, kind="cloudwatch.metric").update(last_success=now())
    Operation.objects.update_or_create(
        scope=scope,
        kind="cloudwatch.metric",
        operation="cloudwatch:GetMetricData",
        defaults={
            "health": "denied",
            "code": "AccessDenied",
            "error": f"not authorized to perform: cloudwatch:GetMetricData {HOSTILE}",
            "cure": "Allow cloudwatch:GetMetricData to the credentials of this account.",
            "statement": {"Effect": "Allow", "Action": "cloudwatch:GetMetricData", "Resource": "*"},
        },
    )


def test_what_is_refused_is_not_said_to_be_under_way(measured: Scope, viewer: Client, queued: Any):
    refuse(measured)
    queued.clear()
    html = panel(viewer, "?range=30d")
    assert "is being read from CloudWatch" not in html
    assert queued == []
    assert "Metrics cannot be read: denied" in html
    assert "nothing earlier can be read either" in html
    assert "Allow cloudwatch:GetMetricData to the credentials" in html
    assert "&quot;Action&quot;: &quot;cloudwatch:GetMetricData&quot;" in html
    assert HOSTILE not in html
    assert html.count("<figure") == 3


def test_of_a_load_balancer_whose_metrics_are_not_read_it_says_so(measured: Scope, viewer: Client):
    arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer"
    for key, told in (("web", f"{arn}/web"), ("app/web/1", f"{arn}/app/web/1")):
        row = LoadBalancer.objects.create(scope=measured, key=key, arn=told, name="web")
        html = viewer.get(f"/cloudwatch/metrics/of/ec2.loadbalancer/{row.pk}/").text
        assert ("Those of application load balancers are" in html) is (key == "web")
        assert ("No metrics read yet" in html) is (key != "web")


def test_where_no_series_was_ever_read_it_says_why(measured: Scope, viewer: Client):
    Metric.objects.all().delete()
    assert "No metrics read yet" in panel(viewer)
    refuse(measured)
    html = panel(viewer)
    assert "No metrics read yet" not in html
    assert "Cannot be read: denied" in html
    assert "&quot;Action&quot;: &quot;cloudwatch:GetMetricData&quot;" in html
    made = make_alarm(measured, "build-fails")
    assert "Cannot be read: denied" in viewer.get(f"/cloudwatch/alarms/{made.pk}/").text


def test_the_hour_that_is_not_over_is_drawn_apart(measured: Scope, viewer: Client):
    html = panel(viewer, "?range=7d")
    assert html.count('class="chart-tail"') == 3
    assert " so far" in html


def test_one_series_alone_says_what_it_is(measured: Scope, viewer: Client):
    one = Metric.objects.get(metric_name="Duration")
    html = viewer.get(one.get_absolute_url(), headers={"HX-Request": "true"}).text
    assert html.count("chart-facts") == 1
    assert "<dt>Highest</dt>" in html
    assert "AWS/CodeBuild" in html
    assert "chart-facts" not in panel(viewer)


def test_pictures_are_kept_until_something_is_new(measured: Scope, viewer: Client):
    first = panel(viewer)
    with CaptureQueriesContext(connection) as queries:
        assert panel(viewer) == first
    assert not any("cloudwatch_chunk" in query["sql"] for query in queries)


def test_deployments_nearby_are_marked(measured: Scope, viewer: Client):
    pipeline = factories.make_pipeline("checkout", measured)
    ended = now() - timedelta(minutes=30)
    execution = factories.make_execution(
        pipeline, "Failed", started_at=ended - timedelta(minutes=5), ended_at=ended
    )
    html = panel(viewer)
    assert "in this account and region" in html
    assert html.count('class="chart-mark st-bad"') == 3
    # Linked with the project, the others are left out.
    other = factories.make_pipeline("other", measured)
    factories.make_execution(other, ended_at=ended)
    build = factories.make_build("checkout-build", scope=measured)
    Link.objects.create(
        from_kind="codebuild.build",
        from_id=build.pk,
        relation="belongs to",
        to_kind="codebuild.project",
        to_arn=project().arn,
    )
    action = factories.make_action(execution, "Build", "Compile", "Failed")
    factories.link_runs("codepipeline.action", action, build)
    html = panel(viewer)
    assert "1 marked: what ended near this" in html
    assert f"/codepipeline/executions/{execution.pk}/" in html


def test_alarms_on_it_stand_below(measured: Scope, viewer: Client):
    made = make_alarm(measured, "build-fails", "ALARM", state_reason="12 builds failed")
    watch(made)
    html = panel(viewer)
    assert f'href="/cloudwatch/alarms/{made.pk}/"' in html
    assert "12 builds failed" in html


@pytest.mark.sql
def test_the_alarms_of_others_do_not_hide_those_on_it(
    measured: Scope, viewer: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(near, "LINKS", 3)
    of_project = {"namespace": "AWS/CodeBuild", "metric_name": "FailedBuilds"}
    for number in range(5):
        others = {"ProjectName": f"other-{number}"}
        make_alarm(measured, f"a-{number}", "ALARM", **of_project, dimensions=others)
    own = {"ProjectName": "checkout-build", "Stage": "prod"}
    make_alarm(measured, "z-by-name", "ALARM", **of_project, dimensions=own)
    html = panel(viewer)
    assert re.findall(r'href="/cloudwatch/alarms/[^"]+">([^<]+)<', html) == ["z-by-name"]
    # Where there are more than are shown, those that a link names stay.
    for number in range(5):
        make_alarm(measured, f"b-{number}", "ALARM", **of_project, dimensions=own)
    watch(make_alarm(measured, "z-linked", "OK"))
    html = panel(viewer)
    shown = re.findall(r'href="/cloudwatch/alarms/[^"]+">([^<]+)<', html)
    assert shown == ["b-0", "b-1", "z-linked"]


def test_a_series_that_is_refused_says_so_with_its_cure(measured: Scope, viewer: Client):
    Metric.objects.filter(metric_name="Duration").update(
        status="Forbidden", state="unknown", message=f"Forbidden: {HOSTILE}"
    )
    Metric.objects.filter(metric_name="FailedBuilds").update(
        status="InternalError", state="unknown", message=""
    )
    refused, fine, failed = panel(viewer).split("<figure")[1:]
    assert "CloudWatch refuses this series" in refused
    assert "Allow cloudwatch:GetMetricData to the credentials of this account" in refused
    assert HOSTILE not in refused
    assert "asks for the same time again" in failed
    assert 'class="note' not in fine


def test_an_alarms_threshold_is_drawn_in_its_chart(mirrored: Scope, viewer: Client):
    moment = int(now().timestamp()) // 60 * 60 - 300
    [metric] = Metric.objects.filter(namespace="AWS/Lambda", metric_name="Errors")
    read = Points(now() - timedelta(hours=2), now(), 60, ((moment, 9.0),))
    keep.keep_points(mirrored, {metric.key: read})
    page = viewer.get(f"/cloudwatch/alarms/{alarm().pk}/").text
    assert "Threshold 5" in page
    assert page.count("<figure") == 1


def test_the_list_of_what_has_metrics_goes_by_kind(measured: Scope, viewer: Client):
    page = viewer.get("/cloudwatch/metrics/").text
    assert f'href="/cloudwatch/metrics/of/codebuild.project/{project().pk}/"' in page
    assert "checkout-build" not in viewer.get("/cloudwatch/metrics/?q=nothing").text


def test_a_page_without_scripts_has_the_same(measured: Scope, viewer: Client):
    page = panel(viewer, accept="text/html")
    assert "<!doctype html>" in page
    assert page.count("<figure") == 3
    assert 'style="' not in page


# --- Logs -----------------------------------------------------------------------------------------


@pytest.fixture
def group(mirrored: Scope) -> LogGroup:
    found: LogGroup = LogGroup.objects.get(key="/aws/lambda/image-resizer")
    return found


def test_log_groups_tell_what_they_keep(mirrored: Scope, viewer: Client):
    page = viewer.get("/cloudwatch/logs/").text
    assert "14 days" in page
    assert "for ever" in page
    assert "70.0\xa0MB" in page


def test_a_group_is_followed_while_it_is_watched(group: LogGroup, viewer: Client, queued: Any):
    queued.clear()
    page = viewer.get(f"/cloudwatch/logs/{group.pk}/").text
    [(name, (look, number, _))] = queued
    assert (name, look, number) == ("cloudwatch.follow_group", "grouptail", group.pk)
    assert f'id="grouptail-{group.pk}"' in page
    assert f"grouptail:{group.pk}@0" in page


@pytest.mark.usefixtures("one_minute")
def test_a_search_is_read_and_its_note_stands_at_the_form(
    group: LogGroup, viewer: Client, queued: Any
):
    queued.clear()
    path = f"/cloudwatch/logs/{group.pk}/?pattern=a%3Db&span=3h"
    viewer.get(path)
    [(_, (look, number, _))] = queued
    assert look == "groupsearch"
    found = search_in(group.pk, "a=b", "3h")
    assert found.number == number
    contents = found.store.begin()
    contents.done = True
    contents.say(
        {
            "state": "failed",
            "title": "CloudWatch Logs refuses this search",
            "text": "Invalid character(s) in term 'a=b'",
            "cure": "",
        }
    )
    found.store.save(contents)
    page = viewer.get(path).text
    assert "Invalid character(s) in term &#x27;a=b&#x27;" in page
    assert 'value="a=b"' in page


@pytest.mark.usefixtures("one_minute")
def test_a_span_nobody_offered_is_the_usual_one(group: LogGroup, viewer: Client):
    page = viewer.get(f"/cloudwatch/logs/{group.pk}/?pattern=x&span=99y").text
    assert f"groupsearch:{search_in(group.pk, 'x', '1h').number}@0" in page
    assert '<option value="1h" selected>' in page


def test_hostile_lines_are_text(group: LogGroup, viewer: Client):
    tail = tail_of(group.pk)
    contents = tail.store.begin()
    tail.store.extend(contents, [f"12:00 s \x1b[31m{HOSTILE}\x1b[0m\x07"])
    tail.store.save(contents)
    page = viewer.get(f"/cloudwatch/logs/{group.pk}/").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "\x07" not in page
    some = viewer.get(f"/cloudwatch/logs/grouptail/{group.pk}/?first=0").text
    assert 'data-next="1"' in some


def test_a_search_nobody_made_is_not_found(group: LogGroup, viewer: Client):
    assert viewer.get("/cloudwatch/logs/groupsearch/12345/").status_code == 404
    assert viewer.get(f"/cloudwatch/logs/elsewhere/{group.pk}/").status_code == 404


def test_alarms_and_log_groups_are_found(mirrored: Scope, viewer: Client):
    page = viewer.get(reverse("dashboard:search"), {"q": "image-resizer"}).text
    assert f"/cloudwatch/alarms/{alarm().pk}/" in page
    assert "/cloudwatch/logs/" in page


# --- What became of an alarm, beyond the newest ---------------------------------------------------


def became(alarm: Alarm, minute: int, summary: str, item_type: str = "StateUpdate") -> None:
    AlarmHistory.objects.create(
        scope=alarm.scope,
        alarm=alarm,
        alarm_name=alarm.key,
        key=f"{alarm.pk}-{summary}",
        at=datetime(2026, 3, 2, 8, minute, tzinfo=UTC),
        item_type=item_type,
        summary=summary,
    )


def test_an_alarms_history_says_that_it_is_the_newest_and_gives_the_rest(viewer: Client, db: None):
    alarm = make_alarm(factories.make_scope(), "slow")
    for minute in range(45):
        became(alarm, minute, f"came to {minute:02}.")
    path = alarm.get_absolute_url()
    page = viewer.get(path).text
    assert "the newest 30" in page
    assert "came to 44." in page
    assert "came to 14." not in page
    older = re.search(r'href="([^"]*\?after=[^"#]*)#h-history"', page)
    assert older is not None
    page = viewer.get(unescape(older[1])).text
    assert re.findall(r"came to (\d+)\.", page) == [f"{n:02}" for n in range(14, -1, -1)]
    assert "?after=" not in page
    # What comes does not take the place of what is read.
    assert f"alarm-history:{alarm.pk}" not in page
    assert "so this is the first page" in viewer.get(path, {"after": "nonsense"}).text


def test_an_alarms_few_changes_are_all_of_them(viewer: Client, db: None):
    alarm = make_alarm(factories.make_scope(), "slow")
    became(alarm, 1, "came to 01.")
    page = viewer.get(alarm.get_absolute_url()).text
    assert "the newest" not in page
    assert "?after=" not in page


@pytest.mark.parametrize("first", ["Action", "StateUpdate"])
def test_what_an_alarm_did_stands_above_the_change_that_made_it(
    viewer: Client, db: None, first: str
):
    alarm = make_alarm(factories.make_scope(), "slow")
    for item_type in (first, "StateUpdate" if first == "Action" else "Action"):
        became(alarm, 1, f"one {item_type}", item_type)
    page = viewer.get(alarm.get_absolute_url()).text
    assert page.index("one Action") < page.index("one StateUpdate")


@pytest.mark.usefixtures("one_minute")
def test_the_newest_of_what_a_search_found_is_one_click_away(
    group: LogGroup, viewer: Client, queued: Any
):
    path = f"/cloudwatch/logs/{group.pk}/?pattern=x&span=3h"
    found = search_in(group.pk, "x", "3h")
    contents = found.store.begin()
    found.store.extend(contents, [f"line {n}" for n in range(1_200)])
    contents.done = True
    found.store.save(contents)
    page = viewer.get(path).text
    link = re.search(r'href="([^"]+)" data-to-end="([^"]+)"', page)
    assert link is not None
    assert link[2] == found.element
    address, _, line = unescape(link[1]).partition("#")
    # Also without scripts.
    assert f'id="{line}"' in viewer.get(f"/cloudwatch/logs/{group.pk}/{address}").text
    assert line == f"{found.element}-L1200"
