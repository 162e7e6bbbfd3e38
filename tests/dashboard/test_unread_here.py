"""The page of a row says what belongs to it and cannot be read, why, and what cures it."""

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from apps.mirror.health import kind_health, why_unread
from apps.mirror.models import Operation, Scope, Sweep
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import ensure_sweeps
from tests.beanstalk.making import make_application, make_environment
from tests.cloudformation.making import make_stack
from tests.factories import make_scope
from tests.source.making import make_repository

pytestmark = pytest.mark.django_db
# A row's page, a kind that belongs to it, and the operation that reads that.
PAGES = (
    ("stack", "cloudformation.event", "cloudformation:DescribeStackEvents", "Stack events"),
    ("stack", "cloudformation.resource", "cloudformation:ListStackResources", "Stack resources"),
    ("stack", "cloudformation.changeset", "cloudformation:ListChangeSets", "Change sets"),
    ("events", "cloudformation.event", "cloudformation:DescribeStackEvents", "Stack events"),
    ("environment", "beanstalk.event", "elasticbeanstalk:DescribeEvents", "Events"),
    (
        "environment",
        "beanstalk.instance",
        "elasticbeanstalk:DescribeInstancesHealth",
        "Instances",
    ),
    (
        "application",
        "beanstalk.version",
        "elasticbeanstalk:DescribeApplicationVersions",
        "Application versions",
    ),
    (
        "application",
        "beanstalk.environment",
        "elasticbeanstalk:DescribeEnvironments",
        "Environments",
    ),
    ("repository", "codecommit.branch", "codecommit:ListBranches", "Branches"),
    ("repository", "codecommit.pullrequest", "codecommit:ListPullRequests", "Pull requests"),
)


@pytest.fixture
def here() -> Scope:
    """An account of which everything was read."""
    scope = make_scope()
    ensure_sweeps(scope)
    Sweep.objects.update(last_success=now())
    return scope


def path_of(page: str, scope: Scope) -> str:
    if page in ("stack", "events"):
        path = make_stack(scope=scope).get_absolute_url()
        return f"{path}events/" if page == "events" else path
    if page == "repository":
        return str(make_repository(scope=scope).get_absolute_url())
    application = make_application(scope=scope)
    row: Any = application if page == "application" else make_environment(application=application)
    return str(row.get_absolute_url())


def fares(scope: Scope, kind: str, operation: str, health: str) -> None:
    Operation.objects.update_or_create(
        scope=scope,
        kind=kind,
        operation=operation,
        defaults={"health": health, "last_error": now(), "error": "no", "cure": "Do <this>"},
    )


@pytest.mark.parametrize(("page", "kind", "operation", "label"), PAGES)
@pytest.mark.parametrize(
    ("health", "word"),
    [("denied", "denied"), ("throttled", "throttled"), ("unsupported", "not offered here")],
)
def test_what_cannot_be_read_is_told_with_its_cure_and_no_longer_once_it_can(
    signed_in: Client,
    here: Scope,
    page: str,
    kind: str,
    operation: str,
    label: str,
    health: str,
    word: str,
):
    path = path_of(page, here)
    assert "cannot be read" not in signed_in.get(path).text.partition("<footer")[0]
    fares(here, kind, operation, health)
    html = signed_in.get(path).text
    assert f"{label} cannot be read" in html
    assert f"{word.capitalize()} at <code>{operation}</code>. Do &lt;this&gt;." in html
    for said in ("It has no version yet", "Nothing was said of it in the last weeks", "No event<"):
        assert said not in html, said
    Operation.objects.filter(kind=kind).update(health="ok", error="", cure="")
    assert f"{label} cannot be read" not in signed_in.get(path).text


def test_another_account_s_trouble_is_not_told_here(signed_in: Client, here: Scope):
    other = make_scope("444455556666", "us-east-1")
    ensure_sweeps(other)
    fares(other, "cloudformation.event", "cloudformation:DescribeStackEvents", "denied")
    html = signed_in.get(path_of("stack", here)).text
    assert "Stack events cannot be read" not in html


def test_what_was_not_read_yet_is_not_told_to_be_none(signed_in: Client, here: Scope):
    Sweep.objects.filter(kind="beanstalk.version").update(last_success=None)
    html = signed_in.get(path_of("application", here)).text
    assert "Application versions have not been read yet" in html
    assert "It has no version yet" not in html


def test_where_sweeping_is_paused_the_page_says_so(signed_in: Client, here: Scope):
    path = path_of("application", here)
    Scope.objects.filter(pk=here.pk).update(paused=True)
    html = signed_in.get(path).text
    assert "application versions" in html
    assert "are not swept" in html
    assert "is paused, so it is not swept" in html


def test_where_all_is_denied_it_is_the_rows_that_are_missing_and_not_a_detail(here: Scope) -> None:
    kind = "ec2.autoscalinggroup"
    resource = REGISTER.get(kind)
    assert resource.optional
    for call in resource.calls:
        operations = Operation.objects.filter(scope=here, kind=kind, operation=call)
        operations.update(health="denied", last_error=now())
    [told] = [one for one in kind_health([here]) if one.kind == kind]
    assert told.operation not in resource.optional
    assert why_unread([told], [kind]) == [told]
    # A detail alone takes no row away.
    needed = [call for call in resource.calls if call not in resource.optional]
    Operation.objects.filter(scope=here, kind=kind, operation__in=needed).update(health="ok")
    [told] = [one for one in kind_health([here]) if one.kind == kind]
    assert told.operation in resource.optional
    assert why_unread([told], [kind]) == []
