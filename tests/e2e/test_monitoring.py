"""Alarms, charts and logs in a real browser: accessible, alive, readable without scripts."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from apps.cloudwatch import keep
from apps.cloudwatch.models import Alarm, AlarmHistory, LogGroup, Metric
from apps.cloudwatch.records import Points
from apps.cloudwatch.searches import tail_of
from apps.cloudwatch.watched import series_of
from apps.codebuild.models import Project
from apps.live.bus import BUS, CHANGES
from apps.mirror.models import Link, Scope
from tests.browser import troubles_of
from tests.e2e.conftest import DESK, Site
from tests.factories import change, make_build, make_execution, make_pipeline, make_scope


def make_alarm(scope: Scope, name: str, status: str, **more: Any) -> Alarm:
    state = {"OK": "done", "ALARM": "failed"}.get(status, "unknown")
    made: Alarm = Alarm.objects.create(
        **{
            "scope": scope,
            "key": name,
            "arn": f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}",
            "alarm_type": "MetricAlarm",
            "description": "The checkout answers with errors",
            "status": status,
            "state": state,
            "urgency": {"failed": 0, "unknown": 3}.get(state, 5),
            "state_reason": "Threshold Crossed: 2 out of the last 2 datapoints [12.0 (28/11/26 "
            "04:03:00), 9.0 (28/11/26 04:02:00)] were greater than the threshold (5.0) "
            "(minimum 2 datapoints for OK -> ALARM transition).",
            "state_transitioned": now() - timedelta(minutes=35),
            "alarm_actions": ["arn:aws:sns:eu-west-1:111122223333:on-call"],
            "namespace": "AWS/CodeBuild",
            "metric_name": "FailedBuilds",
            "statistic": "Sum",
            "dimensions": {"ProjectName": "checkout-build"},
            "period": 60,
            "evaluation_periods": 2,
            "threshold": 5.0,
            "comparison_operator": "GreaterThanThreshold",
            **more,
        }
    )
    for hours in (9, 8, 5, 4):
        AlarmHistory.objects.create(
            scope=scope,
            alarm=made,
            alarm_name=name,
            key=f"{name}-{hours}",
            at=now() - timedelta(hours=hours),
            item_type="StateUpdate",
            summary="Alarm updated",
            old_state="OK" if hours % 2 else "ALARM",
            status="ALARM" if hours % 2 else "OK",
            state="failed" if hours % 2 else "done",
        )
    return made


@pytest.fixture
def project(site: Site) -> Project:
    """A project with three series of the last hours, an alarm on it and a deployment nearby."""
    scope = make_scope()
    build = make_build("checkout-build", scope=scope)
    end = now().replace(second=0, microsecond=0)
    for series in series_of("codebuild.project", build.project.key, build.project.arn):
        Metric.objects.create(
            scope=scope,
            key=series.key,
            namespace=series.namespace,
            metric_name=series.name,
            statistic=series.statistic,
            dimensions=dict(series.dimensions),
            unit=series.unit,
            label=series.label,
            period=60,
        )
        values = tuple(
            (int((end - timedelta(minutes=minute)).timestamp()), 60.0 + minute % 23 * 2.5)
            for minute in range(150, 0, -1)
            if not 60 < minute < 72
        )
        keep.keep_points(scope, {series.key: Points(end - timedelta(hours=3), end, 60, values)})
    alarm = make_alarm(scope, "checkout-fails", "ALARM")
    Link.objects.create(
        from_kind="cloudwatch.alarm",
        from_id=alarm.pk,
        relation="watches",
        to_kind="codebuild.project",
        to_arn=build.project.arn,
    )
    make_alarm(scope, "checkout-slow", "OK", state_transitioned=now() - timedelta(hours=4))
    make_alarm(scope, "nobody-knows", "INSUFFICIENT_DATA", actions_enabled=False)
    pipeline = make_pipeline("checkout", scope)
    ended = now() - timedelta(minutes=50)
    make_execution(pipeline, "Failed", started_at=ended - timedelta(minutes=4), ended_at=ended)
    LogGroup.objects.create(
        scope=scope, key="/aws/lambda/image-resizer", retention_in_days=14, stored_bytes=73400320
    )
    made: Project = build.project
    return made


def pages(project: Project) -> dict[str, str]:
    group, alarm = LogGroup.objects.get(), Alarm.objects.get(key="checkout-fails")
    tail = tail_of(group.pk)
    contents = tail.store.begin()
    tail.store.extend(contents, [f"2026-11-28 04:00:0{n}.000 web-1 line {n}" for n in range(9)])
    tail.store.save(contents)
    return {
        "alarms": "/cloudwatch/",
        "alarm": f"/cloudwatch/alarms/{alarm.pk}/",
        "metrics": "/cloudwatch/metrics/",
        "of a project": f"/cloudwatch/metrics/of/codebuild.project/{project.pk}/?range=3h",
        "log groups": "/cloudwatch/logs/",
        "a log group": f"/cloudwatch/logs/{group.pk}/",
    }


def test_pages_are_accessible_and_fit(
    opened: Callable[..., Page], site: Site, project: Project
) -> None:
    page = opened("/health/", viewport=DESK)
    found: dict[str, list[str]] = {}
    for name, path in pages(project).items():
        page.goto(site.url + path)
        if troubles := troubles_of(page):
            found[name] = troubles
    assert found == {}


def test_metrics_come_to_the_page_of_what_they_measure(
    desk: Page, site: Site, project: Project
) -> None:
    desk.goto(f"{site.url}/codebuild/projects/{project.pk}/")
    charts = desk.locator("figure.chart")
    expect(charts).to_have_count(3)
    panel = desk.locator(f"#panel-metrics-codebuild-project-{project.pk}")
    expect(panel.get_by_role("link", name="checkout-fails")).to_be_visible()
    # Another range is fetched into the same place.
    panel.get_by_role("link", name="1h", exact=True).click()
    expect(desk.locator("nav.chart-ranges [aria-current]")).to_have_text("1h")
    expect(charts).to_have_count(3)
    assert desk.url.endswith(f"/codebuild/projects/{project.pk}/")


def test_the_pointer_asks_a_chart_for_its_values(desk: Page, site: Site, project: Project) -> None:
    desk.goto(f"{site.url}/cloudwatch/metrics/of/codebuild.project/{project.pk}/?range=3h")
    chart = desk.locator("figure.chart").first
    newest = chart.locator(".chart-now").inner_text()
    box = chart.locator("svg").bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    expect(chart.locator(".chart-now")).to_contain_text(":")
    assert chart.locator(".chart-now").inner_text() != newest
    expect(chart.locator(".chart-cursor")).to_have_attribute("d", re.compile(r"^M25\d\.\d 10V"))
    desk.mouse.move(5, 5)
    expect(chart.locator(".chart-now")).to_have_text(newest)


def test_an_alarm_that_turns_red_does_so_on_open_pages(
    living: Callable[[str], Page], project: Project
) -> None:
    page = living("/cloudwatch/")
    alarm = Alarm.objects.get(key="checkout-slow")
    row = page.locator(f"#alarm-row-{alarm.pk}")
    expect(row.locator(".st")).to_contain_text("Ok")
    Alarm.objects.filter(pk=alarm.pk).update(
        status="ALARM", state="failed", urgency=0, state_reason="95 was above 80"
    )
    alarm.refresh_from_db()
    change(alarm, "cloudwatch.alarm")
    BUS.publish(CHANGES)
    expect(row.locator(".st")).to_contain_text("Alarm")
    expect(row).to_contain_text("95 was above 80")


def test_lines_of_a_group_are_appended_while_it_is_followed(
    living: Callable[[str], Page], project: Project
) -> None:
    group = LogGroup.objects.get()
    page = living(f"/cloudwatch/logs/{group.pk}/")
    tail = tail_of(group.pk)
    contents = tail.contents() or tail.store.begin()
    tail.store.extend(contents, ["2026-11-28 04:00:00.000 web-1 <b>hello</b>"])
    tail.store.save(contents)
    deadline = time.monotonic() + 10
    log = page.locator(f"#{tail.element}")
    while log.locator("li").count() == 0 and time.monotonic() < deadline:
        BUS.publish(tail.name, str(contents.next))
        page.wait_for_timeout(100)
    expect(log).to_contain_text("web-1 <b>hello</b>")


def test_charts_are_there_without_scripts(opened: Callable[..., Page], project: Project) -> None:
    page = opened(
        f"/cloudwatch/metrics/of/codebuild.project/{project.pk}/",
        java_script_enabled=False,
        viewport=DESK,
    )
    expect(page.locator("figure.chart .chart-line")).to_have_count(3)
    page.get_by_role("link", name="1d", exact=True).click()
    expect(page.locator("nav.chart-ranges [aria-current]")).to_have_text("1d")
    page.locator("details.chart-table summary").first.click()
    expect(page.locator("details.chart-table table").first).to_be_visible()
