"""Why an alarm is red: from the simulated account through the mirror to the page."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils.timezone import now

from apps.cloudwatch import follow, keep
from apps.cloudwatch.models import Alarm, AlarmHistory, Chunk, LogGroup, Metric
from apps.cloudwatch.searches import search_in
from apps.mirror.links import explain_of
from apps.mirror.models import Scope
from apps.mirror.provider import PROVIDERS
from apps.mirror.state import State
from apps.sandbox.process import SandboxProcess
from tests import factories
from tests.cloudwatch.reading import sweep
from tests.simulated import Simulated

SHOP, LABORATORY = "111122223333", "444455556666"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with SandboxProcess("--seed", "1", "--speed", "0") as process:
        yield process.url


@pytest.fixture
def mirrored(
    db: None, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Scope]:
    """`mirrored(account, region)`: what CloudWatch has there is in the mirror."""
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(sandbox))

    def read(account: str, region: str) -> Scope:
        scope = Scope.objects.create(
            provider="aws", place=f"{account}/{region}", account=account, region=region
        )
        assert None not in sweep(scope)
        return scope

    return read


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.mark.parametrize(
    ("account", "region", "name", "causing"),
    [
        (
            SHOP,
            "us-east-1",
            "nightly-reports-silent",
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing "
            "datapoints were treated as [Breaching].",
        ),
        (
            LABORATORY,
            "eu-west-1",
            "orders-batch-host",
            "were greater than or equal to the threshold (1.0) (minimum 2 datapoints for OK",
        ),
        (
            LABORATORY,
            "us-east-1",
            "fraud-features-slow",
            "were greater than the threshold (1000.0) (minimum 2 datapoints for OK",
        ),
        (
            SHOP,
            "us-east-1",
            "media-unwell",
            "nightly-reports-silent: Threshold Crossed: no datapoints were received",
        ),
    ],
)
def test_the_causing_line_is_what_is_shown(
    mirrored: Any, viewer: Client, account: str, region: str, name: str, causing: str
):
    mirrored(account, region)
    alarm = Alarm.objects.get(key=name)
    assert alarm.state == State.FAILED
    why = explain_of("cloudwatch.alarm", alarm)
    page = viewer.get(f"/cloudwatch/alarms/{alarm.pk}/").text
    # A composite alarm names every child that is red: at some hours there is another one, too.
    line = next(line for line in why.splitlines() if causing in line)
    said = line.removeprefix("nightly-reports-silent: ")
    assert said.split(" [")[0] in page
    assert page.index("Why it is red") < page.index(said.split(" [")[0])


def test_alarms_bring_their_past_and_their_metrics(mirrored: Any, viewer: Client):
    scope = mirrored(SHOP, "eu-west-1")
    assert AlarmHistory.objects.filter(item_type="StateUpdate").count() > 50
    silent = Alarm.objects.get(key="checkout-web-error-rate")
    assert silent.actions_enabled is False
    requests = Metric.objects.get(scope=scope, metric_name="RequestCount")
    assert Chunk.objects.filter(metric=requests, resolution=60).exists()
    kept = keep.read_points([requests.pk], 300, requests.kept.whole_from, requests.kept.read_to)[
        requests.pk
    ]
    assert len([value for value in kept if value is not None]) > 10
    page = viewer.get(f"/cloudwatch/alarms/{silent.pk}/").text
    assert page.count("<figure") == 2


def test_logs_of_the_simulated_account_are_searched(mirrored: Any, viewer: Client):
    scope = mirrored(SHOP, "eu-west-1")
    group = LogGroup.objects.get(scope=scope, key="/ecs/payments")
    found = search_in(group.pk, '{ $.level = "INFO" && $.status = 200 }', "3h")
    assert follow.bite(found) is None
    contents = found.contents()
    assert contents is not None
    assert contents.next > 100
    # A search is the same one within a minute.
    with time_machine.travel(now(), tick=False):
        refused = search_in(group.pk, "status=200", "3h")
        follow.bite(refused)
        told = refused.contents()
        assert told is not None
        assert told.note is not None
        assert told.note["text"].startswith("Invalid character(s) in term 'status=200'")
        page = viewer.get(f"/cloudwatch/logs/{group.pk}/?pattern=status%3D200&span=3h").text
        assert "Invalid character(s) in term &#x27;status=200&#x27;" in page
