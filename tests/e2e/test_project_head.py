"""What the page of a project leaves in its place, and how wide and how large it draws."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page

from apps.cloudwatch import keep
from apps.cloudwatch.records import Points
from apps.mirror.state import State
from apps.projects.models import Project
from tests.e2e.conftest import DESK, PHONE, Site
from tests.factories import hold, make_project
from tests.projects.making import make_alarm, make_deploying, make_metric
from tests.projects.test_head import broken

PATH = "/projects/checkout/"


@pytest.fixture
def project(site: Site, owner: Any) -> Project:
    made: Project = make_project("Checkout", owner=owner)
    return made


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_below_the_head_moves_when_a_state_comes_or_goes(
    opened: Callable[..., Page], project: Project, window: dict[str, int]
) -> None:
    alarm = make_alarm("slow")
    hold(project, alarm, make_deploying("basket", author="mara"))
    page = opened(PATH, viewport=window)

    def place() -> float:
        page.reload()
        box = page.locator(".project-nav").bounding_box()
        assert box is not None
        return box["y"]

    well = place()
    type(alarm).objects.update(state=State.FAILED, status="ALARM")
    assert place() == well
    # One more pipeline that is broken, waits and has a change behind that.
    hold(project, broken())
    assert "behind it" in page.reload().text()
    assert place() == well


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_tiles_of_an_empty_project_are_as_wide_as_the_page(
    opened: Callable[..., Page], project: Project, window: dict[str, int]
) -> None:
    page = opened(PATH, viewport=window)
    tiles = page.locator(".tile")
    assert tiles.count() == 2
    whole = page.locator("main .empty").bounding_box()
    for tile in tiles.all():
        box = tile.bounding_box()
        assert box is not None
        assert whole is not None
        assert box["width"] >= whole["width"] - 2


def test_the_letters_of_charts_are_of_one_size_however_wide_a_chart_is(
    opened: Callable[..., Page], project: Project
) -> None:
    end = now().replace(second=0, microsecond=0)
    values = tuple((int((end - timedelta(minutes=n)).timestamp()), 5.0) for n in range(60, 0, -1))
    for name in ("RequestCount", "HTTPCode_Target_5XX_Count"):
        row = make_metric("web", name)
        keep.keep_points(row.scope, {row.key: Points(end - timedelta(hours=1), end, 60, values)})
        hold(project, row)
    sizes, widths = [], []
    for width in (390, 700, 1440):
        page = opened(f"{PATH}?range=1h", viewport={"width": width, "height": 900})
        chart = page.locator(".tile .chart").first
        box = chart.locator("svg").bounding_box()
        assert box is not None
        widths.append(box["width"])
        told = chart.locator(".chart-grid text").first
        sizes.append(
            told.evaluate(
                "one => parseFloat(getComputedStyle(one).fontSize)"
                " * one.ownerSVGElement.getScreenCTM().a"
            )
        )
    assert max(widths) > min(widths) + 40
    assert max(sizes) - min(sizes) < 0.2, (sizes, widths)
    assert 10.5 <= min(sizes) <= 11.5
