"""Which pages are photographed, and how: data, read by `screens.photograph`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: str


@dataclass(frozen=True)
class Shot:
    """A page: its address, or {the name of one that was found}; `door` without being signed in."""

    name: str
    path: str
    door: bool = False


LOOKS = (
    Look("light", 1440, 900, "light"),
    Look("dark", 1440, 900, "dark"),
    Look("phone", 390, 844, "light"),
)
# On the sandbox: every kind of page.
PAGES = (
    Shot("home", "/"),
    Shot("search", "/search?q=checkout"),
    Shot("projects", "/projects/"),
    Shot("proposals", "/projects/proposals/"),
    Shot("project-new", "/projects/new/"),
    Shot("project", "{project}"),
    Shot("project-activity", "{project}activity/"),
    Shot("project-resources", "{project}resources/?q=checkout"),
    Shot("project-team", "{project}team/"),
    Shot("project-wiki", "{project}wiki/"),
    Shot("project-wiki-edit", "{project}wiki/readme/edit/"),
    Shot("project-wiki-history", "{project}wiki/readme/history/"),
    Shot("project-wiki-revision", "{project}wiki/readme/history/2/"),
    Shot("project-layout", "{project}layout/"),
    Shot("project-settings", "{project}settings/"),
    Shot("project-delete", "{project}delete/"),
    Shot("pipeline", "{pipeline}"),
    Shot("executions", "{pipeline}executions/"),
    Shot("execution", "{execution}"),
    Shot("approvals", "/approvals/"),
    Shot("done", "/deeds/"),
    Shot("templates", "/wizard/"),
    Shot("repositories", "/source/"),
    Shot("repository", "{repository}"),
    Shot("commits", "/source/commits/"),
    Shot("commit", "{commit}"),
    Shot("pull-requests", "/source/pull-requests/"),
    Shot("pull-request", "{pull}"),
    Shot("issues", "/issues/"),
    Shot("issue", "{issue}"),
    Shot("trackers", "/issues/trackers/"),
    Shot("builds", "/codebuild/builds/"),
    Shot("build", "{build}"),
    Shot("build-projects", "/codebuild/"),
    Shot("build-project", "{build_project}"),
    Shot("deployments", "/codedeploy/"),
    Shot("deployment", "{deployment}"),
    Shot("deployment-group", "{group}"),
    Shot("stacks", "/cloudformation/"),
    Shot("stack", "{stack}"),
    Shot("functions", "/awslambda/"),
    Shot("function", "{function}"),
    Shot("services", "/ecs/"),
    Shot("service", "{service}"),
    Shot("environments", "/beanstalk/"),
    Shot("environment", "{environment}"),
    Shot("instances", "/ec2/instances/"),
    Shot("instance", "{instance}"),
    Shot("load-balancer", "{balancer}"),
    Shot("alarms", "/cloudwatch/"),
    Shot("alarm", "{alarm}"),
    Shot("metrics", "{metrics}"),
    Shot("log-group", "{log}"),
    Shot("health", "/health/"),
    Shot("accounts", "/aws/accounts/"),
    Shot("profile", "/people/me/"),
    Shot("security", "/people/me/security/"),
    Shot("tokens", "/tokens/"),
    Shot("people", "/people/"),
    Shot("person", "{person}"),
    Shot("not-found", "/projects/nothing-of-the-kind/"),
    Shot("sign-in", "/accounts/login/", door=True),
)
# The project of which no tile can be drawn; see `screens.undrawn`.
UNDRAWN = "Undrawn"
# On made states: one project each. Of each the tiles are photographed, too.
STATES = (
    Shot("state-empty", "{empty}"),
    Shot("state-loading", "{loading}"),
    Shot("state-stale", "{stale}"),
    Shot("state-denied", "{denied}"),
    Shot("state-failed", "{failed}"),
    Shot("state-undrawn", "{undrawn}"),
    Shot("state-long", "{long}"),
    Shot("states-new", "{new}"),
    Shot("states", "/projects/"),
)
# What README shows: the shot -> the file below docs/images.
README = {"project-light": "project.png", "pipeline-dark": "pipeline.png"}
