"""The two workflows of the scenario's projects."""

from __future__ import annotations

from apps.sandbox.jira.model import Status, Transition, Workflow


def _workflow(statuses: tuple[Status, ...], *transitions: Transition) -> Workflow:
    return Workflow({one.name: one for one in statuses}, transitions)


#: Whoever works in small steps: review before done, and everything may be given up.
SOFTWARE = _workflow(
    (
        Status("10000", "To Do", "new"),
        Status("3", "In Progress", "indeterminate"),
        Status("10010", "In Review", "indeterminate"),
        Status("10011", "Blocked", "indeterminate"),
        Status("10002", "Done", "done"),
        Status("10012", "Won't Do", "done"),
    ),
    Transition("11", "To Do", "To Do", ("In Progress", "Blocked")),
    Transition("21", "Start progress", "In Progress", ("To Do", "In Review", "Blocked")),
    Transition("31", "Ask for review", "In Review", ("In Progress",)),
    Transition("41", "Block", "Blocked", ("In Progress", "In Review")),
    Transition("51", "Done", "Done", ("In Progress", "In Review")),
    Transition("61", "Won't do", "Won't Do", ("To Do", "In Progress", "Blocked")),
    Transition("71", "Reopen", "To Do", ("Done", "Won't Do")),
)

#: Whoever verifies what is released; every way is open from everywhere.
DATA = _workflow(
    (
        Status("10100", "Backlog", "new"),
        Status("10101", "Selected for Development", "new"),
        Status("10102", "Doing", "indeterminate"),
        Status("10103", "Verify", "indeterminate"),
        Status("10104", "Released", "done"),
    ),
    Transition("111", "Backlog", "Backlog"),
    Transition("121", "Selected for Development", "Selected for Development"),
    Transition("131", "Doing", "Doing"),
    Transition("141", "Verify", "Verify"),
    Transition("151", "Released", "Released"),
)


def towards(workflow: Workflow, status: str, category: str) -> Transition | None:
    """The way that leads from a status to one of a category, the shortest first step of it."""
    if workflow.statuses[status].category == category:
        return None
    ways = workflow.ways(status)
    straight = [way for way in ways if workflow.statuses[way.to].category == category]
    if straight:
        return straight[0]
    return next(
        (way for way in ways if workflow.statuses[way.to].category == "indeterminate"), None
    )
