"""Keeps a scenario's pipelines busy with commits, bursts, and somebody who stops an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.sandbox.codecommit import life
from apps.sandbox.codepipeline import engine
from apps.sandbox.codepipeline.model import Commit, Declaration, Execution, Pipeline
from apps.sandbox.github import writing
from apps.sandbox.scenario.plan import AUTHORS, PipelinePlan
from apps.sandbox.scenario.work import Work
from apps.sandbox.world import hex_from

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping


class Committer:
    """Pushes commits to one pipeline's sources, in the past and from now on."""

    def __init__(self, pipeline: Pipeline, plan: PipelinePlan, words: Mapping[str, str]) -> None:
        self.pipeline, self.plan, self.words = pipeline, plan, words
        self.world = pipeline.place.world

    def schedule_past(self, now: float) -> None:
        """Put the past's commits on the heap; ``now`` is the present that the past leads up to."""
        chance = self.world.chance(self.pipeline.arn, "past")
        for number in range(self.plan.past):
            hours = self.plan.last_hours_ago + self.plan.gap_hours * (self.plan.past - 1 - number)
            moment = (
                now
                - hours * 3600
                + chance.uniform(-0.3, 0) * self.plan.gap_hours * 3600 * bool(number)
            )
            self.world.scheduler.at(moment, self.push)

    def go_live(self) -> None:
        """From now on a commit (or a burst) every so often, for ever."""
        self.world.scheduler.after(self.plan.first, self._next)

    def _next(self) -> None:
        if self.pipeline.deleted:
            return
        chance = self.world.chance(self.pipeline.arn, "live", self.pipeline.started_count)
        for number in range(self.plan.burst):
            self.world.scheduler.after(number * chance.uniform(15, 40), self.push)
        self.world.scheduler.after(self.plan.every * chance.uniform(0.7, 1.3), self._next)

    def push(self) -> None:
        """One commit on the pipeline's source, and the execution it triggers."""
        pipeline, plan = self.pipeline, self.plan
        if pipeline.deleted or sum(execution.running for execution in pipeline.executions) > 8:
            return
        number = pipeline.started_count
        chance = self.world.chance(pipeline.arn, "commit", number)
        for source in pipeline.definition["stages"][0]["actions"]:
            message = plan.messages[number % len(plan.messages)]
            pipeline.heads[source["name"]] = self._commit(source, message, chance, number)
        kind, detail = plan.trigger
        variables = dict(plan.variables[number % len(plan.variables)]) if plan.variables else {}
        execution = engine.start(pipeline, kind, detail.format(**self.words), variables=variables)
        if plan.stops_every and execution.number % plan.stops_every == 0:
            self.world.scheduler.after(chance.uniform(50, 90), lambda: _stop(execution))

    def _commit(
        self, source: Declaration, message: str, chance: random.Random, number: int
    ) -> Commit:
        """A commit where the source takes it from; only a bucket is not simulated."""
        provider, asked = source["actionTypeId"]["provider"], source["configuration"]
        sha = hex_from(chance, 32 if provider == "S3" else 40)
        author = AUTHORS[chance.randrange(len(AUTHORS))]
        branch = asked.get("BranchName") or asked.get("Branch", "main")
        work = self.world.of(Work)
        repository, _ = work.repository(source)
        if repository is not None:
            pull = work.merges(self.pipeline, source, number)
            if pull is not None:
                work.merged(self.pipeline, pull, number)
                found = writing.merge(self.world, repository, pull, author, sha=sha, starts=False)
            else:
                message = work.message(self.pipeline, source, number, message)
                found = writing.push(
                    self.world, repository, branch, message, author, sha=sha, starts=False
                )
            return Commit(found.sha, found.message, author, branch, found.at)
        message = work.message(self.pipeline, source, number, message)
        if provider == "CodeCommit":
            place = self.pipeline.place
            made = life.commit_change(
                place, asked["RepositoryName"], branch, message, author, chance
            )
            if made is not None:
                return Commit(made.id, made.message, author, branch, made.at)
        return Commit(sha, message, author, branch, self.world.now() - 5)


def _stop(execution: Execution) -> None:
    if execution.status == "InProgress":
        engine.stop(
            execution,
            abandon=execution.number % 2 == 0,
            reason="Wrong data set, stopped by release-manager",
        )
