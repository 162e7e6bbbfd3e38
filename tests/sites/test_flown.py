"""Walks over every kind that is read from a site: what holds for one holds for each.

A provider brings `tests/<provider>/flights/full` and, beside it, `site.json`: how that site is
connected. See `tests/test_register.py`, which does the same with AWS.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Task
from django.core.cache import cache
from django.db import connection
from django.urls import NoReverseMatch, Resolver404, resolve

from apps.jira.searching import forget_fields
from apps.mirror.due import take
from apps.mirror.models import Mirrored, Operation, Scope, Sweep
from apps.mirror.provider import PROVIDERS, Health
from apps.mirror.resource import REGISTER, Resource
from apps.mirror.sweep import run
from apps.sites.connect import Given, connect
from apps.sites.kinds import SITES
from apps.source.deepen import deepen
from apps.source.models import Repository
from tests.declared import foreign
from tests.flight import PLANTED
from tests.sites.flight import FlownSite, Said, SiteFlight

ROOT = Path(__file__).parent.parent
NAMES = [kind.name for kind in SITES if REGISTER.of(kind.name)]
RESOURCES = [resource for name in NAMES for resource in REGISTER.of(name)]
CALLS = [(resource.kind, call) for resource in RESOURCES for call in resource.calls]
ONCE_A_ROW = {field.name for field in Mirrored._meta.get_fields()}
# What the full flights do not tell of: see the tests of each.
ELSEWHERE = {
    # What was moved or has another key: tests/jira.
    "jira.tracker": {"was"},
    "jira.issue": {"was"},
    # What was forced, renamed, closed after it was known, or is read on demand: tests/github.
    "github.repository": {"was"},
    "github.tracker": {"was"},
    "github.branch": {"replaced", "replaced_at"},
    "github.commit": {"comments"},
    "github.pullrequest": {"merged_by"},
}
pytestmark = pytest.mark.django_db


def folder_of(provider: str) -> Path:
    return ROOT / provider / "flights"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No queue runs, nobody waits, nothing is known of another test's site."""
    cache.clear()
    forget_fields()
    monkeypatch.setattr(Task, "apply_async", lambda *_args, **_options: None)
    monkeypatch.setattr("apps.sites.reach.time.sleep", lambda _seconds: None)


