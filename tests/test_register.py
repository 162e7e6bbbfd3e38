"""Walks over everything that is declared: what holds for one service holds for each."""

import ast
import functools
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from celery.app.task import Task
from django.core.cache import cache
from django.db import connection
from django.urls import NoReverseMatch, Resolver404, resolve

from apps.aws.actions import action_of
from apps.aws.policy import read_operations
from apps.mirror.due import take
from apps.mirror.known import needed_kinds
from apps.mirror.looks import LOOKS
from apps.mirror.models import Link, Mirrored, Operation, Scope, Sweep
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.reconcile import NOT_COLUMNS
from apps.mirror.resource import REGISTER, Resource
from apps.mirror.sweep import ensure_sweeps, run
from apps.source.deepen import deepen
from apps.source.models import Repository
from tests.declared import foreign, record_types
from tests.flight import ACCOUNT, PLANTED, REGION, Fault, Flight, FlownProvider

ROOT = Path(__file__).parent.parent


@functools.cache
def model_of(service):
    return get_session().get_service_model(service)


# Whatever is declared, whoever provides it.
EVERY = list(REGISTER)
EVERY_KIND = [resource.kind for resource in EVERY]
EVERY_CALL = [(resource.kind, call) for resource in EVERY for call in resource.calls]
# The collectors of AWS; those of other sites are flown in tests/sites/test_flown.py.
RESOURCES = REGISTER.of("aws")
KINDS = [resource.kind for resource in RESOURCES]
CALLS = [(resource.kind, call) for resource in RESOURCES for call in resource.calls]
ONCE_A_ROW = {field.name for field in Mirrored._meta.get_fields()}


def columns(resource: Resource) -> set[str]:
    """Return the model's own columns, without what every mirrored row has."""
    return {
        field.name
        for field in resource.model._meta.concrete_fields
        if field.name not in ONCE_A_ROW and not field.primary_key
    } - foreign(resource)


# --- Declarations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_each_call_exists_in_botocores_model(kind, call):
    service, _, operation = call.partition(":")
    model = model_of(service)
    assert operation in model.operation_names


def test_each_look_makes_calls_that_exist():
    for look in LOOKS.of("aws"):
        for call in look.calls:
            service, _, operation = call.partition(":")
            assert operation in model_of(service).operation_names


@pytest.mark.parametrize(("kind", "call"), EVERY_CALL)
def test_each_call_is_described_in_the_services_page(kind, call):
    page = ROOT / "docs" / "services" / f"{REGISTER.get(kind).app_label}.md"
    operation = call.partition(":")[2]
    assert re.search(rf"`([a-z]+:)?{operation}`", page.read_text())


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_kind_is_named_in_the_services_page(kind):
    page = ROOT / "docs" / "services" / f"{REGISTER.get(kind).app_label}.md"
    assert f"`{kind}`" in page.read_text()


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_kind_names_its_calls_and_the_optional_ones_are_among_them(kind):
    resource = REGISTER.get(kind)
    assert resource.calls
    assert set(resource.optional) <= set(resource.calls[1:])
    if resource.provider == "aws":
        assert set(resource.calls) <= set(read_operations())


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_what_a_kind_refers_to_is_declared(kind):
    resource = REGISTER.get(kind)
    names = {field.name for field in resource.model._meta.get_fields()}
    if resource.parent:
        above, attribute = resource.parent
        assert attribute in names
        column: Any = resource.model._meta.get_field(attribute)
        assert column.related_model is REGISTER.get(above).model
    if resource.stamp:
        assert resource.stamp in names
    if resource.asked_by:
        asked = {field.name for field in REGISTER.get(resource.asked_by).model._meta.get_fields()}
        assert set(resource.parent_fields) <= asked
        assert set(resource.parent_stamp or ()) <= asked
    assert set(resource.wakes) <= REGISTER.by_kind.keys()
    assert not (resource.digest and not resource.parent)


