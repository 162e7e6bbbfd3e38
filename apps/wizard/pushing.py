"""Puts the template's files into a repository at GitHub, by the site that reaches it.

Done once: the commit bears the project's mark, and a branch moves only from the head that was
looked at (`apps.github.committing`), so that whoever sends it again commits nothing twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.deeds.acts import Done, LaterError, Moved, RefusedError, UnsureError
from apps.github import committing
from apps.github.committing import File, Put, Standing
from apps.issues.at_sites import opened, why_not
from apps.mirror.asking import hint
from apps.mirror.models import Scope
from apps.mirror.resource import Names
from apps.people.rights import is_administrator, narrowed_to
from apps.projects.acting import project_for
from apps.sites.failures import SiteError
from apps.sites.models import Site
from apps.sites.reach import Reach
from apps.source.models import Repository

from .blueprints.answers import GITHUB
from .blueprints.rendering import README, mode_of
from .models import Bootstrap, Creation

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# How a commit is written down among what was made.
COMMIT = "commit"
KIND, BRANCH = "github.repository", "github.branch"
# A branch moves from one head alone, and the mark is looked for first.
REPEATS = timedelta(days=7)
BUDGET = 60.0
HOST = "api.github.com"
NAMED = 12
# From this status on an answer does not say whether anything was done.
CANNOT_SAY = 500
NOT_THEIRS = (
    "{name} is in no project in which you contribute: files are put into what you look after."
)
NOT_OPENED = (
    "{name} is in no project in which you contribute: a connection that is there would open it to "
    "you."
)
UNREACHED = "No connected site reaches {name} any more: look again."


def wants_files(bootstrap: Bootstrap) -> bool:
    """Whether somebody chose that the files are put into a repository at GitHub."""
    chosen = bootstrap.chosen
    return chosen.source == GITHUB and chosen.with_files


def pushes(bootstrap: Bootstrap) -> bool:
    """Whether the files are put there, as the plan said that they would be."""
    return wants_files(bootstrap) and bool(bootstrap.preview.get("push"))


def put_of(bootstrap: Bootstrap) -> Put:
    """Return what is put where."""
    chosen = bootstrap.chosen
    return Put(
        repository=chosen.repository_name,
        branch=chosen.branch,
        files={
            path: File(body, f"100{mode_of(path):o}")
            for path, body in bootstrap.rendered.files.items()
        },
        message=f"Begin with the template “{bootstrap.template.title}”",
        mark=f"CodeStar-Dash: {bootstrap.mark}",
        first=README,
    )


# --- Which site -----------------------------------------------------------------------------------


def sites() -> list[Site]:
    """Return the sites at which CodePipeline's connections to GitHub end: GitHub.com's.

    The sandbox plays both ends.
    """
    rows = Site.objects.select_related("scope").filter(provider="github", removed_at=None)
    rows = rows.filter(paused=False, parked_at=None).order_by("-may_write", "pk")
    return [one for one in rows if one.managed or one.host == HOST]


def mirrored(name: str, among: list[Site]) -> list[Repository]:
    """Return the repository as these sites read it, those first that may be written to."""
    order = [one.scope_id for one in among]
    rows = Repository.objects.select_related("scope").filter(
        scope__in=order, key__iexact=name, gone_at=None
    )
    return sorted(rows, key=lambda row: order.index(row.scope_id))


def may_push(who: Any, row: Repository | None) -> bool:
    """Whether somebody may have files put into a repository: who contributes where it is held.

    Administrators may into all that the site reaches. The token may more than its users.
    """
    if who is None or not who.is_active or narrowed_to(who) is not None:
        return False
    return is_administrator(who) or (row is not None and project_for(who, row) is not None)


def may_open(who: Any, bootstrap: Bootstrap) -> bool:
    """Whether somebody may have a pipeline read the repository by a connection of the account.

    The connection reads whatever its installation at GitHub may: whose repositories these are, it
    does not know. A new one opens nothing until somebody completes it.
    """
    chosen = bootstrap.chosen
    if chosen.source != GITHUB or chosen.new_connection:
        return True
    rows = mirrored(chosen.repository_name, sites())
    return may_push(who, None) or any(may_push(who, row) for row in rows)


def scope_of(bootstrap: Bootstrap) -> Scope | None:
    """Return the site by which the plan says that the files are put there; None once it is gone."""
    push = bootstrap.preview.get("push") or {}
    mine = [one for one in sites() if one.scope_id == push.get("scope")]
    return mine[0].scope if mine else None


# --- The deed -------------------------------------------------------------------------------------


@contextmanager
def _open(deed: "Deed", bootstrap: Bootstrap) -> Iterator[Reach]:
    """Open the site, where they may write there by now."""
    scope = scope_of(bootstrap)
    name = bootstrap.chosen.repository_name
    if scope is None:
        raise RefusedError(UNREACHED.format(name=name))
    if why := why_not(scope):
        raise RefusedError(why)
    row = next((one for one in mirrored(name, sites()) if one.scope_id == scope.pk), None)
    if not may_push(deed.who, row):
        raise RefusedError(NOT_THEIRS.format(name=name))
    with opened(scope, KIND) as reach:
        reach.budget = BUDGET
        yield reach


@contextmanager
def _unseen() -> Iterator[None]:
    """What fails in passing here moved no branch: it is done again from its beginning."""
    try:
        yield
    except (RefusedError, LaterError, UnsureError):
        raise
    except Exception as error:
        if isinstance(error, SiteError) and error.status < CANNOT_SAY:
            raise
        raise LaterError(f"GitHub did not answer ({type(error).__name__}).") from error


@dataclass(frozen=True, slots=True)
class AtGithub:
    """Commits the template's files; see `apps.deeds.acts.Doer`."""

    repeats: timedelta | None = REPEATS

    def stands(self, deed: "Deed", row: Bootstrap) -> Moved | Done | None:
        """See `Doer`."""
        put = put_of(row)
        with _open(deed, row) as reach, _unseen():
            standing = committing.look(reach, put)
        if done := _already(put, standing):
            return done
        why = in_the_way(put, standing)
        return Moved(why) if why else None

    def send(self, deed: "Deed", row: Bootstrap) -> Done:
        """See `Doer`."""
        put = put_of(row)
        with _open(deed, row) as reach:
            with _unseen():
                standing = committing.look(reach, put)
            if standing.empty and not in_the_way(put, standing):
                committing.begin(reach, put)
                with _unseen():
                    standing = committing.look(reach, put)
            if done := _already(put, standing):
                return done
            if why := in_the_way(put, standing):
                raise RefusedError(why)
            with _unseen():
                made = committing.prepare(reach, put, standing)
            try:
                committing.move(reach, put, standing, made)
            except SiteError as error:
                if committing.was_quicker(error):
                    raise LaterError(f"Somebody pushed to {put.branch} meanwhile.") from error
                raise
        return _done(put, made)

    def found(self, deed: "Deed", row: Bootstrap) -> Done | None:
        """See `Doer`."""
        put = put_of(row)
        with _open(deed, row) as reach, _unseen():
            return _already(put, committing.look(reach, put))


