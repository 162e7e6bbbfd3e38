"""Lists the repositories that a connection is to read, by the names their rows bear; no Django.

https://docs.github.com/en/rest/repos/repos · https://docs.github.com/en/rest/apps/installations
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.mirror.ask import Ask
from apps.sites.reach import Failed, Reach

from .words import APP, GET_REPOSITORY

PAGE = 100
GONE = frozenset({404, 410})
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository that was listed.

    key      the name that its rows bear: an earlier one, where it has another name since.
    told     what GitHub says of it; None where it could not be read this time.
    blocked  why GitHub lets nobody read it, "" where it does.
    """

    key: str
    told: Told | None
    blocked: str = ""


def listed(reach: Reach, known: Mapping[str, str]) -> list[Listed]:
    """Return what is to be read; `known` is name -> id of the repositories that are mirrored.

    Of the chosen owners all, of the chosen repositories each; everything that the token was given
    where nothing is chosen. Raises where a list fails; a repository that is refused alone is told
    on the scope and stays as it was.
    """
    found: dict[str, Told] = {}
    left_out: list[Listed] = []
    owners = [str(one) for one in reach.selection.get("owners") or ()]
    names = [str(one) for one in reach.selection.get("repositories") or ()]
    for told in _of_owners(reach, owners) if owners else () if names else _all(reach):
        found[_id(told)] = told
    have = {str(told.get("full_name")).lower() for told in found.values()}
    wanted = [name for name in dict.fromkeys(names) if name.lower() not in have]
    for name, answer in reach.each(wanted, lambda name: reach.get(GET_REPOSITORY, path(name))):
        if isinstance(answer, Failed):
            left_out += missed(name, known, answer)
        else:
            found[_id(answer.body)] = answer.body
    return [*by_key(list(found.values()), known), *left_out]


def ids_of(ask: Ask) -> dict[str, str]:
    """Return name -> GitHub's id of the repositories that are mirrored, which `ask` is given.

    The id stays when a repository is renamed or transferred, so that its rows stay its own.
    """
    return {one.key: str(one.fields.get("repository_id") or "") for one in ask.parents}


def path(name: str, rest: str = "") -> str:
    """Return the path of what belongs to a repository."""
    return f"/repos/{name}{rest}"


def one(reach: Reach, name: str) -> Told | None:
    """Return one repository by any name it ever had; None where it is gone, or cannot be seen."""
    answer = reach.get_unless(GONE, GET_REPOSITORY, path(name))
    return answer.body if answer.ok else None


def pages_unless(
    reach: Reach, statuses: frozenset[int], operation: str, address: str, **params: Any
) -> Iterator[Any]:
    """Yield the pages of a list that GitHub refuses so where there is none: then no page."""
    at, asked = address, params
    while True:
        answer = reach.get_unless(statuses, operation, at, **asked)
        if not answer.ok:
            return
        yield answer
        following = reach.next_page(at, asked, answer)
        if following is None or following[0] == at:
            return
        at, asked = following[0], {}


def items(answer: Any) -> list[Told]:
    """Return what a page of a list holds, whatever wraps it."""
    body = answer.body
    if isinstance(body, Mapping):
        body = next((value for value in body.values() if isinstance(value, list)), [])
    return [item for item in body or () if isinstance(item, Mapping)]


def _id(told: Told) -> str:
    return str(told.get("id") or told.get("full_name"))


def _all(reach: Reach) -> Iterator[Told]:
    if reach.method == APP:
        yield from _pages(
            reach, "github:AppsListReposAccessibleToInstallation", "/installation/repositories"
        )
    else:
        yield from _pages(reach, "github:ReposListForAuthenticatedUser", "/user/repos")


def _of_owners(reach: Reach, owners: Sequence[str]) -> Iterator[Told]:
    """The repositories of organisations and people; an app is asked once for all it may read."""
    if reach.method == APP:
        wanted = {owner.lower() for owner in owners}
        for told in _all(reach):
            if _owner(told) in wanted:
                yield told
        return
    for owner in owners:
        operation, address = "github:ReposListForOrg", f"/orgs/{owner}/repos"
        is_organisation = False
        for page in pages_unless(reach, GONE, operation, address, per_page=PAGE, type="all"):
            is_organisation = True
            yield from _named(page)
        if not is_organisation:
            # It is no organisation: a person, whose private repositories are told to no other.
            yield from _pages(reach, "github:ReposListForUser", f"/users/{owner}/repos")
            mine = _pages(
                reach,
                "github:ReposListForAuthenticatedUser",
                "/user/repos",
                affiliation="owner,collaborator",
            )
            yield from (told for told in mine if _owner(told) == owner.lower())


def _owner(told: Told) -> str:
    return str(told.get("full_name") or "").partition("/")[0].lower()


def _pages(reach: Reach, operation: str, address: str, **params: Any) -> Iterator[Told]:
    for page in reach.pages(operation, address, per_page=PAGE, **params):
        yield from _named(page)


def _named(page: Any) -> Iterator[Told]:
    return (told for told in items(page) if told.get("full_name"))


def missed(name: str, known: Mapping[str, str], failed: Failed) -> Iterator[Listed]:
    """A chosen repository that could not be read stays, where there is one: it may be back."""
    key = next((one for one in known if one.lower() == name.lower()), "")
    if key:
        blocked = failed.failure.message if failed.failure.code == "Blocked" else ""
        yield Listed(key, None, blocked)


def by_key(found: Sequence[Told], known: Mapping[str, str]) -> Iterator[Listed]:
    """Say by which name each is known here.

    One that has another name since keeps its rows, and so its earlier name until they were renamed;
    whatever has that name now is told next time.
    """
    by_id: dict[str, str] = {}
    for key, number in known.items():
        by_id.setdefault(number, key)
    keys: dict[str, str] = {}
    for told in found:
        name, number = str(told["full_name"]), _id(told)
        keys[number] = name if known.get(name) == number else by_id.get(number, name)
    moved = {key for number, key in keys.items() if by_id.get(number) == key}
    for told in found:
        name, number = str(told["full_name"]), _id(told)
        key = keys[number]
        if key == name and known.get(name, number) != number and name in moved:
            continue
        yield Listed(key, told)
