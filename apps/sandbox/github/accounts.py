"""GitHub's operations on accounts, apps and the caller's own quota."""

from __future__ import annotations

import time

from apps.sandbox.github.door import BUDGET, VERSION, budget, missing, paged, refused, route, shows
from apps.sandbox.github.model import INSTALLATION_ID, GitHub, Repository
from apps.sandbox.github.shown import moment
from apps.sandbox.github.shown_apps import PERMISSIONS
from apps.sandbox.rest import Ask, Said, Site
from apps.sandbox.world import hex_from

#: An installation's token lasts an hour of real time.
_LIFETIME = 3600.0


@route("GET", "/meta", "meta/get")
def meta(ask: Ask) -> Said:
    """Which edition this is."""
    del ask
    return Said({"verifiable_password_authentication": False, "installed_version": VERSION})


@route("GET", "/rate_limit", "rate-limit/get")
def rate_limit(ask: Ask) -> Said:
    """What is left of the caller's quota; asking costs nothing."""
    used, limit, ends = budget(_site(ask), ask.caller.token)
    core = {"limit": limit, "used": used, "remaining": max(0, limit - used), "reset": int(ends)}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": int(ends)}
    graphql = {"limit": BUDGET, "used": 0, "remaining": BUDGET, "reset": int(ends)}
    return Said({"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core})


def _site(ask: Ask) -> Site:
    assert ask.site is not None
    return ask.site


@route("GET", "/user", "users/get-authenticated")
def user(ask: Ask) -> Said:
    """Who a personal token belongs to; an app's token is nobody."""
    if ask.caller.app:
        raise refused(403, "Resource not accessible by integration")
    more = {
        "private_gists": 0,
        "total_private_repos": 11,
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
    }
    return Said({**shows(ask).person(ask.caller.name), **more})


@route("GET", "/users/{username}", "users/get-by-username")
def user_by_name(ask: Ask) -> Said:
    """An account."""
    if ask["username"] not in ask.world.of(GitHub).users:
        raise missing()
    return Said(shows(ask).person(ask["username"]))


@route("GET", "/user/orgs", "orgs/list-for-authenticated-user")
def organizations(ask: Ask) -> Said:
    """The caller's organizations."""
    users = ask.world.of(GitHub).users.values()
    names = [one.login for one in users if one.kind == "Organization"]
    return paged(ask, names, shows(ask).organization)


@route("GET", "/orgs/{org}", "orgs/get")
def organization(ask: Ask) -> Said:
    """An organization."""
    return Said(shows(ask).organization(_organization(ask)))


def _organization(ask: Ask) -> str:
    known = ask.world.of(GitHub).users.get(ask["org"])
    if known is None or known.kind != "Organization":
        raise missing()
    return known.login


# -- their repositories --------------------------------------------------------------------------


def _sorted(ask: Ask, found: list[Repository], *, by: str, falls: bool) -> list[Repository]:
    by = ask.query.get("sort", by)
    falls = ask.query["direction"] == "desc" if "direction" in ask.query else falls
    keys = {
        "created": lambda one: one.created,
        "updated": lambda one: one.updated,
        "pushed": lambda one: one.pushed,
    }
    return sorted(found, key=keys.get(by, lambda one: one.full_name), reverse=falls)


@route("GET", "/orgs/{org}/repos", "repos/list-for-org")
def repositories_of_organization(ask: Ask) -> Said:
    """An organization's repositories."""
    owner = _organization(ask)
    found = [one for one in ask.world.of(GitHub).repositories.values() if one.owner == owner]
    return paged(ask, _sorted(ask, found, by="created", falls=True), shows(ask).repository)


@route("GET", "/users/{username}/repos", "repos/list-for-user")
def repositories_of_user(ask: Ask) -> Said:
    """A person's repositories."""
    owner = ask["username"]
    if owner not in ask.world.of(GitHub).users:
        raise missing()
    found = [one for one in ask.world.of(GitHub).repositories.values() if one.owner == owner]
    return paged(ask, _sorted(ask, found, by="full_name", falls=False), shows(ask).repository)


@route("GET", "/user/repos", "repos/list-for-authenticated-user")
def repositories_of_viewer(ask: Ask) -> Said:
    """Everything that the caller may see."""
    if ask.caller.app:
        raise refused(403, "Resource not accessible by integration")
    found = list(ask.world.of(GitHub).repositories.values())
    return paged(ask, _sorted(ask, found, by="full_name", falls=False), shows(ask).repository)


# -- apps ----------------------------------------------------------------------------------------


@route("GET", "/app", "apps/get-authenticated")
def app(ask: Ask) -> Said:
    """The app whose JWT this is."""
    _only_an_app(ask)
    return Said(shows(ask).app())


@route("GET", "/app/installations", "apps/list-installations")
def installations(ask: Ask) -> Said:
    """Where the app is installed."""
    _only_an_app(ask)
    return paged(ask, [INSTALLATION_ID], lambda _: shows(ask).installation())


@route("GET", "/app/installations/{id}", "apps/get-installation")
def installation(ask: Ask) -> Said:
    """One installation."""
    _only_an_app(ask)
    if ask["id"] != str(INSTALLATION_ID):
        raise missing()
    return Said(shows(ask).installation())


@route("POST", "/app/installations/{id}/access_tokens", "apps/create-installation-access-token")
def access_token(ask: Ask) -> Said:
    """A token of an installation, good for an hour."""
    _only_an_app(ask)
    if ask["id"] != str(INSTALLATION_ID):
        raise missing()
    store, ends = ask.world.of(GitHub), time.time() + _LIFETIME
    token = f"ghs_{hex_from(ask.world.chance('installation', store.next_id()), 36)}"
    store.tokens[token] = ends
    return Said(
        {
            "token": token,
            "expires_at": moment(ends),
            "permissions": dict(PERMISSIONS),
            "repository_selection": "all",
        },
        201,
    )


@route("GET", "/installation/repositories", "apps/list-repos-accessible-to-installation")
def repositories_of_installation(ask: Ask) -> Said:
    """What an installation's token may see."""
    if ask.caller.method != "installation":
        raise refused(403, "Resource not accessible by personal access token")
    found = [
        one
        for one in ask.world.of(GitHub).repositories.values()
        if ask.world.of(GitHub).users[one.owner].kind == "Organization"
    ]
    said = paged(ask, found, shows(ask).repository, "repositories")
    said.body["repository_selection"] = "all"
    return said


def _only_an_app(ask: Ask) -> None:
    if ask.caller.method != "jwt":
        raise refused(401, "A JSON web token could not be decoded")
