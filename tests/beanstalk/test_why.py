"""Why something is not well: from the simulated account through the mirror to the page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.beanstalk import digest
from apps.beanstalk.models import Environment
from apps.codepipeline.models import Action
from apps.mirror.links import explain_of, explain_then, resolve, url_of
from apps.mirror.models import Scope, Sweep
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.state import State
from apps.mirror.sweep import ensure_sweeps, run
from apps.sandbox.process import SandboxProcess
from tests import factories
from tests.simulated import Simulated

from .conftest import KINDS

SHOP, LABORATORY = "111122223333", "444455556666"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with SandboxProcess("--seed", "1", "--speed", "0") as process:
        yield process.url


@pytest.fixture
def mirrored(db: None, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`mirrored(account, *kinds)`: what the account has of these kinds is in the mirror."""
    monkeypatch.setitem(PROVIDERS.by_name, "aws", Simulated(sandbox))

    def sweep(account: str, *kinds: str) -> Scope:
        scope = Scope.objects.create(
            provider="aws", place=f"{account}/eu-west-1", account=account, region="eu-west-1"
        )
        ensure_sweeps(scope)
        wanted = kinds or KINDS
        for kind in (resource.kind for resource in REGISTER if resource.kind in wanted):
            assert run(Sweep.objects.get(scope=scope, kind=kind), whole=True) is not None, kind
        return scope

    return sweep


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(factories.make_user("checkout-developer"))
    return client


@pytest.mark.parametrize(
    ("name", "word", "cause"),
    [
        # A deployment whose dependencies cannot be had: an instance says so, the rest follows.
        ("reporting-web-prod", "Severe", "npm --production install failed with exit status 1"),
        # One that starts and never answers.
        (
            "reporting-api-staging",
            "Degraded",
            "have not responded in the allowed command timeout time",
        ),
        # No deployment at all: requests fail, and a process does not answer.
        ("loyalty-api-prod", "Degraded", "37% of requests are failing with HTTP 5xx."),
    ],
)
def test_the_causing_line_is_on_the_page_of_the_environment_first(
    mirrored: Any, viewer: Client, name: str, word: str, cause: str
):
    mirrored(SHOP)
    row = Environment.objects.get(key=name)
    assert (row.state, row.health_status) == (State.FAILED, word)
    page = viewer.get(row.get_absolute_url()).text
    assert f"Why it is {word}" in page
    assert page.index(cause) < page.index(">Instances</h2>") < page.index(">Events</h2>")
    assert cause in explain_of("beanstalk.environment", row)


def test_an_instance_says_what_is_wrong_with_it_and_what_runs_on_it(mirrored: Any, viewer: Client):
    mirrored(SHOP)
    row = Environment.objects.get(key="reporting-api-staging")
    page = viewer.get(row.get_absolute_url()).text
    instances = page[page.index(">Instances</h2>") : page.index(">Events</h2>")]
    assert "Process default has been unhealthy for 5 minutes" in instances
    assert instances.count("not the environment's") == 1
    assert "reporting-api-s" in instances


def test_an_instance_leads_to_its_machine(mirrored: Any, viewer: Client):
    mirrored(SHOP, "ec2.instance", *KINDS)
    row = Environment.objects.get(key="loyalty-api-prod")
    page = viewer.get(row.get_absolute_url()).text
    for instance in row.instance_rows.all():
        (machine,) = resolve("ec2.instance", [instance.arn]).values()
        assert f'href="{url_of("ec2.instance", machine)}"' in page


def test_the_list_begins_with_what_is_broken_and_says_why(mirrored: Any, viewer: Client):
    mirrored(SHOP)
    page = viewer.get("/beanstalk/").text
    rows = ["reporting-web-prod", "loyalty-api-prod", "storefront-web-prod", "intranet-prod"]
    places = [page.index(f">{name}</a>") for name in rows]
    assert places[0] < places[1] < min(places[2:])
    assert "Command failed on all instances." in page
    assert "37% of requests are failing" in page


def test_the_secrets_of_the_account_are_nowhere(mirrored: Any, viewer: Client):
    mirrored(SHOP)
    for row in Environment.objects.all():
        assert "sandbox-secret-marker" not in viewer.get(row.get_absolute_url()).text


def test_a_failed_action_of_a_pipeline_says_why_its_deployment_failed(
    mirrored: Any, viewer: Client
):
    pipelines = [resource.kind for resource in REGISTER if resource.app_label == "codepipeline"]
    mirrored(LABORATORY, *pipelines, *KINDS)
    failed = Action.objects.filter(
        provider="ElasticBeanstalk", state=State.FAILED, execution__pipeline__key="data-platform"
    )
    assert failed.exists()
    environment = Environment.objects.get(key="data-platform-dev")
    for action in failed:
        page = viewer.get(action.execution.get_absolute_url()).text
        assert "No matching distribution found for pandas==2.9.1" in page
        assert f'href="{environment.get_absolute_url()}"' in page
    # It was deployed well since: nothing of that is said of the environment today.
    assert environment.state == State.DONE
    assert "Why it is" not in viewer.get(environment.get_absolute_url()).text


# --- By the columns alone -------------------------------------------------------------------------

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def error(minute: int, message: str) -> dict[str, str]:
    at = NOON + timedelta(minutes=minute)
    return {"at": at.isoformat(), "message": message, "request_id": "", "version_label": ""}


def environment(**more: Any) -> Environment:
    given: dict[str, Any] = {"state": State.FAILED.value, "status": "Ready", "health": "Red"}
    return Environment(**{**given, **more})


def test_causes_come_before_the_errors_since_it_was_well_and_older_errors_are_not_told():
    row = environment(
        causes=["No data from the instances."],
        errors=[error(0, "last week's"), error(60, "cannot start"), error(61, "gave up")],
        settled_at=NOON + timedelta(minutes=30),
    )
    assert digest.why_environment(row).split("\n") == [
        "No data from the instances.",
        "cannot start",
        "gave up",
    ]


def test_what_is_well_has_nothing_to_explain():
    assert digest.why_environment(environment(state="done", causes=["x"])) == ""
    assert digest.why_environment(environment(state="moving", causes=["x"])) == ""


def test_a_warning_is_explained_by_its_causes():
    row = environment(state="unknown", health_status="Warning", causes=["12.5% are failing"])
    assert digest.why_environment(row) == "12.5% are failing"


def test_an_action_of_long_ago_does_not_show_todays_bad_health():
    row = environment(causes=["on fire today"], errors=[error(600, "today's error")])
    since, until = NOON, NOON + timedelta(minutes=8)
    assert explain_then("beanstalk.environment", row, since, until) == ""
    # Nor today's action what went wrong then.
    row.errors = [error(5, "then"), error(600, "today's error")]
    assert explain_then("beanstalk.environment", row, since, until) == "then"
    later = NOON + timedelta(minutes=599)
    assert explain_then("beanstalk.environment", row, later, None) == "today's error"


def test_an_action_is_explained_however_well_the_environment_is_today():
    row = environment(state="done", errors=[error(5, "then")])
    until = NOON + timedelta(minutes=4)
    assert explain_then("beanstalk.environment", row, None, until) == "then"


def test_the_same_said_of_each_instance_is_said_once_and_all_of_it_is_short():
    row = environment(causes=["the same"] * 3, errors=[error(n, f"line {n}") for n in range(30)])
    lines = digest.why_environment(row).split("\n")
    assert lines[:2] == ["the same", "line 0"]
    assert len(lines) == digest.LINES