PUSH = AtGithub()


def _already(put: Put, standing: Standing) -> Done | None:
    """Whether the files are there: by our commit, whatever was done to them since, or anyhow."""
    if standing.made is not None:
        return _done(put, standing.made)
    if standing.there and not standing.missing and not standing.differing:
        told = f"All files are on {put.branch} of {put.repository} already."
        return Done(name=f"{put.repository} {put.branch}", told=told)
    return None


def _done(put: Put, made: committing.Made) -> Done:
    return Done(
        kind="github.commit",
        key=made.sha,
        name=f"{put.repository} {made.sha[:7]}",
        url=made.url,
        told=f"The files are on {put.branch} of {put.repository}.",
    )


def in_the_way(put: Put, standing: Standing) -> str:
    """Say why nothing is put there as things stand, "" where nothing is in the way."""
    if standing.name.lower() != put.repository.lower():
        return f"{put.repository} is called {standing.name} by now."
    if standing.archived:
        return f"{put.repository} is archived: nobody writes to it."
    if standing.empty and standing.default != put.branch:
        return (
            f"{put.repository} is empty, and its first commit can be made on its default branch "
            f"{standing.default} alone."
        )
    if not standing.whole:
        return f"GitHub does not list all files of {put.repository}: there are too many."
    if standing.differing:
        more = len(standing.differing) - NAMED
        names = ", ".join(standing.differing[:NAMED]) + (f" and {more} more" if more > 0 else "")
        return (
            f"{put.repository} has something else at {names}, and nothing of yours is written over."
        )
    return ""


# --- What is written down -------------------------------------------------------------------------


def about_to_push(bootstrap: Bootstrap) -> None:
    """Write down that a commit is about to be made."""
    chosen = bootstrap.chosen
    Creation.objects.get_or_create(
        bootstrap=bootstrap, kind=COMMIT, ident=f"{chosen.repository_name} {chosen.branch}"
    )


def note(bootstrap: Bootstrap) -> None:
    """Write down the commit that was made, and have the mirror read it."""
    made = bootstrap.deed.made if bootstrap.deed is not None else {}
    rows = bootstrap.creations.filter(kind=COMMIT)
    if made.get("name") and not made.get("key"):
        # All files were there: nothing of ours is to be left.
        rows.filter(name="").delete()
    else:
        # Where a person said that it was done, nobody knows its id.
        name = made.get("key") or bootstrap.chosen.branch
        rows.update(name=name, fate=Creation.Fate.MADE)
    name, scope = bootstrap.chosen.repository_name, scope_of(bootstrap)
    if scope is not None:
        hint(scope, [Names(kind=KIND, key=name), Names(kind=BRANCH, parent=name)])
