"""Looks whether the template's files can be put into a repository at GitHub, and says why not.

Where they cannot, the wizard connects the repository alone, and says what to do about the files.
Where something else lies in their place, somebody has to choose first.
"""

import time
from typing import Any

from apps.github import committing
from apps.github.committing import Put, Standing
from apps.issues.at_sites import why_not
from apps.mirror.provider import PROVIDERS
from apps.sites.failures import classify
from apps.sites.models import Site

from .looking import Check
from .models import Bootstrap
from .pushing import BUDGET, NOT_THEIRS, in_the_way, may_push, mirrored, put_of, sites, wants_files

NEEDS = "Contents: write (of a classic token: repo)"
BY_HAND = (
    "Or download the files below and push them to {branch} yourself: until they are there, the "
    "pipeline fails."
)
MOST_SITES = 5


def look(bootstrap: Bootstrap) -> tuple[list[Check], dict[str, Any] | None]:
    """Return what is to be said, and {scope: id of the site's} where they will be put there."""
    if not wants_files(bootstrap):
        return [], None
    put = put_of(bootstrap)
    candidates, why, cure = _candidates(bootstrap, put)
    # Whoever looks has a lease for all of them together.
    until = time.monotonic() + BUDGET
    for site in candidates:
        if (left := until - time.monotonic()) <= 0:
            break
        try:
            return _at(site, put, left)
        except Exception as error:  # noqa: BLE001 - the next site may reach it; the last is told
            failure = classify(error)
            why = f"“{site.name}” cannot reach it: {failure.message or failure.code}."
            cure = failure.cure
    return [_not_put(put, why, cure)], None


def _candidates(bootstrap: Bootstrap, put: Put) -> tuple[list[Site], str, str]:
    """Return the sites to ask, and what to say where there are none."""
    every = sites()
    if not every:
        cure = "Connect GitHub (Accounts → GitHub and Jira), then look again."
        return [], "No site at GitHub is connected that could put them there.", cure
    rows = mirrored(put.repository, every)
    theirs = {row.scope_id for row in rows if may_push(bootstrap.who, row)}
    if theirs:
        return [one for one in every if one.scope_id in theirs], "", ""
    if not rows and may_push(bootstrap.who, None):
        # An administrator comes to what nobody reads yet, too.
        return every[:MOST_SITES], "", ""
    cure = "Have an administrator put it into a project of yours, then look again."
    return [], NOT_THEIRS.format(name=put.repository), cure


def _at(site: Site, put: Put, budget: float) -> tuple[list[Check], dict[str, Any] | None]:
    """Look at a repository by a site. Raises what its reach raises."""
    if why := why_not(site.scope):
        return [_not_put(put, f"“{site.name}”: {why}", f"The token needs {NEEDS}.")], None
    reach: Any = PROVIDERS.get("github").open(site.scope, urgent=True)
    reach.budget = budget
    standing = committing.look(reach, put)
    if standing.made is None and standing.differing:
        return [_differing(put, standing)], None
    if why := in_the_way(put, standing):
        return [_not_put(put, why, _cure(put, standing))], None
    if standing.made is None and (standing.missing or not standing.there):
        committing.ask_leave(reach, put)
    return [_put_there(site, put, standing)], {"scope": site.scope_id}


def _cure(put: Put, standing: Standing) -> str:
    if standing.name.lower() != put.repository.lower():
        return f"Choose {standing.name}."
    if standing.archived:
        return "Unarchive it at GitHub, or choose another one."
    if standing.empty:
        return f"Choose the branch {standing.default}, or push a first commit."
    return ""


def _what(put: Put) -> str:
    return f"Files in {put.repository}"


def _not_put(put: Put, why: str, cure: str) -> Check:
    """The wizard goes on without them."""
    told = f"The files are not put there. {why}"
    by_hand = BY_HAND.format(branch=put.branch)
    return Check(what=_what(put), ok=None, told=told, cure=f"{cure} {by_hand}".strip())


def _differing(put: Put, standing: Standing) -> Check:
    return Check(
        what=_what(put),
        ok=False,
        told=in_the_way(put, standing),
        cure="Move these away, or choose another branch or repository. Or untick “Put the "
        "template's files there” (Source) and take over by hand what you need of them.",
    )


def _put_there(site: Site, put: Put, standing: Standing) -> Check:
    if standing.made is not None:
        told = f"They are there already, by the commit {standing.made.sha[:7]} of this project."
    elif standing.there and not standing.missing:
        told = "They are all there already."
    else:
        count = len(standing.missing)
        told = (
            f"{count} file{'' if count == 1 else 's'} will be committed to {put.branch} by "
            f"“{site.name}”, whose token needs {NEEDS}. Nothing that is there is changed."
        )
    if standing.empty:
        told += f" It is empty: {put.first} comes in a commit of its own, before the others."
    elif not standing.there and standing.head:
        told += f" The branch is made of {standing.default}."
    if standing.protected:
        return Check(
            what=_what(put),
            ok=None,
            told=f"{told} {put.branch} is protected: GitHub refuses it where the token may not "
            "push past that.",
            cure="If it is refused, you can go on without the files.",
        )
    return Check(what=_what(put), ok=True, told=told)
