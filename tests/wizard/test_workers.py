"""Workers that die double nothing in the database, and what stands starves nobody."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from apps.deeds.models import Deed
from apps.mirror.models import Scope
from apps.projects.models import Membership, Project
from apps.wizard import advancing, gathering
from apps.wizard.models import KIND, Bootstrap
from tests.deeds.making import DeathError

from .making import drafted

pytestmark = pytest.mark.django_db
State = Bootstrap.State
WRITES = ("INSERT", "UPDATE", "DELETE")


def dying_at(number: int) -> AbstractContextManager[None]:
    """Let the process die before a write to the database, the first of which is 0."""
    written: list[str] = []

    def die(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(WRITES):
            if len(written) == number:
                raise DeathError
            written.append(sql)
        return execute(sql, *rest)

    return connection.execute_wrapper(die)


def test_whoever_dies_while_the_project_is_made_leaves_one(people: dict[str, Any], scope: Scope):
    made = drafted(people["owner"], scope)
    members = [[people["viewer"].pk, "viewer"], [people["contributor"].pk, "contributor"]]
    Bootstrap.objects.filter(pk=made.pk).update(members=members)
    deed = Deed.objects.create(act="wizard.plan", kind=KIND, row_id=made.pk, name="shop-web")
    before = Project.objects.count()
    deaths = 0
    while True:
        # The next worker reads anew how far it is.
        there = Bootstrap.objects.get(pk=made.pk)
        try:
            with dying_at(deaths):
                assert gathering.gather(there)
            break
        except DeathError:
            deaths += 1
    # The project, its people and their link to it are several writes.
    assert deaths > len(members)
    assert Project.objects.count() == before + 1
    made.refresh_from_db()
    deed.refresh_from_db()
    assert made.project is not None
    assert (made.project.name, deed.project) == ("Shop web", made.project)
    roles = Membership.objects.filter(project=made.project).values_list("user", "role")
    assert dict(roles) == {people["owner"].pk: "owner", **dict(members)}


def test_who_comes_too_late_with_a_project_takes_it_back(people: dict[str, Any], scope: Scope):
    made = drafted(people["owner"], scope)
    late = Bootstrap.objects.get(pk=made.pk)
    first = gathering.project_of(made)
    assert gathering.project_of(late) == first
    assert list(Project.objects.filter(name__startswith="Shop web")) == [first]


def moving(who: Any, scope: Scope, name: str, **values: Any) -> Bootstrap:
    made = drafted(who, scope, project=name)
    Bootstrap.objects.filter(pk=made.pk).update(state=State.MOVING, course="plan", **values)
    return made


def test_what_stands_long_keeps_nobody_waiting(people: dict[str, Any], scope: Scope):
    at, who = now(), people["owner"]
    long_ago = at - timedelta(days=9)
    asked = Deed.objects.create(act="wizard.plan", kind=KIND, row_id=1, name="a", outcome="unknown")
    unknown = moving(who, scope, "unknown", since=long_ago, deed=asked)
    stuck = moving(who, scope, "stuck", since=long_ago, claimed_until=at - timedelta(seconds=5))
    tried = moving(who, scope, "tried", since=at, claimed_until=at - timedelta(seconds=50))
    fresh = moving(who, scope, "fresh", since=at)
    moving(who, scope, "held", since=at, claimed_until=at + timedelta(minutes=1))
    assert advancing.due() == [fresh.pk, tried.pk, stuck.pk]
    assert advancing.due(1) == [fresh.pk]
    # Once a person said what became of the deed, it goes on.
    Deed.objects.filter(pk=asked.pk).update(outcome="done")
    assert unknown.pk in advancing.due()


def test_who_was_gone_on_with_just_now_comes_last(people: dict[str, Any], scope: Scope):
    # Without an account nothing is asked: it stands still at once, and is free.
    made = moving(people["owner"], scope, "lone", step="look")
    Bootstrap.objects.filter(pk=made.pk).update(scope=None)
    advancing.advance(made.pk)
    made.refresh_from_db()
    assert made.state == State.FAILED
    assert made.claimed_until is not None
    assert made.claimed_until <= now()
    Bootstrap.objects.filter(pk=made.pk).update(state=State.MOVING)
    other = moving(people["owner"], scope, "other")
    assert advancing.due() == [other.pk, made.pk]
