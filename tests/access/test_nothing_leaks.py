"""Lists, counts, search, API and the live stream say nothing of what somebody may not know of.

Whatever a stranger or a member elsewhere is answered must be, to the byte, what they are answered
where the foreign account and its project are not there; an administrator is answered otherwise.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from apps.live.fragment import FRAGMENTS
from apps.mirror.listener import Message, listener_for
from apps.mirror.looks import LOOKS
from apps.mirror.models import Change, Scope
from apps.mirror.resource import REGISTER
from apps.mirror.tail import Tail
from apps.projects.generations import begin_another
from tests.access.test_who_may import LINES, Line, undone
from tests.access.world import OURS, SITE_SECRETS, THEIRS, World, unlike
from tests.factories import change

pytestmark = pytest.mark.django_db

KINDS = [resource.kind for resource in REGISTER.of("aws")]
# What lists whatever the reader may know of.
LISTS = [
    f"/{line.route}"
    for line in LINES
    if line.method == "GET"
    and not line.of
    and line.route != "ages"
    and line.expected[1] == "200"
    and not line.route.startswith(("accounts/", "people/", "live/"))
]
COUNTED = [
    *LISTS,
    "/?part=counts",
    "/?part=progress",
    "/?q=checkout",
    "/?state=failed",
    "/ages?scopes=",
    "/approvals/?part=count",
    "/approvals/?whose=me",
]
# The row that each look is at; a search has a number of its own.
LOOKED_AT = {
    "codecommit-commit": "codecommit.commit",
    "codecommit-changes": "codecommit.pullrequest",
    "log": "codebuild.build",
    "appspec": "codedeploy.deployment",
    "template": "cloudformation.stack",
    "drift": "cloudformation.stack",
    "grouptail": "cloudwatch.loggroup",
    # Whoever hosts them, they are the same rows.
    "github-commit": "codecommit.commit",
    "github-changes": "codecommit.pullrequest",
}


@contextmanager
def without_the_foreign(world: World) -> Iterator[None]:
    """The account that is not ours, and the project that has it, are not there."""
    with undone():
        elsewhere = [world.scopes["theirs"].pk, world.sites["theirs"].scope_id]
        Scope.objects.filter(pk__in=elsewhere).update(parked=True)
        world.projects["theirs"].holdings.all().delete()
        world.projects["theirs"].memberships.all().delete()
        type(world.projects["theirs"]).objects.filter(pk=world.projects["theirs"].pk).delete()
        begin_another()
        yield


def answer(world: World, person: str, path: str) -> str:
    with undone():
        response = world.browser(person).get(path)
        assert response.status_code == 200, (path, response.status_code)
        return unlike(response.content.decode(), path)


@pytest.mark.parametrize("path", COUNTED)
def test_lists_and_their_counts_know_nothing_foreign(path: str, world: World) -> None:
    before = {person: answer(world, person, path) for person in ("stranger", "viewer")}
    for text in before.values():
        assert THEIRS not in text
        assert "uartermaster" not in text
    with without_the_foreign(world):
        for person, text in before.items():
            assert answer(world, person, path) == text, person


def test_lists_tell_the_foreign_to_administrators(world: World) -> None:
    """Or else the test before could not fail."""
    told = [path for path in LISTS if THEIRS in answer(world, "administrator", path)]
    assert len(told) > len(LISTS) / 2


def words_of(row: Any) -> set[str]:
    """What one would search a row by."""
    return {word for word in (str(row), row.key) if len(word) > 2}


def test_the_search_finds_nothing_foreign(world: World) -> None:
    # Both accounts hold the same things, which are called and keyed alike.
    words = {word for kind in KINDS for word in words_of(world.rows[kind]["theirs"])}
    paths = [f"/search?q={quote(word)}" for word in sorted(words)]
    assert len(paths) > len(KINDS)
    before = {
        (person, path): answer(world, person, path)
        for path in paths
        for person in ("stranger", "viewer")
    }
    with without_the_foreign(world):
        for (person, path), text in before.items():
            assert answer(world, person, path) == text, (person, path)


def test_the_search_finds_the_foreign_for_administrators(world: World) -> None:
    row: Any = world.rows["codebuild.build"]["theirs"]
    assert row.get_absolute_url() in answer(world, "administrator", f"/search?q={row.key}")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_each_kind_are_those_that_one_may_know_of(kind: str, world: World) -> None:
    def accounts(person: str) -> set[str]:
        told = json.loads(answer(world, person, f"/api/v1/rows/{kind}?limit=200"))
        return {item["account"] for item in told["items"]}

    assert accounts("stranger") == set()
    assert accounts("viewer") == {OURS}
    assert accounts("administrator") >= {OURS, THEIRS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_tells_nothing_foreign(kind: str, world: World) -> None:
    tail = Tail()
    tail._begin()
    foreign = world.rows[kind]["theirs"]
    topics = [f"list:{kind}", f"touched:{kind}"]
    topics += [f"{fragment.name}:{foreign.pk}" for fragment in FRAGMENTS.of(kind)]
    told: dict[str, list[Message]] = {}
    for person in ("stranger", "viewer", "administrator"):
        told[person] = []
        tail._listeners.add(listener_for(world.people[person], topics, told[person].append))
    change(foreign, kind)
    change(foreign, kind, verb=Change.Verb.APPEARED)
    tail._turn()
    assert (told["stranger"], told["viewer"]) == ([], [])
    assert len(told["administrator"]) >= 2, "nor would it tell who may know"


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_tells_what_is_ours_to_members_alone(kind: str, world: World) -> None:
    tail = Tail()
    tail._begin()
    told: dict[str, list[Message]] = {}
    for person in ("stranger", "viewer"):
        told[person] = []
        topics = [f"list:{kind}", f"touched:{kind}"]
        tail._listeners.add(listener_for(world.people[person], topics, told[person].append))
    change(world.rows[kind]["ours"], kind, verb=Change.Verb.APPEARED)
    tail._turn()
    assert told["stranger"] == []
    assert {message.event for message in told["viewer"]} == {"refresh", "touched"}


def test_every_look_is_known_here() -> None:
    assert LOOKED_AT.keys() | {"groupsearch"} == LOOKS.by_name.keys()


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_is_looked_up_in_aws_is_told_to_who_may_see_the_row(name: str, world: World) -> None:
    look, rows = LOOKS.by_name[name], world.args[LOOKED_AT[name]]
    ours, theirs = rows["ours"][0], rows["theirs"][0]
    may = {
        person: (look.permitted(user, ours), look.permitted(user, theirs))
        for person, user in world.people.items()
        if person in ("stranger", "viewer", "administrator")
    }
    assert may == {
        "stranger": (False, False),
        "viewer": (True, False),
        "administrator": (True, True),
    }


def test_rooms_are_entered_by_who_may_know_of_the_project(world: World) -> None:
    tail = Tail()
    tail._begin()
    told: dict[str, list[Message]] = {}
    for person in ("stranger", "viewer"):
        told[person] = []
        topic = f"project:{world.projects['ours'].pk}"
        tail._listeners.add(listener_for(world.people[person], [topic], told[person].append))
    tail._heard("audience", "")
    tail._turn()
    assert [message.event for message in told["stranger"]] == ["lost"]
    assert [message.event for message in told["viewer"]] == ["refresh"]


OF_SITES = [line for line in LINES if line.route.startswith("sites/")]


@pytest.mark.parametrize("line", OF_SITES, ids=str)
def test_what_a_site_is_opened_by_is_shown_to_nobody(line: Line, world: World) -> None:
    """Not even to administrators, who entered it; nor is it readable where it is kept."""
    path = line.path(world.args[line.of]["ours"] if line.of else ())
    with undone():
        response = world.browser("administrator").generic(line.method, path)
        text = response.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM sites_site")
        rows = repr(cursor.fetchall())
    assert "client-of-the-site" in rows
    for secret in SITE_SECRETS:
        assert secret not in text
        assert secret not in rows
