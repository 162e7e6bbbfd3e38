"""People at work on issues: what they push names them, what was deployed moves them.

Every fourth commit of a pipeline's source names the issue somebody works on; every fourth merges a
pull request where the source is at GitHub. The first one moves the issue to where work is done; a
while after an execution with its last commit succeeded, it is done.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.sandbox.codepipeline import events
from apps.sandbox.github import told as github_told
from apps.sandbox.github import writing as github
from apps.sandbox.github.listening import source_of
from apps.sandbox.github.model import GitHub, Review
from apps.sandbox.jira import workflow
from apps.sandbox.jira import writing as jira
from apps.sandbox.jira.model import Jira
from apps.sandbox.scenario.tickets import LATER, REMARKS, WORDS
from apps.sandbox.scenario.trackers import TEAM, project_of

if TYPE_CHECKING:
    from apps.sandbox.codepipeline.model import Declaration, Execution, Pipeline
    from apps.sandbox.github.model import Issue as GitHubIssue
    from apps.sandbox.github.model import Repository
    from apps.sandbox.jira.model import Issue, Project
    from apps.sandbox.world import World

_KEY = re.compile(r"\b(?:SHOP|DATA)-[1-9]\d*\b")
#: With fewer that wait somebody writes down another; beyond so many, old ones come back.
_WAITING, _MOST = 12, 300
#: Virtual seconds between two acts of people, and how many there were in the past.
_PACE, _PAST_ACTS = (420.0, 900.0), 70
#: Virtual seconds from a deployment to when somebody moves its issue.
_LATER = (240.0, 900.0)
_COMMENTS = 30


@dataclass(slots=True)
class _Task:
    """An issue somebody works on in one repository, and how many commits are still to come."""

    key: str
    left: int


@dataclass(slots=True)
class Work:
    """What people are at: ``world.of(Work)``. Nothing until it is furnished."""

    world: World
    alive: bool = False
    tasks: dict[str, _Task] = field(default_factory=dict)
    #: Pipeline → (number of the execution, key, whether it was the last commit for it).
    carried: dict[str, list[tuple[int, str, bool]]] = field(default_factory=dict)
    acts: int = 0
    opened: int = 0

    # -- pushes -------------------------------------------------------------------------------

    def message(self, pipeline: Pipeline, source: Declaration, number: int, plain: str) -> str:
        """What the next commit of a pipeline's source says."""
        if not self.alive or number % 2 == 0 or source["actionTypeId"]["provider"] == "S3":
            return plain
        issue, last = self._task(pipeline, source)
        self.carried.setdefault(pipeline.arn, []).append((number + 1, issue.key, last))
        self._begin(issue)
        if number % 4 == 1:
            return f"{issue.key} {issue.summary}"
        return f"{plain.splitlines()[0] if plain else 'Tidy'} ({issue.key})"

    def _task(self, pipeline: Pipeline, source: Declaration) -> tuple[Issue, bool]:
        """The issue that somebody works on in a repository, and whether this ends it."""
        asked, store = source["configuration"], self.world.of(Jira)
        name = asked.get("RepositoryName") or source_of(asked)[0]
        task = self.tasks.get(name)
        issue = store.find(task.key) if task is not None else None
        if task is None or issue is None or task.left == 0:
            project = store.projects[project_of(name)]
            chance = self.world.chance("work", name, pipeline.started_count)
            issue = self._next(project)
            task = self.tasks[name] = _Task(issue.key, chance.randrange(1, 4))
        task.left -= 1
        return issue, task.left == 0

    def _next(self, project: Project) -> Issue:
        """The oldest issue that waits; somebody writes another down where few do."""
        store = self.world.of(Jira)
        busy = {task.key for task in self.tasks.values() if task.left}
        waiting = [
            issue
            for issue in store.of_project(project)
            if store.status(issue).category == "new"
            and issue.type != "Epic"
            and issue.key not in busy
        ]
        if len(waiting) < _WAITING:
            waiting.append(self.open(project))
        return waiting[0]

    def open(self, project: Project) -> Issue:
        """Somebody finds something; in a full project it is something that was there before."""
        self.opened += 1
        store, chance = self.world.of(Jira), self.world.chance("open", self.opened)
        who = TEAM[chance.randrange(len(TEAM))]
        issues = list(store.of_project(project))
        if len(issues) >= _MOST:
            done = [issue for issue in issues if store.status(issue).category == "done"]
            if done:
                again = min(done, key=lambda issue: issue.updated)
                way = workflow.towards(project.workflow, again.status, "new")
                if way is not None:
                    jira.transition(self.world, again, way, who)
                    self._say(again, "It came back.", who)
                    return again
        words = WORDS.get(project.key, ("It",))
        text = LATER[self.opened % len(LATER)].format(word=words[self.opened % len(words)])
        kind = ("Bug", "Task", "Story")[self.opened % 3]
        return jira.create(self.world, project, text, who, type=kind, body="Seen this week.")

    def _begin(self, issue: Issue) -> None:
        """Whoever pushes for an issue works on it."""
        store, chance = self.world.of(Jira), self.world.chance("begin", issue.key, issue.updated)
        project = store.projects[issue.project]
        who = issue.assignee or TEAM[chance.randrange(len(TEAM))]
        if issue.assignee is None:
            jira.change(self.world, issue, who, assignee=who)
        if store.status(issue).category == "new":
            sprint = project.active()
            if sprint is not None and sprint.id not in issue.sprints:
                jira.change(self.world, issue, who, sprints=[*issue.sprints, sprint.id])
            way = workflow.towards(project.workflow, issue.status, "indeterminate")
            if way is not None:
                jira.transition(self.world, issue, way, who)

    # -- pull requests ------------------------------------------------------------------------

    def merges(self, pipeline: Pipeline, source: Declaration, number: int) -> GitHubIssue | None:
        """The pull request that the next push merges, if there is one whose time has come."""
        if not self.alive or number % 4 != 3:
            return None
        one, branch = self.repository(source)
        if one is None or branch != one.default:
            return None
        open_ones = [issue for issue in one.pulls() if issue.state == "open"]
        ready = [issue for issue in open_ones if issue.pull is not None and not issue.pull.draft]
        if len(open_ones) < 3:
            self.propose(one, pipeline.started_count)
        return ready[0] if len(ready) > 1 else None

    def repository(self, source: Declaration) -> tuple[Repository | None, str]:
        """The repository at GitHub that a source takes from, and the branch."""
        if source["actionTypeId"]["provider"] not in ("CodeStarSourceConnection", "GitHub"):
            return None, ""
        name, branch = source_of(source["configuration"])
        return self.world.of(GitHub).moved(name), branch

    def propose(self, one: Repository, number: int) -> None:
        """Somebody opens a pull request for an issue; others look at it."""
        store, chance = self.world.of(Jira), self.world.chance("propose", one.full_name, number)
        issue = self._next(store.projects[project_of(one.name)])
        words = re.sub(r"[^a-z0-9]+", "-", issue.summary.lower()).strip("-")[:30].strip("-")
        branch, author = f"feature/{issue.key}-{words}", TEAM[chance.randrange(len(TEAM))]
        if branch in one.branches:
            return
        self.tasks[f"pull {one.full_name} {number}"] = _Task(issue.key, 1)
        self._begin(issue)
        github.push(self.world, one, branch, f"{issue.key} {issue.summary}", author)
        waiting = [
            other.number
            for other in one.issues.values()
            if other.state == "open" and other.pull is None and "script" not in other.title
        ]
        body = f"Fixes #{waiting[0]}." if waiting and len(waiting) > 2 else f"See {issue.key}."
        title = f"{issue.key} {issue.summary}"
        pull = github.propose(self.world, one, title, body, branch, author)
        if pull.pull is not None:
            pull.pull.requested = ["security-reviewer"]
        review = functools.partial(self._review, one, pull)
        self.world.scheduler.after(chance.uniform(300, 900), review)

    def _review(self, one: Repository, issue: GitHubIssue) -> None:
        pull = issue.pull
        if pull is None or issue.state != "open":
            return
        number = self.world.of(GitHub).next_id()
        state = "CHANGES_REQUESTED" if number % 5 == 0 else "APPROVED"
        text = "A test for the empty case, please." if number % 5 == 0 else "Looks good."
        now = self.world.now()
        made = Review(number, "security-reviewer", state, text, pull.head_sha, now)
        pull.reviews.append(made)
        pull.requested, issue.updated = [], now
        github_told.reviewed(self.world, one, issue, made)

    def merged(self, pipeline: Pipeline, issue: GitHubIssue, number: int) -> None:
        """A pull request went in with a push: its issues are carried by the execution."""
        for key in dict.fromkeys(_KEY.findall(issue.title)):
            self.carried.setdefault(pipeline.arn, []).append((number + 1, key, True))
            ended = [
                name
                for name, task in self.tasks.items()
                if name.startswith("pull ") and task.key == key
            ]
            for name in ended:
                del self.tasks[name]

    # -- what executions become ---------------------------------------------------------------

    def ended(self, execution: Execution, state: str) -> None:
        """An execution succeeded or failed: what it carried is out, or is not."""
        carried = self.carried.get(execution.pipeline.arn)
        if not self.alive or not carried:
            return
        mine = [one for one in carried if one[0] <= execution.number]
        if state == "SUCCEEDED":
            self.carried[execution.pipeline.arn] = [one for one in carried if one not in mine]
            for _, key, last in mine:
                if last:
                    deed = functools.partial(self._finish, key, execution)
                    chance = self.world.chance("finish", key, execution.id)
                    self.world.scheduler.after(chance.uniform(*_LATER), deed)
        elif state == "FAILED":
            for number, key, _ in mine:
                issue = self.world.of(Jira).find(key)
                if issue is not None and number == execution.number:
                    stage = execution.stage_names()[execution.at_stage]
                    text = f"{execution.pipeline.name} failed in {stage}, looking into it."
                    self._say(issue, text, issue.assignee or TEAM[0])

    def _finish(self, key: str, execution: Execution) -> None:
        store = self.world.of(Jira)
        issue = store.find(key)
        if issue is None or store.status(issue).category == "done":
            return
        project, who = store.projects[issue.project], issue.assignee or TEAM[0]
        # A workflow may ask for a step in between.
        for _ in range(2):
            way = workflow.towards(project.workflow, issue.status, "done")
            if way is not None:
                jira.transition(self.world, issue, way, who)
        commit = next(iter(execution.revisions.values()), None)
        version = commit.sha[:7] if commit else execution.id[:8]
        self._say(issue, f"Out with {execution.pipeline.name} ({version}).", who)

    def _say(self, issue: Issue, text: str, who: str) -> None:
        if len(issue.comments) < _COMMENTS:
            jira.comment(self.world, issue, text, who)

    # -- days ---------------------------------------------------------------------------------

    def act(self) -> None:
        """Somebody does something small, and somebody else will in a while."""
        self.acts += 1
        chance = self.world.chance("act", self.acts)
        store = self.world.of(Jira)
        project = list(store.projects.values())[chance.randrange(len(store.projects))]
        who = TEAM[chance.randrange(len(TEAM))]
        match self.acts % 5:
            case 0 | 3:
                moving = [
                    issue
                    for issue in store.of_project(project)
                    if store.status(issue).category == "indeterminate"
                ]
                if moving:
                    issue = moving[chance.randrange(len(moving))]
                    self._say(issue, REMARKS[chance.randrange(len(REMARKS))], who)
            case 1:
                self._refine(project, who)
            case 2:
                self._at_github(who)
            case _:
                if self.acts % 10 == 4:
                    self.open(project)

    def _refine(self, project: Project, who: str) -> None:
        """Somebody gives the oldest issue without points some, and a label."""
        store = self.world.of(Jira)
        for issue in store.of_project(project):
            if store.status(issue).category == "new" and issue.points is None:
                labels = sorted({*issue.labels, "refined"})
                points = float(1 + self.acts % 8)
                jira.change(self.world, issue, who, points=points, labels=labels)
                return

    def _at_github(self, who: str) -> None:
        """Somebody comments on an issue there, or opens one, or closes an old one."""
        chance = self.world.chance("github act", self.acts)
        kept = [
            one
            for one in self.world.of(GitHub).repositories.values()
            if one.has_issues and not one.archived and one.issues
        ]
        one = kept[chance.randrange(len(kept))]
        waiting = [it for it in one.issues.values() if it.state == "open" and it.pull is None]
        if len(waiting) < 2:
            words = WORDS["SHOP"][self.acts % 6]
            title = LATER[self.acts % len(LATER)].format(word=words)
            github.opened(self.world, one, github.open_issue(self.world, one, title, None, who))
        elif len(waiting) > 8:
            github.close(self.world, one, waiting[0], who, "not_planned")
        elif len(waiting[0].comments) < _COMMENTS:
            remark = REMARKS[chance.randrange(len(REMARKS))]
            github.comment(self.world, one, waiting[chance.randrange(len(waiting))], remark, who)

    def go_on(self) -> None:
        """From now on people act every so often, for ever."""
        self.act()
        chance = self.world.chance("pace", self.acts)
        self.world.scheduler.after(chance.uniform(*_PACE), self.go_on)


def furnish(world: World) -> None:
    """Let people begin; the past holds as many acts as it has time for."""
    work = world.of(Work)
    work.alive = True
    scheduler = world.scheduler
    begins, ends = world.now(), scheduler.present()
    for number in range(_PAST_ACTS):
        scheduler.at(begins + (ends - begins) * (number + 0.5) / _PAST_ACTS, work.act)
    if world.lives:
        scheduler.at(ends + _PACE[0] / 2 / scheduler.speed, work.go_on)


def _heard(execution: Execution, state: str) -> None:
    execution.pipeline.place.world.of(Work).ended(execution, state)


events.HEARERS.append(_heard)