# What these show and no event that they hear tells: they must not rest while events flow.
UNHEARD = {
    "awslambda.version": "a version that is deleted by a call on its function",
    "beanstalk.application": "configuration templates",
    "beanstalk.environment": "causes of its health; and events are best effort",
    "beanstalk.event": "events that EventBridge is not sent",
    "beanstalk.instance": "the health of an instance",
    "beanstalk.managedaction": "actions that are scheduled or postponed",
    "beanstalk.version": "versions that the lifecycle policy deletes",
    "cloudformation.changeset": "what becomes of one that was made",
    "codebuild.project": "webhooks and visibility",
    "codecommit.commit": "commits: branches tell of them",
    "codedeploy.application": "applications that are edited or deleted where no trail records",
    "codedeploy.deploymentgroup": "groups that are edited or deleted where no trail records",
    "codedeploy.on_premises_instance": "registrations and tags where no trail records",
    "ec2.autoscalinggroup": "instances that are unhealthy, in standby or refreshed",
    "ec2.instance": "status checks",
    "ec2.instancehealth": "how registered instances fare",
    "ec2.targetgroup": "how targets fare",
    "ecs.service": "tasks that start, task sets that are shifted to",
}


def test_each_kind_that_hears_events_is_heard_wholly_or_says_what_it_does_not_hear():
    hearing = {resource.kind for resource in RESOURCES if resource.events}
    wholly = {resource.kind for resource in RESOURCES if resource.heard_wholly}
    assert not wholly & UNHEARD.keys()
    assert wholly | UNHEARD.keys() == hearing


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_model_of_a_kind_takes_what_its_records_say(kind):
    resource = REGISTER.get(kind)
    names = {field.name for field in resource.model._meta.get_fields()}
    for record in record_types(resource):
        assert {field.name for field in fields(record)} - NOT_COLUMNS <= names
        assert ("parent" in {field.name for field in fields(record)}) == bool(resource.parent)


