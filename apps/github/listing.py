"""Lists the repositories that a connection is to read, by the names their rows bear; no Django.

https://docs.github.com/en/rest/repos/repos · https://docs.github.com/en/rest/apps/installations
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.mirror.ask import Ask, Vanished
from apps.mirror.provider import Failure, Health
from apps.sites.failures import classify
from apps.sites.reach import Failed, Reach

from .words import APP, GET_REPOSITORY

PAGE = 100
GONE = frozenset({404, 410})
# What is wrong with one owner alone: the others are read.
ALONE = (Health.DENIED, Health.GONE, Health.FAILING)
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


@dataclass(frozen=True, slots=True)
class Known:
    """The repositories that are mirrored: GitHub's ids by the names that their rows bear.

    The id stays when a repository is renamed or transferred, so that its rows stay its own.
    `present` are those that are not gone.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    present: frozenset[str] = frozenset()

    @classmethod
    def told_by(cls, ask: Ask) -> "Known":
        """Return what a collector is given of them."""
        return cls(
            {one.key: str(one.fields.get("repository_id") or "") for one in ask.parents},
            frozenset(one.key for one in ask.parents if not one.fields.get("gone")),
        )


def listed(reach: Reach, known: Known) -> list[Listed]:
    """Return what is to be read: of the chosen owners all, of the chosen repositories each.

    Everything that the token was given where nothing is chosen. Raises where a list fails; an owner
    or a repository that is refused alone is told on the scope and stays as it was.
    """
    found: dict[str, Told] = {}
    left_out: list[Listed] = []
    owners = [str(one) for one in reach.selection.get("owners") or ()]
    names = [str(one) for one in reach.selection.get("repositories") or ()]
    mine, kept = _of_owners(reach, owners, known) if owners else ((), [])
    for told in mine if owners or names else _all(reach):
        found[_id(told)] = told
    have = {str(told.get("full_name")).lower() for told in found.values()}
    wanted = [name for name in dict.fromkeys(names) if name.lower() not in have]
    for name, answer in reach.each(wanted, lambda name: reach.get(GET_REPOSITORY, path(name))):
        if isinstance(answer, Failed):
            left_out += missed(name, known, answer.failure)
        else:
            found[_id(answer.body)] = answer.body
    return [*by_key(list(found.values()), known), *kept, *left_out]


def named(reach: Reach, names: Iterable[str], known: Known) -> Iterator[Listed | Vanished]:
    """Return those of these names that are to be read; what nobody chose is not.

    A webhook of an organisation, or of an app, tells of every repository there.
    """
    for name, told in reach.each(names, lambda name: one(reach, name)):
        if told is None:
            yield Vanished(name)
        elif isinstance(told, Failed):
            yield from missed(name, known, told.failure)
        elif _id(told) in known.ids.values() or _is_chosen(reach, str(told.get("full_name"))):
            yield from by_key([told], known)


def _is_chosen(reach: Reach, name: str) -> bool:
    owners = {str(one).lower() for one in reach.selection.get("owners") or ()}
    names = {str(one).lower() for one in reach.selection.get("repositories") or ()}
    nothing = not owners and not names
    return nothing or name.lower() in names or name.partition("/")[0].lower() in owners


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


def _of_owners(
    reach: Reach, owners: Sequence[str], known: Known
) -> tuple[list[Told], list[Listed]]:
    """Return the repositories of organisations and people, and those that stay as they are.

    An app is asked once for all it may read. Raises where none of several owners can be read.
    """
    if reach.method == APP:
        wanted = {owner.lower() for owner in owners}
        return [told for told in _all(reach) if _owner(told) in wanted], []
    found: list[Told] = []
    kept: list[Listed] = []
    failed: list[Exception] = []
    for owner in owners:
        try:
            found += _of_owner(reach, owner)
        except Exception as error:
            failure = classify(error)
            if reach.spent or failure.ours or failure.health not in ALONE:
                raise
            failed.append(error)
            told = replace(failure, message=f"{owner}: {failure.message}")
            # One that is not there is no good news, as a repository's absence may be.
            health = Health.DENIED if failure.health is Health.GONE else failure.health
            reach.troubled(failure.operation, replace(told, health=health))
            kept += [Listed(key, None) for key in known.present if _owns(owner, key)]
    if len(failed) == len(owners):
        raise failed[0]
    return found, kept


def _of_owner(reach: Reach, owner: str) -> Iterator[Told]:
    """Read who an owner is, which costs nothing while it stays, and what they have."""
    who = reach.get("github:UsersGetByUsername", f"/users/{owner}").body
    if who.get("type") == "Organization":
        yield from _pages(reach, "github:ReposListForOrg", f"/orgs/{owner}/repos", type="all")
        return
    # A person's private repositories are told to no other.
    yield from _pages(reach, "github:ReposListForUser", f"/users/{owner}/repos")
    mine = _pages(
        reach,
        "github:ReposListForAuthenticatedUser",
        "/user/repos",
        affiliation="owner,collaborator",
    )
    yield from (told for told in mine if _owner(told) == owner.lower())


def _owns(owner: str, name: str) -> bool:
    return name.lower().startswith(f"{owner.lower()}/")


def _owner(told: Told) -> str:
    return str(told.get("full_name") or "").partition("/")[0].lower()


def _pages(reach: Reach, operation: str, address: str, **params: Any) -> Iterator[Told]:
    for page in reach.pages(operation, address, per_page=PAGE, **params):
        yield from _named(page)


def _named(page: Any) -> Iterator[Told]:
    return (told for told in items(page) if told.get("full_name"))


def missed(name: str, known: Known, failure: Failure) -> Iterator[Listed]:
    """A repository that could not be read stays, where there is one: it may be back."""
    key = next((one for one in known.present if one.lower() == name.lower()), "")
    if key:
        yield Listed(key, None, failure.message if failure.code == "Blocked" else "")


def by_key(found: Sequence[Told], known: Known) -> Iterator[Listed]:
    """Say by which name each is known here.

    One that has another name since keeps its rows, and so its earlier name until they were renamed;
    whatever has that name now is told next time.
    """
    by_id: dict[str, str] = {}
    for key, number in known.ids.items():
        by_id.setdefault(number, key)
    keys: dict[str, str] = {}
    for told in found:
        name, number = str(told["full_name"]), _id(told)
        keys[number] = name if known.ids.get(name) == number else by_id.get(number, name)
    moved = {key for number, key in keys.items() if by_id.get(number) == key}
    for told in found:
        name, number = str(told["full_name"]), _id(told)
        key = keys[number]
        if key == name and known.ids.get(name, number) != number and name in moved:
            continue
        yield Listed(key, told)
