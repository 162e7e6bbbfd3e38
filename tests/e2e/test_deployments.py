"""Deployments in a browser: readable everywhere, alive, and what a reader opened stays open."""

from collections.abc import Callable
from typing import Any

import pytest
from celery.app.task import Task
from playwright.sync_api import Page, expect

from apps.codedeploy.models import Deployment, Target
from apps.live.bus import BUS, CHANGES
from apps.mirror.due import take
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps, run
from tests.browser import troubles_of
from tests.codedeploy.conftest import FLIGHTS
from tests.factories import change
from tests.flight import ACCOUNT, REGION, Flight, FlownProvider

from .conftest import DESK, PHONE
from .test_reading import TOO_WIDE


@pytest.fixture
def swept(site: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The full flight, mirrored; the paths of the pages that show it."""
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    flight = Flight().load(FLIGHTS / "full")
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
    scope = Scope.objects.create(
        provider="aws", place=f"{ACCOUNT}/{REGION}", account=ACCOUNT, region=REGION
    )
    ensure_sweeps(scope)
    for kind in [kind for kind in REGISTER.by_kind if kind.startswith("codedeploy.")]:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        run(row, whole=True)
    failed = Deployment.objects.get(key="d-FAILED001")
    shifting = Deployment.objects.get(key="d-ECS000001")
    assert failed.group is not None
    return {
        "deployments": "/codedeploy/",
        "groups": "/codedeploy/groups/",
        "configurations": "/codedeploy/configurations/",
        "failed": failed.get_absolute_url(),
        "shifting": shifting.get_absolute_url(),
        "group": failed.group.get_absolute_url(),
        "application": failed.group.application.get_absolute_url(),
    }


def test_pages_of_deployments_have_no_violations_and_fit(
    swept: dict[str, str], opened: Callable[..., Page]
) -> None:
    for name, path in swept.items():
        page = opened(path, viewport=DESK)
        expect(page.locator("#live")).to_have_text("Live")
        page.wait_for_load_state("networkidle")
        assert troubles_of(page) == [], name
        page.set_viewport_size(PHONE)
        assert page.evaluate(TOO_WIDE) <= 1, name
        page.close()


def test_a_target_that_fails_shows_its_line_in_an_open_page(
    swept: dict[str, str], living: Callable[[str], Page]
) -> None:
    page = living(swept["shifting"])
    deployment = Deployment.objects.get(key="d-ECS000001")
    target = Target.objects.get(deployment=deployment)
    expect(page.get_by_text("10 % of the traffic on the new version")).to_be_visible()
    Deployment.objects.filter(pk=deployment.pk).update(
        status="Failed",
        state="failed",
        traffic_percent=60,
        cause="Install: the replacement task set did not stabilize\non shop:basket",
        cause_target=target.target_id,
    )
    Target.objects.filter(deployment=deployment).update(
        status="Failed",
        state="failed",
        failing_event="Install",
        failing_message="the replacement task set did not stabilize",
    )
    change(deployment, "codedeploy.deployment")
    BUS.publish(CHANGES)
    expect(
        page.get_by_role("heading", name="Why it failed: Install on shop:basket")
    ).to_be_visible()
    expect(page.get_by_text("60 % of the traffic on the new version")).to_be_visible()
    assert page.evaluate("window.sameDocument === true")