def test_collectors_run_without_django():
    """Not even by way of what they import."""
    rooms = sorted({Path(sys.modules[r.collect.__module__].__file__ or "") for r in EVERY})
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in rooms]
    program = (
        "import sys\n"
        + "".join(f"import {module}\n" for module in modules)
        + "sys.exit(','.join(m for m in sys.modules if m.split('.')[0] in ('django','celery')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""


def test_collectors_name_no_operation_that_is_not_declared():
    for label in {resource.app_label for resource in EVERY}:
        declared = {call for r in EVERY if r.app_label == label for call in r.calls} | {
            call for look in LOOKS.by_name.values() for call in look.calls
        }
        source = (ROOT / "apps" / label / "collect.py").read_text()
        texts = {
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        services = {call.partition(":")[0] for call in declared}
        named = {
            text
            for text in texts
            if text.partition(":")[0] in services and text.partition(":")[2].isalnum()
        }
        assert named <= declared


# --- Flights --------------------------------------------------------------------------------------


@pytest.fixture
def scope(db: None) -> Scope:
    return Scope.objects.create(
        provider="aws", place=f"{ACCOUNT}/{REGION}", account=ACCOUNT, region=REGION
    )


@pytest.fixture
def flight(monkeypatch: pytest.MonkeyPatch) -> Flight:
    """The full flights of every service at once, behind the mirror. No queue runs, nobody waits."""
    cache.clear()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setattr("apps.aws.calls.time.sleep", lambda _seconds: None)
    flight = Flight()
    for label in sorted({resource.app_label for resource in RESOURCES}):
        flight.load(ROOT / "tests" / label / "flights" / "full")
    monkeypatch.setitem(PROVIDERS.by_name, "aws", FlownProvider(flight))
    return flight


def neighbours(kind: str) -> list[str]:
    """Return the kinds of the same service, parents first."""
    label = REGISTER.get(kind).app_label
    return [resource.kind for resource in RESOURCES if resource.app_label == label]


def sweep(scope: Scope, *kinds: str, deep: bool = False) -> dict[str, Any]:
    """Sweep these kinds whole; deep: even what is known is described again."""
    ensure_sweeps(scope)
    invoke_functions()
    if deep:
        Sweep.objects.update(deep_due_at=scope.created_at)
    results = {}
    for kind in kinds or KINDS:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        results[kind] = run(row, whole=True)
    return results


def picture() -> dict[str, list[Any]]:
    """Return all mirrored columns, without what says when they were written.

    Read as the database has them: this is asked hundreds of times.
    """
    left_out = ("changed_at", "first_seen_at", "version")
    found = {}
    with connection.cursor() as cursor:
        for resource in RESOURCES:
            cursor.execute(f'SELECT * FROM "{resource.model._meta.db_table}" ORDER BY id')
            names = [column[0] for column in cursor.description]
            found[resource.kind] = [
                {
                    name: value
                    for name, value in zip(names, row, strict=True)
                    if name not in left_out
                }
                for row in cursor.fetchall()
            ]
    return found


def invoke_functions() -> None:
    """Name a function as pipelines' actions do: only of those that are run so is the log read."""
    Link.objects.get_or_create(
        from_kind="codepipeline.action",
        from_id=0,
        relation="runs",
        to_kind="awslambda.function",
        to_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:checkout-mail",
    )


def open_repositories() -> int:
    """Ask for the older commits, as who opens a repository does; return of how many were mirrored.

    One of them names a parent that cannot be found, which is asked for in each sweep.
    """
    rows = list(Repository.objects.select_related("scope"))
    for row in rows:
        deepen(row)
    return len(rows)


@pytest.mark.django_db
def test_the_full_flights_fill_every_column(scope, flight):
    sweep(scope)
    open_repositories()
    sweep(scope, "codecommit.commit")
    empty: dict[str, set[str]] = {}
    for resource in RESOURCES:
        for column in columns(resource):
            field: Any = resource.model._meta.get_field(column)
            blank = field.get_default() if field.has_default() else None
            values = list(resource.model._default_manager.values_list(column, flat=True))
            if all(value in (None, "", blank) for value in values):
                empty.setdefault(resource.kind, set()).add(column)
    # Filled from the log on demand: see the tests of that.
    empty.get("codebuild.build", set()).difference_update(
        {"excerpt", "excerpt_line", "excerpt_mark"}
    )
    # Read when a build has ended: see tests/codebuild/test_reports.py.
    empty.get("codebuild.build", set()).discard("reports")
    # Filled by an event, or when somebody opens the commit's page.
    empty.get("codecommit.commit", set()).discard("comments")
    # Where a host's id tells that a repository has another name: see tests/github.
    empty.get("codecommit.repository", set()).discard("was")
    # No word of AWS: set where a history is longer than is read at once; see the tests of that.
    empty.get("cloudformation.event", set()).discard("cut")
    assert {kind: names for kind, names in empty.items() if names} == {}


@pytest.mark.sql
@pytest.mark.django_db
def test_no_planted_secret_reaches_the_database(scope, flight):
    sweep(scope)
    planted = sum(
        path.read_text().count(PLANTED) for path in ROOT.glob("tests/*/flights/full/*.json")
    )
    assert planted > 10
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert PLANTED not in repr(cursor.fetchall()), table


@pytest.mark.django_db
def test_a_row_with_a_page_has_an_address_that_answers(scope, flight):
    sweep(scope)
    for resource in RESOURCES:
        row = resource.model._default_manager.first()
        if resource.url is None:
            continue
        try:
            resolve(re.split(r"[?#]", resource.url(row))[0])
        except (NoReverseMatch, Resolver404) as error:
            pytest.fail(f"{resource.kind}: {error}")


@pytest.mark.django_db
def test_every_row_can_be_asked_why_it_failed(scope, flight):
    sweep(scope)
    for resource in RESOURCES:
        for row in resource.model._default_manager.all():
            if resource.explain is not None:
                assert isinstance(resource.explain(row), str)


# Each way a call may fail, and what the scope then says of it.
FAULTS = {
    "denied": (
        Fault("AccessDeniedException", "User: x is not authorized to perform: {call} on y"),
        Health.DENIED,
    ),
    "throttled": (Fault("ThrottlingException", "Rate exceeded"), Health.THROTTLED),
    "expired": (
        Fault("ExpiredTokenException", "The security token is expired"),
        Health.CREDENTIALS,
    ),
    "unsupported": (Fault("UnknownOperationException", ""), Health.UNSUPPORTED),
    "a page": (Fault.page(500), Health.FAILING),
}


def ways_of(kind: str, call: str) -> tuple[str, str]:
    """Return how a call fails here: denied, and in one of the other ways, each call's turn.

    What a failure means is told from its code in one place (tests/aws/test_failures.py), and any
    service has more calls than there are ways.
    """
    denied, *others = FAULTS
    return denied, others[CALLS.index((kind, call)) % len(others)]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_a_call_that_fails_in_any_way_is_told_and_harms_no_row(scope, flight, kind, call):
    sweep(scope, *neighbours(kind))
    if open_repositories():
        sweep(scope, *neighbours(kind))
    before, works = picture(), flight._plays[call]
    for way in ways_of(kind, call):
        fault, health = FAULTS[way]
        cache.clear()
        flight.on(call, replace(fault, message=fault.message.format(call=action_of(call))))
        made = len(flight.calls(call))
        sweep(scope, kind, deep=True)
        assert picture() == before, way
        if len(flight.calls(call)) == made:
            # Only asked for known unfinished rows that a list does not show, or on demand.
            assert call != REGISTER.get(kind).calls[0]
            continue
        row = Operation.objects.get(scope=scope, kind=kind, operation=call)
        assert (row.health, bool(row.cure), bool(row.last_error)) == (health, True, True), way
        assert row.last_success is not None, way
        if health is Health.DENIED:
            allowed = [action_of(call)]
            assert row.statement == {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    # The others went on all the while, and this one does again.
    flight.on(call, works)
    assert None not in sweep(scope, *neighbours(kind), deep=True).values()
    told = Operation.objects.filter(scope=scope).values_list("health", flat=True)
    assert set(told) == {Health.OK}
    assert picture() == before


@pytest.mark.django_db
@pytest.mark.parametrize("call", sorted({call for _, call in CALLS}))
def test_whatever_does_not_use_a_denied_call_goes_on(scope, flight, call):
    flight.on(call, Fault("AccessDeniedException", "no"))
    # Services know nothing of each other: only those that make the call can feel it.
    using = [kind for kind, made in CALLS if made == call]
    kinds = dict.fromkeys(near for kind in using for near in neighbours(kind))
    for kind, result in sweep(scope, *kinds).items():
        if call not in REGISTER.get(kind).calls and call not in lists_needed_by(kind):
            assert result is not None, kind


def lists_needed_by(kind: str) -> set[str]:
    """Return the calls without which a kind's rows have nowhere to go."""
    above = needed_kinds(REGISTER.get(kind))
    needed = {
        call
        for name in above
        for call in REGISTER.get(name).calls
        if call not in REGISTER.get(name).optional
    }
    return needed.union(*map(lists_needed_by, above))


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_what_has_vanished_is_no_fault_of_the_call(scope, flight, kind, call):
    service, _, operation = call.partition(":")
    model = model_of(service).operation_model(operation)
    codes = [error.name for error in model.error_shapes if "NotFound" in error.name]
    sweep(scope, *neighbours(kind))
    before = picture()
    for code in codes:
        flight.on(call, Fault(code, "It is not there"))
        sweep(scope, kind, deep=True)
    # Rows may be gone, and what follows from that; none is lost.
    after = picture()
    assert {k: [row["id"] for row in rows] for k, rows in after.items()} == {
        k: [row["id"] for row in rows] for k, rows in before.items()
    }
    told = Operation.objects.filter(kind=kind, operation=call).first()
    assert told is None or told.health == Health.OK
