"""Changes the simulated Jira: issues, comments, transitions; and tells everybody who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.sandbox.jira import adf, told
from apps.sandbox.jira.model import Comment, Issue, Jira

if TYPE_CHECKING:
    from apps.sandbox.jira.model import Project, Transition
    from apps.sandbox.world import World


def create(  # noqa: PLR0913 - an issue is this much
    world: World,
    project: Project,
    summary: str,
    reporter: str,
    *,
    type: str = "Task",
    body: Any = None,
    **members: Any,
) -> Issue:
    """Open an issue; ``members`` are further attributes of it."""
    store, now = world.of(Jira), world.now()
    project.given += 1
    text = adf.document(body) if isinstance(body, str) else body
    issue = Issue(
        store.next_id(),
        project.given,
        project.key,
        type,
        summary,
        project.workflow.first,
        reporter,
        now,
        now,
        text,
        **members,
    )
    store.issues[issue.key] = issue
    store.by_id[issue.id] = issue
    told.issue(world, issue, "created", reporter)
    return issue


def delete(world: World, issue: Issue, who: str) -> None:
    """Take it away for good."""
    store = world.of(Jira)
    del store.issues[issue.key], store.by_id[issue.id]
    told.issue(world, issue, "deleted", who)


def move(world: World, issue: Issue, project: Project, who: str) -> None:
    """Put it into another project, where it gets a new key; the old one leads to it."""
    store, was = world.of(Jira), issue.key
    del store.issues[was]
    store.moved[was] = issue.id
    project.given += 1
    category = store.projects[issue.project].workflow.statuses[issue.status].category
    issue.project, issue.number = project.key, project.given
    statuses = project.workflow.statuses.values()
    issue.status = next(one.name for one in statuses if one.category == category)
    issue.sprints, issue.updated = [], world.now()
    store.issues[issue.key] = issue
    told.issue(world, issue, "updated", who, [("Key", was, issue.key)])


def change(world: World, issue: Issue, who: str, **members: Any) -> None:
    """Set attributes of an issue."""
    items: list[told.Item] = []
    for name, value in members.items():
        before = getattr(issue, name)
        if before != value:
            setattr(issue, name, value)
            items.append((name, _words(before), _words(value)))
    if items:
        issue.updated = world.now()
        told.issue(world, issue, "updated", who, items)


def _words(value: Any) -> str | None:
    return None if value is None else str(value)[:200]


def transition(world: World, issue: Issue, way: Transition, who: str) -> None:
    """Go a way of the workflow; what is done has a resolution."""
    project = world.of(Jira).projects[issue.project]
    before, issue.status = issue.status, way.to
    done = project.workflow.statuses[way.to].category == "done"
    now = world.now()
    if done:
        issue.resolved = now
        issue.resolution = "Won't Do" if "won't" in way.to.lower() else "Done"
    else:
        issue.resolved = issue.resolution = None
    issue.updated = now
    told.issue(world, issue, "updated", who, [("status", before, way.to)])


def comment(
    world: World, issue: Issue, body: Any, who: str, properties: dict[str, Any] | None = None
) -> Comment:
    """Say something under it, in plain text or as a document."""
    now = world.now()
    text = adf.document(body) if isinstance(body, str) else body
    made = Comment(world.of(Jira).next_id(), who, text, now, now, dict(properties or {}))
    issue.comments.append(made)
    issue.updated = now
    told.commented(world, issue, made)
    return made
