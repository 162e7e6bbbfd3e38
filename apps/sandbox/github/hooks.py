"""GitHub's operations on a repository's webhooks."""

from __future__ import annotations

from apps.sandbox.github import told
from apps.sandbox.github.door import invalid, missing, paged, repository, route, shows, written
from apps.sandbox.github.model import GitHub, Hook, Repository
from apps.sandbox.rest import Ask, Said

_HOOKS = "/repos/{owner}/{repo}/hooks"


@route("GET", _HOOKS, "repos/list-webhooks")
def hooks(ask: Ask) -> Said:
    """Its webhooks."""
    one = repository(ask)
    return paged(ask, list(one.hooks.values()), lambda hook: shows(ask).hook(one, hook))


@route("POST", _HOOKS, "repos/create-webhook")
def create(ask: Ask) -> Said:
    """A new one, which is pinged at once."""
    one, wanted = repository(ask), written(ask)
    config = wanted.get("config")
    if not isinstance(config, dict) or not str(config.get("url", "")).startswith("http"):
        raise invalid("Hook", "url", "missing_field")
    url = str(config["url"])
    if any(hook.url == url for hook in one.hooks.values()):
        message = "Hook already exists on this repository"
        raise invalid("Hook", "", "custom", message=message)
    events = [str(event) for event in wanted.get("events") or ["push"]]
    secret = str(config.get("secret") or "")
    made = Hook(ask.world.of(GitHub).next_id(), url, secret, events, ask.world.now())
    made.active = bool(wanted.get("active", True))
    one.hooks[made.id] = made
    _ping(ask, one, made)
    return Said(shows(ask).hook(one, made), 201)


def _ping(ask: Ask, one: Repository, hook: Hook) -> None:
    shown = shows(ask)
    payload = {
        "zen": "Anything added dilutes everything else.",
        "hook_id": hook.id,
        "hook": shown.hook(one, hook),
        "repository": shown.repository(one),
        "sender": shown.user(ask.caller.name),
    }
    told.send(ask.world, hook, "ping", payload)


def _hook(ask: Ask, one: Repository) -> Hook:
    found = one.hooks.get(int(ask["hook"]) if ask["hook"].isdecimal() else 0)
    if found is None:
        raise missing()
    return found


@route("GET", f"{_HOOKS}/{{hook}}", "repos/get-webhook")
def hook(ask: Ask) -> Said:
    """One webhook."""
    one = repository(ask)
    return Said(shows(ask).hook(one, _hook(ask, one)))


@route("POST", f"{_HOOKS}/{{hook}}/pings", "repos/ping-webhook")
def ping(ask: Ask) -> Said:
    """Send it a ping."""
    one = repository(ask)
    _ping(ask, one, _hook(ask, one))
    return Said(None, 204)


@route("DELETE", f"{_HOOKS}/{{hook}}", "repos/delete-webhook")
def delete(ask: Ask) -> Said:
    """Take it away."""
    one = repository(ask)
    del one.hooks[_hook(ask, one).id]
    return Said(None, 204)