@pytest.fixture
def fly(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`fly(provider)`: the scope of a site and the full flights behind it."""

    def begin(provider: str) -> tuple[Scope, SiteFlight]:
        told = json.loads((folder_of(provider) / "site.json").read_text(encoding="utf-8"))
        flight = SiteFlight(provider, told["base_url"], told["method"], told["selection"])
        flight.load(folder_of(provider) / "full")
        monkeypatch.setitem(PROVIDERS.by_name, provider, FlownSite(flight))
        given = Given(secret="t0ken", **told)
        return connect(provider=provider, name=provider, given=given).scope, flight

    return begin


def sweep(scope: Scope, *kinds: str, deep: bool = False) -> dict[str, Any]:
    """Sweep these kinds whole; deep: even what is known is described again."""
    if deep:
        forget_fields()
        Sweep.objects.update(deep_due_at=scope.created_at)
    results = {}
    for kind in kinds or [resource.kind for resource in REGISTER.of(scope.provider)]:
        row = Sweep.objects.get(scope=scope, kind=kind)
        assert take(row)
        results[kind] = run(row, whole=True)
    return results


def picture(provider: str) -> dict[str, list[Any]]:
    """Return all mirrored columns, without what says when they were written."""
    left_out = ("changed_at", "first_seen_at", "version")
    return {
        resource.kind: [
            {name: value for name, value in row.items() if name not in left_out}
            for row in resource.model._default_manager.order_by("pk").values()
        ]
        for resource in REGISTER.of(provider)
    }


def open_repositories() -> None:
    """Ask for the older commits, as who opens a repository does: one of them is not to be found."""
    for row in Repository.objects.select_related("scope"):
        deepen(row)


def columns(resource: Resource) -> set[str]:
    return (
        {
            field.name
            for field in resource.model._meta.concrete_fields
            if field.name not in ONCE_A_ROW and not field.primary_key
        }
        - foreign(resource)
        - ELSEWHERE.get(resource.kind, set())
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_call_has_a_flight(name):
    flown = {path.stem.replace(".", ":") for path in (folder_of(name) / "full").glob("*.json")}
    assert {call for r in REGISTER.of(name) for call in r.calls} <= flown
    assert SITES.get(name).asks in flown


@pytest.mark.parametrize("name", NAMES)
def test_the_full_flights_fill_every_column(fly, name):
    scope, _ = fly(name)
    sweep(scope)
    open_repositories()
    sweep(scope)
    empty: dict[str, set[str]] = {}
    for resource in REGISTER.of(name):
        for column in columns(resource):
            field: Any = resource.model._meta.get_field(column)
            blank = field.get_default() if field.has_default() else None
            values = list(resource.model._default_manager.values_list(column, flat=True))
            if all(value in (None, "", blank) for value in values):
                empty.setdefault(resource.kind, set()).add(column)
    assert empty == {}


@pytest.mark.parametrize("name", NAMES)
def test_no_planted_secret_reaches_the_database(fly, name):
    scope, _ = fly(name)
    sweep(scope)
    texts = [path.read_text() for path in (folder_of(name) / "full").glob("*.json")]
    assert sum(text.count(PLANTED) for text in texts) > 2
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert PLANTED not in repr(cursor.fetchall()), table


@pytest.mark.parametrize("name", NAMES)
def test_a_second_sweep_changes_nothing_however_deep(fly, name):
    scope, _ = fly(name)
    sweep(scope)
    # Rows that came before their parent are bound by the time of the second.
    sweep(scope)
    before = picture(name)
    for deep in (False, True):
        for kind, result in sweep(scope, deep=deep).items():
            assert result is not None, kind
            assert result.changes == [], kind
    assert picture(name) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_row_with_a_page_has_an_address_that_answers(fly, name):
    scope, _ = fly(name)
    sweep(scope)
    for resource in REGISTER.of(name):
        row = resource.model._default_manager.first()
        assert row is not None, resource.kind
        if resource.explain is not None:
            assert isinstance(resource.explain(row), str)
        if resource.url is None:
            continue
        try:
            resolve(re.split(r"[?#]", resource.url(row))[0])
        except (NoReverseMatch, Resolver404) as error:
            pytest.fail(f"{resource.kind}: {error}")


# Each way a call may fail, and what the scope then says of it.
FAULTS = {
    "expired": (Said({"message": "Bad credentials"}, 401), Health.CREDENTIALS),
    "denied": (Said({"message": "Resource not accessible"}, 403), Health.DENIED),
    "throttled": (Said({"message": "slow"}, 429, {"Retry-After": "7"}), Health.THROTTLED),
    "secondary": (Said({"message": "secondary rate limit"}, 403), Health.THROTTLED),
    "spent": (Said({}, 403, {"X-RateLimit-Remaining": "0"}), Health.THROTTLED),
    "a page": (Said.page(500), Health.FAILING),
    "a login page": (Said.page(200), Health.FAILING),
    "elsewhere": (Said(None, 302, {"Location": "https://evil.example.net"}), Health.FAILING),
}


@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_a_call_that_fails_in_any_way_is_told_and_harms_no_row(fly, kind, call):
    provider = REGISTER.get(kind).provider
    scope, flight = fly(provider)
    sweep(scope)
    open_repositories()
    sweep(scope)
    before, works = picture(provider), flight._plays[call]
    for way, (said, health) in FAULTS.items():
        cache.clear()
        flight.on(call, said)
        made = len(flight.calls(call))
        sweep(scope, kind, deep=True)
        assert picture(provider) == before, way
        if len(flight.calls(call)) == made:
            # Only asked for what is named, or not as before.
            assert call != REGISTER.get(kind).calls[0]
            continue
        row = Operation.objects.get(scope=scope, kind=kind, operation=call)
        assert (row.health, bool(row.cure), bool(row.last_error)) == (health, True, True), way
        assert row.last_success is not None or call in REGISTER.get(kind).optional, way
    # The others went on all the while, and this one does again.
    cache.clear()
    flight.on(call, works)
    assert None not in sweep(scope, deep=True).values()
    # All but what the flights have Jira reject: one query, one project.
    others = Operation.objects.exclude(code="Rejected")
    assert set(others.values_list("health", flat=True)) == {Health.OK}
    assert picture(provider) == before
