"""GitHub's operations on repositories, their branches and their history."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from apps.sandbox.github import history, writing
from apps.sandbox.github.door import (
    invalid,
    may_write,
    missing,
    paged,
    refused,
    repository,
    route,
    shows,
    written,
)
from apps.sandbox.github.model import GitHub
from apps.sandbox.rest import Ask, Said

if TYPE_CHECKING:
    from apps.sandbox.github.model import Commit, Repository

_REPO = "/repos/{owner}/{repo}"


def since(ask: Ask, name: str = "since") -> float:
    """A time of the query in epoch seconds, 0 where there is none."""
    text = ask.query.get(name, "")
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise refused(422, f"Invalid {name}: {text}") from None


def commit_of(one: Repository, ref: str) -> Commit:
    """The commit of a branch or id; raises what GitHub says of a repository without any."""
    if not one.commits:
        raise refused(409, "Git Repository is empty.")
    found = one.find(ref)
    if found is None:
        raise refused(422, f"No commit found for SHA: {ref}")
    return found


def _get(ask: Ask) -> Said:
    return Said(shows(ask).full_repository(repository(ask)))


route("GET", _REPO, "repos/get")(_get)


@route("PATCH", _REPO, "repos/update")
def update(ask: Ask) -> Said:
    """Rename it, describe it, archive it."""
    one, wanted = repository(ask), written(ask)
    name = str(wanted.get("name") or one.name)
    if name != one.name:
        if ask.world.of(GitHub).find(f"{one.owner}/{name}"):
            raise invalid("Repository", "name", "already_exists")
        writing.rename(ask.world, one, name)
    one.description = wanted.get("description", one.description)
    one.archived = bool(wanted.get("archived", one.archived))
    one.has_issues = bool(wanted.get("has_issues", one.has_issues))
    one.updated = ask.world.now()
    return Said(shows(ask).full_repository(one))


@route("DELETE", _REPO, "repos/delete")
def delete(ask: Ask) -> Said:
    """Take it away for good."""
    one, store = repository(ask), ask.world.of(GitHub)
    del store.repositories[one.id]
    return Said(None, 204)


@route("POST", f"{_REPO}/transfer", "repos/transfer")
def transfer(ask: Ask) -> Said:
    """Give it to another account."""
    one, owner = repository(ask), str(written(ask).get("new_owner") or "")
    if not owner:
        raise invalid("Repository", "new_owner", "missing_field")
    writing.rename(ask.world, one, one.name, owner=owner)
    return Said(shows(ask).repository(one), 202)


# -- branches and references ---------------------------------------------------------------------


def _branches(ask: Ask) -> Said:
    one = repository(ask)
    names = sorted(one.branches)
    if "protected" in ask.query:
        wanted = ask.query["protected"] == "true"
        names = [name for name in names if (name in one.protected) == wanted]
    return paged(ask, names, lambda name: shows(ask).branch(one, name))


def _branch(ask: Ask) -> Said:
    one = repository(ask)
    if ask["branch"] not in one.branches:
        raise refused(404, "Branch not found")
    return Said(shows(ask).full_branch(one, ask["branch"]))


def _references(ask: Ask) -> Said:
    one = repository(ask)
    beginning = ask.names.get("ref", "heads/").removeprefix("heads/")
    names = [name for name in sorted(one.branches) if name.startswith(beginning)]
    return paged(ask, names, lambda name: shows(ask).reference(one, name))


def _reference(ask: Ask) -> Said:
    one, name = repository(ask), ask["ref"].removeprefix("heads/")
    if not one.commits:
        raise refused(409, "Git Repository is empty.")
    if name not in one.branches:
        raise missing()
    return Said(shows(ask).reference(one, name))


route("GET", f"{_REPO}/branches", "repos/list-branches")(_branches)
route("GET", f"{_REPO}/branches/{{branch+}}", "repos/get-branch")(_branch)
for _path in ("/git/matching-refs/{ref+}", "/git/refs"):
    route("GET", _REPO + _path, "git/list-matching-refs")(_references)
route("GET", f"{_REPO}/git/ref/{{ref+}}", "git/get-ref")(_reference)


@route("POST", f"{_REPO}/git/refs", "git/create-ref")
def create_reference(ask: Ask) -> Said:
    """A new branch."""
    one, wanted = repository(ask), written(ask)
    may_write(one)
    if not one.commits:
        raise refused(409, "Git Repository is empty.")
    ref, sha = str(wanted.get("ref") or ""), str(wanted.get("sha") or "")
    name = ref.removeprefix("refs/heads/")
    if name == ref or not name:
        raise refused(422, "Reference name must start with 'refs/heads/'")
    if name in one.branches:
        raise refused(422, "Reference already exists")
    if sha not in one.commits:
        raise refused(422, "Object does not exist")
    writing.move(ask.world, one, name, sha, ask.caller.name)
    return Said(shows(ask).reference(one, name), 201)


@route("PATCH", f"{_REPO}/git/refs/{{ref+}}", "git/update-ref")
def update_reference(ask: Ask) -> Said:
    """Move a branch; anywhere but forward only by force."""
    one, wanted = repository(ask), written(ask)
    may_write(one)
    name, sha = ask["ref"].removeprefix("heads/"), str(wanted.get("sha") or "")
    if name not in one.branches:
        raise refused(422, "Reference does not exist")
    if sha not in one.commits:
        raise refused(422, "Object does not exist")
    if not wanted.get("force") and one.branches[name] not in history.behind(one, sha):
        raise refused(422, "Update is not a fast forward")
    writing.may_push(one, name)
    writing.move(ask.world, one, name, sha, ask.caller.name)
    return Said(shows(ask).reference(one, name))


@route("DELETE", f"{_REPO}/git/refs/{{ref+}}", "git/delete-ref")
def delete_reference(ask: Ask) -> Said:
    """Take a branch away."""
    one, name = repository(ask), ask["ref"].removeprefix("heads/")
    if name not in one.branches:
        raise refused(422, "Reference does not exist")
    writing.delete_branch(ask.world, one, name, ask.caller.name)
    return Said(None, 204)


# -- history -------------------------------------------------------------------------------------


def _commits(ask: Ask) -> Said:
    one = repository(ask)
    if not one.commits:
        raise refused(409, "Git Repository is empty.")
    first = one.find(ask.query.get("sha") or one.default)
    if first is None:
        raise missing()
    after, before = since(ask), since(ask, "until")
    author = ask.query.get("author")
    found = [
        commit
        for commit in history.log(one, first.sha)
        if commit.at >= after
        and (not before or commit.at <= before)
        and (not author or commit.author == author)
    ]
    return paged(ask, found, lambda commit: shows(ask).commit(one, commit))


def _commit(ask: Ask) -> Said:
    one = repository(ask)
    return Said(shows(ask).full_commit(one, commit_of(one, ask["ref"])))


def _compare(ask: Ask) -> Said:
    one = repository(ask)
    left, dots, right = ask["basehead"].partition("...")
    base, head = one.find(left.rpartition(":")[2]), one.find(right.rpartition(":")[2])
    if not dots or base is None or head is None:
        raise missing()
    standing = history.compare(one, base.sha, head.sha)
    if standing.base is None:
        raise refused(404, f"No common ancestor between {left} and {right}.")
    size = ask.number("per_page", 250, 250) or 250
    page = max(1, ask.number("page", 1, 1000))
    shown = standing.ahead[(page - 1) * size : page * size]
    said = paged(ask, standing.ahead, lambda _: None)
    said.body = shows(ask).comparison(one, base, head, standing, shown)
    if "per_page" not in ask.query:
        said.headers.pop("Link", None)
    return said


route("GET", f"{_REPO}/commits", "repos/list-commits")(_commits)
route("GET", f"{_REPO}/compare/{{basehead+}}", "repos/compare-commits-with-basehead")(_compare)


def register_commit() -> None:
    """The widest path of all, which must come last."""
    route("GET", f"{_REPO}/commits/{{ref+}}", "repos/get-commit")(_commit)
