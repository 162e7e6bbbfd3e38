"""Furnishes the scenario's Jira and GitHub as they stood when the past begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.github import writing as github
from apps.sandbox.github.model import Comment as GitHubComment
from apps.sandbox.github.model import Commit, GitHub, Label, Milestone
from apps.sandbox.jira import workflow
from apps.sandbox.jira import writing as jira
from apps.sandbox.jira.adf import document
from apps.sandbox.jira.model import Comment, Jira, Project, Sprint
from apps.sandbox.scenario.tickets import AT_GITHUB, DATA, SHOP, Ticket

if TYPE_CHECKING:
    from apps.sandbox.github.model import Repository
    from apps.sandbox.jira.model import Issue
    from apps.sandbox.world import World

DAY = 24 * 3600.0
TEAM = ("checkout-developer", "payments-developer", "platform-engineer", "release-manager")

#: Repository, description, default branch, language.
REPOSITORIES = (
    ("checkout-web", "The checkout's front end", "main", "TypeScript"),
    ("checkout-api", "Prices, baskets, orders", "main", "Java"),
    ("payments-service", "Talks to banks", "main", "Python"),
    ("release-train", "What leaves together", "release", "Shell"),
    ("legacy-billing", "Invoices, since 2011", "master", "Java"),
    ("infra-network", "Networks as templates", "main", None),
    ("image-resizer", "Pictures in every size", "main", "TypeScript"),
    ("storefront", "What customers see first", "main", "TypeScript"),
    ("orders-backend", "Takes orders & keeps them", "main", "Java"),
    ("mobile-gateway", "What phones talk to", "main", "Go"),
    ("old-shop", "Sold until 2019 <b>only</b>", "main", "PHP"),
    ("empty-start", None, "main", None),
)
#: Whose commits name the second project; all others name the first.
OF_DATA = frozenset(
    {"orders-backend", "mobile-gateway", "data-platform", "docs-site", "fraud-model"}
)

_STAGES = {
    "todo": ("To Do", "Backlog"),
    "doing": ("In Progress", "Doing"),
    "review": ("In Review", "Verify"),
    "blocked": ("Blocked", "Doing"),
    "done": ("Done", "Released"),
    "wont": ("Won't Do", "Released"),
}


def project_of(repository: str) -> str:
    """The key of the Jira project that commits of a repository name."""
    return "DATA" if repository.rpartition("/")[2] in OF_DATA else "SHOP"


def furnish(world: World) -> None:
    """Put both in."""
    _projects(world)
    for name, description, default, language in REPOSITORIES:
        _repository(world, name, description, default, language)
    store = world.of(GitHub)
    web = store.find("example-shop/checkout-web")
    assert web is not None
    # It had another name once, by which old links still find it.
    store.names["example-shop/checkout-frontend"] = web.id
    mine = github.make_repository(world, "dotfiles", None, owner="release-manager")
    _history(world, mine, 1)


# -- Jira ----------------------------------------------------------------------------------------


def _projects(world: World) -> None:
    store = world.of(Jira)
    store.add_person("left-long-ago", "Somebody who left", active=False)
    for key, name, description, ways, tickets in (
        ("SHOP", "Shop", "Everything that customers see", workflow.SOFTWARE, SHOP),
        ("DATA", "Data platform", "Warehouse, models & handbook", workflow.DATA, DATA),
    ):
        parts = tuple(sorted({ticket.component for ticket in tickets if ticket.component}))
        project = Project(store.next_id(), key, name, description, "release-manager", ways, parts)
        store.projects[key] = project
        _sprints(world, project)
        made = [
            _ticket(world, project, number, len(tickets), ticket)
            for number, ticket in enumerate(tickets)
        ]
        for issue, ticket in zip(made, tickets, strict=True):
            _tie(project, made, issue, ticket)


def _sprints(world: World, project: Project) -> None:
    now, first = world.scheduler.present(), 40 if project.key == "SHOP" else 17
    for number, state, begins in ((0, "closed", -18), (1, "active", -4), (2, "future", 10)):
        sprint = Sprint(
            first + number,
            f"{project.key} Sprint {first + number}",
            1 if project.key == "SHOP" else 2,
            state,
            "Nobody waits for a refund" if state == "active" else "",
            now + begins * DAY,
            now + (begins + 14) * DAY,
        )
        project.sprints[sprint.id] = sprint


def _ticket(world: World, project: Project, number: int, of: int, ticket: Ticket) -> Issue:
    chance = world.chance("jira", project.key, number)
    software = project.workflow is workflow.SOFTWARE
    issue = jira.create(
        world,
        project,
        ticket.summary[:255].strip(),
        TEAM[chance.randrange(len(TEAM))],
        type=ticket.type,
        body=ticket.body,
        priority=ticket.priority,
        labels=list(ticket.labels),
        components=[ticket.component] if ticket.component else [],
        points=ticket.points,
    )
    issue.created = world.now() - (of - number) * 0.8 * DAY - chance.uniform(0, 0.5) * DAY
    issue.updated = issue.created + chance.uniform(0, 0.5) * DAY
    issue.status = _STAGES[ticket.stage][0 if software else 1]
    closed, active, future = project.sprints
    if ticket.stage in ("done", "wont"):
        issue.resolved = issue.updated = world.now() - chance.uniform(0.2, 6) * DAY
        issue.resolution = "Done" if ticket.stage == "done" else "Won't Do"
        issue.sprints = [closed]
    elif ticket.stage != "todo":
        issue.sprints = [closed, active] if chance.random() < 0.3 else [active]
    elif ticket.type != "Epic" and number % 4 == 1:
        issue.sprints = [future]
    elif ticket.type != "Epic" and number % 2 == 0:
        issue.sprints = [active]
    if ticket.stage not in ("todo", "wont"):
        issue.assignee = TEAM[chance.randrange(len(TEAM))]
    for remark in ticket.comments:
        at = issue.updated
        who = "<b>nobody</b>" if "<script>" in remark else TEAM[chance.randrange(len(TEAM))]
        world.of(Jira).add_person(who)
        body = document(remark)
        issue.comments.append(Comment(world.of(Jira).next_id(), who, body, at, at))
    return issue


def _tie(project: Project, made: list[Issue], issue: Issue, ticket: Ticket) -> None:
    if ticket.parent is not None:
        issue.parent = f"{project.key}-{ticket.parent}"
    for kind, number in ticket.links:
        other = made[number - 1]
        issue.links.append((kind, False, other.key))
        other.links.append((kind, True, issue.key))


# -- GitHub --------------------------------------------------------------------------------------


def _repository(
    world: World, name: str, description: str | None, default: str, language: str | None
) -> None:
    one = github.make_repository(world, name, description)
    one.default, one.language = default, language
    one.archived, one.has_issues = name == "old-shop", name != "mobile-gateway"
    one.topics = ("checkout",) if name.startswith("checkout") else ()
    one.created = world.now() - 400 * DAY
    if name == "empty-start":
        return
    _history(world, one, 6)
    one.protected.add(default)
    store = world.of(GitHub)
    for label in ("accessibility", "flaky", "docs"):
        one.labels[label] = Label(store.next_id(), label, "c5def5")
    due = world.scheduler.present() + 9 * DAY
    text = "What customers will notice"
    one.milestones[1] = Milestone(store.next_id(), 1, "Winter sale", text, one.created, due)
    for title, body, labels, state in AT_GITHUB.get(name, ()):
        _issue(world, one, title, body, labels, state)
    if name == "storefront":
        _preview(world, one)


def _history(world: World, one: Repository, count: int) -> None:
    """Commits from before the past begins."""
    chance = world.chance("github", one.full_name, "history")
    head: tuple[str, ...] = ()
    words = ("Initial commit", "Add a build", "Describe how to run it", "Lint", "Test", "Tidy")
    for number in range(count):
        made = github.make_commit(world, one, words[number], TEAM[number % len(TEAM)], head)
        at = one.created + (number + 1) * DAY * chance.uniform(1, 9)
        before = one.commits[head[0]].at if head else 0.0
        one.commits[made.sha] = Commit(
            made.sha, head, made.message, made.author, max(at, before + 60), made.changes
        )
        head = (made.sha,)
    one.branches[one.default] = head[0]


def _issue(  # noqa: PLR0913 - an issue is this much
    world: World,
    one: Repository,
    title: str,
    body: str | None,
    labels: tuple[str, ...],
    state: str,
) -> None:
    chance = world.chance("github", one.full_name, title)
    author = TEAM[chance.randrange(len(TEAM))]
    issue = github.open_issue(world, one, title, body, author)
    issue.created = issue.updated = world.now() - chance.uniform(2, 60) * DAY
    issue.labels = list(labels)
    issue.milestone = 1 if chance.random() < 0.4 else None
    if chance.random() < 0.5:
        issue.assignees = [TEAM[chance.randrange(len(TEAM))]]
    if state == "closed":
        issue.state, issue.reason, issue.closed_by = "closed", "completed", author
        issue.closed = issue.updated = issue.created + DAY
    if "?" in title:
        text = "Not yet, sorry. @release-manager may know more."
        at = issue.created + 3600
        issue.comments.append(
            GitHubComment(world.of(GitHub).next_id(), "release-manager", text, at, at)
        )


def _preview(world: World, one: Repository) -> None:
    """The long-lived branch that is shown as a preview, and what it proposes."""
    github.push(world, one, "feature/basket-2", "SHOP-9 Begin anew", "checkout-developer")
    title = "SHOP-9 A second attempt at the basket"
    github.propose(world, one, title, "Not yet.", "feature/basket-2", "checkout-developer",
                   draft=True)  # fmt: skip
