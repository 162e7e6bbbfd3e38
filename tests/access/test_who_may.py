"""Whether each address answers each person as the table says, and strangers of nothing foreign."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, get_resolver

from apps.projects.generations import MEMO, begin_another
from apps.projects.models import Holding
from tests.access.bodies import BODIES
from tests.access.world import PEOPLE, World, unlike

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).parent / "who_may.txt"
LINE = re.compile(
    r"(?P<method>GET|POST) +(?P<route>\S+) +(?P<expected>(?:\S+ +){5}\S+)(?P<of>[^#]*)(?:#.*)?"
)
PARAMETER = re.compile(r"<(?:\w+:)?\w+>")
# Below /api/ whatever else there is; the table has an address of it.
ANY = {"api/^": "api/anything-else", "": ""}


@dataclass(frozen=True)
class Line:
    """A line of the table: what each person is answered. "door" is a redirect to the sign-in."""

    method: str
    route: str
    expected: tuple[str, ...]
    of: str

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    def path(self, args: tuple[Any, ...]) -> str:
        """The address with these in the places of its parameters."""
        left = iter(args)
        return "/" + PARAMETER.sub(lambda _: str(next(left)), ANY.get(self.route, self.route))


def read_table() -> list[Line]:
    lines = []
    for text in TABLE.read_text(encoding="utf-8").splitlines():
        if text.strip() and not text.startswith("#"):
            found = LINE.fullmatch(text)
            assert found, f"not understood: {text}"
            route = "" if found["route"] == "(home)" else found["route"]
            expected = tuple(found["expected"].split())
            lines.append(Line(found["method"], route, expected, found["of"].strip()))
    return lines


LINES = read_table()
OF_SOMETHING = [line for line in LINES if line.of]


def routes() -> Iterator[str]:
    """Every route of pages and API, as the resolver has it."""

    def below(resolver: Any, before: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            route = f"{before}{pattern.pattern}"
            if isinstance(pattern, URLPattern):
                yield route
            else:
                yield from below(pattern, route)

    return below(get_resolver(), "")


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside did not happen."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    MEMO.forget()


def ask(client: Client, line: Line, args: tuple[Any, ...], method: str = "") -> HttpResponseBase:
    """Ask as a browser does, and undo it."""
    path = line.path(args)
    with undone():
        if (method or line.method) == "GET":
            return client.get(path)
        body = BODIES.get(line.route, {})
        return client.post(path, body(client.world) if callable(body) else body)


def told(response: HttpResponseBase) -> str:
    """What it answered, in the table's words."""
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/"):
        return "door"
    return str(response.status_code)


def test_every_route_has_its_line_and_every_line_its_route() -> None:
    known, listed = set(routes()), {line.route for line in LINES}
    assert known - listed == set(), "these have no line in who_may.txt"
    assert listed - known == set(), "these are no routes any more"


def test_no_line_stands_twice() -> None:
    names = [str(line) for line in LINES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("line", LINES, ids=str)
def test_each_person_is_answered_as_the_table_says(line: Line, world: World) -> None:
    args = world.args[line.of]["ours"] if line.of else ()
    answers = {person: told(ask(world.browser(person), line, args)) for person in PEOPLE}
    assert answers == dict(zip(PEOPLE, line.expected, strict=True))


TAKEN = {(line.route, line.method) for line in LINES}
UNSAID = [
    (line, other) for line in LINES for other in ("GET", "POST") if (line.route, other) not in TAKEN
]


def test_what_has_no_line_of_a_method_does_not_take_it(world: World) -> None:
    administrator, taken = world.browser("administrator"), []
    for line, method in UNSAID:
        args = world.args[line.of]["ours"] if line.of else ()
        status = ask(administrator, line, args, method).status_code
        # A cookie reads the API and nothing else: whatever else is asked with it is a stranger's.
        if status not in (404, 405) and not (status == 401 and line.route.startswith("api/")):
            taken.append((method, line.route, status))
    assert taken == [], "these have no line in who_may.txt"


def answer_to(world: World, person: str, line: Line, args: tuple[Any, ...]) -> Any:
    response = ask(world.browser(person), line, args)
    if response.status_code == 302:
        return told(response), unlike(response["Location"], line.path(args))
    headers = {name for name in response.headers if name != "Content-Length"}
    text = response.content.decode()  # type: ignore[attr-defined]
    return told(response), headers, unlike(text, line.path(args))


@pytest.mark.parametrize("line", OF_SOMETHING, ids=str)
def test_what_is_foreign_and_what_is_not_there_answer_the_same(line: Line, world: World) -> None:
    args = world.args[line.of]
    if "theirs" not in args:
        # There is one, and only some may know of it: to the others it is as if there were none.
        for person, expected in zip(PEOPLE, line.expected, strict=True):
            if expected == "404" and "none" in args:
                nothing = answer_to(world, person, line, args["none"])
                assert answer_to(world, person, line, args["ours"]) == nothing, person
        return
    nothing: Any = {}
    # What an owner elsewhere is not told, those who may less there are not told either.
    for person in ("anonymous", "stranger", "owner"):
        nothing[person] = answer_to(world, person, line, args["none"])
        assert answer_to(world, person, line, args["theirs"]) == nothing[person], person
    assert nothing.pop("anonymous")[0] == ("401" if "api/" in line.route else "door")
    assert {answer[0] for answer in nothing.values()} == {"404"}
    administrator = world.browser("administrator")
    assert told(ask(administrator, line, args["none"])) == "404"
    if line.method == "GET":
        assert told(ask(administrator, line, args["theirs"])) == line.expected[-1]
    with undone():
        # Nobody's: in no project at all.
        Holding.objects.filter(project=world.projects["theirs"]).delete()
        begin_another()
        for person, answer in nothing.items():
            assert answer_to(world, person, line, args["theirs"]) == answer, person
