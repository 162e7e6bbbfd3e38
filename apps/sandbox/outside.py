"""The part of the control path that is about GitHub, Jira, webhooks, and pushes anywhere.

GET    /_sandbox/hooks         {"hooks": [...], "deliveries": [...]}: who hears, what was posted
POST   /_sandbox/hooks         {"provider": "github" | "jira", "url", "secret"} → 201 {"id", …}
DELETE /_sandbox/hooks[/id]    no longer
POST   /_sandbox/push          {"repository": "owner/name" at GitHub | a CodeCommit repository,
                               "message", "branch", "author", "account", "region", "onto"} → 201
                               {"commit", "branch", "pipelines"}: ``onto`` (a commit at GitHub, or
                               how many to take off the branch first) makes it a forced push
POST   /_sandbox/move          {"issue": "SHOP-3", "project": "DATA"} → 200 {"key"}
POST   /_sandbox/fill          {"project": "SHOP", "count": 10000} → 201 {"made"}
POST   /_sandbox/taken         {"provider", "id": 10345, "numbers": {"SHOP": 140}} → 200: what an
                               earlier sandbox gave away, which somebody remembers; what is new
                               goes on behind it
GET    /_sandbox/deployments   {"deployments": [...]}: what Jira's panel was told
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from apps.sandbox import control
from apps.sandbox.codecommit import life
from apps.sandbox.codecommit.model import SourceStore
from apps.sandbox.codepipeline.model import PipelineStore
from apps.sandbox.github import history, listening
from apps.sandbox.github import model as at_github
from apps.sandbox.github import writing as github
from apps.sandbox.jira import model as at_jira
from apps.sandbox.jira import writing as jira

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.codecommit.model import Repository
    from apps.sandbox.wire import Request
    from apps.sandbox.world import World

Found = tuple[int, Any]

_AUTHOR = "checkout-developer"


def answer(world: World, request: Request, parts: list[str]) -> Found | None:
    """Answer with a status and a JSON value; None for what is not ours."""
    try:
        with world.lock:
            found = _answer(world, request, parts)
            world.scheduler.settle()
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": str(error)}
    return found


def _answer(world: World, request: Request, parts: list[str]) -> Found | None:
    match request.method, parts:
        case "GET", ["hooks"]:
            return 200, _hooks(world)
        case "POST", ["hooks"]:
            return 201, _add_hook(world, _members(request))
        case "DELETE", ["hooks"]:
            for kept in _kept(world).values():
                kept.clear()
            return 200, _hooks(world)
        case "DELETE", ["hooks", number]:
            gone = [kept.pop(int(number), None) for kept in _kept(world).values()]
            return (200, _hooks(world)) if any(gone) else (404, {"error": f"no hook {number}"})
        case "POST", [name] if name in _ASKED_FOR:
            status, act = _ASKED_FOR[name]
            return status, act(world, _members(request))
        case "GET", ["deployments"]:
            told = world.of(at_jira.Jira).deployments
            return 200, {"deployments": list(told.values())}
    return None


def _members(request: Request) -> dict[str, Any]:
    found = json.loads(request.body or b"{}")
    if not isinstance(found, dict):
        raise TypeError("a JSON object is wanted")
    return found


# -- webhooks ------------------------------------------------------------------------------------


def _kept(world: World) -> dict[str, dict[int, Any]]:
    return {
        "github": world.of(at_github.GitHub).listeners,
        "jira": world.of(at_jira.Jira).listeners,
    }


def _hooks(world: World) -> dict[str, Any]:
    ended = world.poster.ended if world.poster is not None else ()
    return {
        "hooks": [
            {"id": hook.id, "provider": provider, "url": hook.url}
            for provider, kept in _kept(world).items()
            for hook in kept.values()
        ],
        "deliveries": [delivery.shown() for delivery in list(ended)],
    }


def _add_hook(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    """The same address again replaces what was there."""
    provider, url = wanted.get("provider"), str(wanted.get("url") or "")
    secret = str(wanted.get("secret") or "")
    if provider not in ("github", "jira"):
        raise ValueError("provider is github or jira")
    if not url.startswith(("http://", "https://")):
        raise ValueError("url is an http address")
    kept = _kept(world)[provider]
    for number in [number for number, hook in kept.items() if hook.url == url]:
        del kept[number]
    hook: Any
    if provider == "github":
        number = world.of(at_github.GitHub).next_id()
        hook = at_github.Hook(number, url, secret, ["*"], world.now())
    else:
        number = world.of(at_jira.Jira).next_id()
        hook = at_jira.Hook(number, url, secret)
    kept[number] = hook
    return {"id": number, "provider": provider, "url": url}


# -- pushes --------------------------------------------------------------------------------------


def _push(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    name, message = str(wanted.get("repository") or ""), str(wanted.get("message") or "")
    if not name or not message:
        raise ValueError("repository and message are wanted")
    author = str(wanted.get("author") or _AUTHOR)
    if "/" in name:
        return _push_to_github(world, name, message, author, wanted)
    repository = _codecommit(world, name, wanted)
    branch = str(wanted.get("branch") or repository.default_branch or "main")
    place, chance = repository.place, world.chance("control push", repository.made)
    made = life.commit_change(place, name, branch, message, author, chance, starts=True)
    if made is None:
        raise ValueError(f"{name} takes no push")
    listening_ = [
        pipeline.name
        for pipeline in place.of(PipelineStore).pipelines.values()
        for source in pipeline.definition["stages"][0]["actions"]
        if source.get("configuration", {}).get("RepositoryName") == name
        and source["configuration"].get("BranchName") == branch
    ]
    return {"commit": made.id, "branch": branch, "pipelines": listening_}


def _codecommit(world: World, name: str, wanted: dict[str, Any]) -> Repository:
    account, region = wanted.get("account"), wanted.get("region")
    for place in world.places():
        here = account in (None, place.account) and region in (None, place.region)
        repository = place.of(SourceStore).repositories.get(name)
        if here and repository is not None:
            return repository
    raise ValueError(f"no repository {name}")


def _push_to_github(
    world: World, name: str, message: str, author: str, wanted: dict[str, Any]
) -> dict[str, Any]:
    one = world.of(at_github.GitHub).find(name)
    if one is None:
        raise ValueError(f"no repository {name}")
    branch = str(wanted.get("branch") or one.default)
    onto = wanted.get("onto")
    if onto is None:
        made = github.push(world, one, branch, message, author)
    else:
        base = onto
        if isinstance(onto, int):
            base = [commit.sha for commit in history.log(one, one.branches[branch])][onto]
        if base not in one.commits:
            raise ValueError(f"no commit {base}")
        made = github.make_commit(world, one, message, author, (str(base),))
        github.move(world, one, branch, made.sha, author)
    pipelines = [pipeline.name for pipeline, _ in listening.listeners(world, one, branch)]
    return {"commit": made.sha, "branch": branch, "pipelines": pipelines}


# -- Jira ----------------------------------------------------------------------------------------


def _move(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    store = world.of(at_jira.Jira)
    issue = store.find(str(wanted.get("issue") or ""))
    project = store.projects.get(str(wanted.get("project") or ""))
    if issue is None or project is None:
        raise ValueError("issue and project are wanted")
    jira.move(world, issue, project, "release-manager")
    return {"key": issue.key}


def _taken(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    numbers = {str(name): int(number) for name, number in dict(wanted["numbers"]).items()}
    match wanted["provider"]:
        case "jira":
            of_jira = world.of(at_jira.Jira)
            of_jira.skip_ids(int(wanted["id"]))
            for key in numbers.keys() & of_jira.projects.keys():
                of_jira.projects[key].given = max(of_jira.projects[key].given, numbers[key])
        case "github":
            of_github = world.of(at_github.GitHub)
            of_github.skip_ids(int(wanted["id"]))
            for name, number in numbers.items():
                if (one := of_github.find(name)) is not None:
                    one.taken = max(one.taken, number)
        case _:
            raise ValueError("provider is github or jira")
    return {}


def _fill(world: World, wanted: dict[str, Any]) -> dict[str, Any]:
    store = world.of(at_jira.Jira)
    project, count = store.projects[str(wanted["project"])], int(wanted["count"])
    for number in range(count):
        title = f"Imported from the old tracker, {number + 1}"
        jira.create(world, project, title, "release-manager", labels=["imported"])
    return {"made": count}


_ASKED_FOR: dict[str, tuple[int, Callable[[World, dict[str, Any]], dict[str, Any]]]] = {
    "push": (201, _push),
    "move": (200, _move),
    "fill": (201, _fill),
    "taken": (200, _taken),
}
control.MORE.append(answer)
