"""What CodePipeline's CloudFormation actions do: real stacks, real change sets, AWS's words.

The artifact's template is what the stack's source makes of the execution's number, or what the
stack has already. https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from apps.sandbox.cloudformation import changesets, engine
from apps.sandbox.cloudformation.ending import USER
from apps.sandbox.cloudformation.model import ChangeSet, Stack, StackStore, Wanted
from apps.sandbox.cloudformation.nested import defaults
from apps.sandbox.cloudformation.stacks import (
    NO_UPDATES,
    UPDATABLE,
    begin_update,
    check_capabilities,
)
from apps.sandbox.cloudformation.template import parse, refused
from apps.sandbox.codepipeline import artifacts
from apps.sandbox.codepipeline.providers import Ends, place_of, provider
from apps.sandbox.operations import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.sandbox.cloudformation.template import Template
    from apps.sandbox.codepipeline.model import ActionRun, Execution

GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"})


class _Work:
    """One action at its turn."""

    def __init__(self, execution: Execution, run: ActionRun, ends: Ends) -> None:
        self.execution, self.run, self.ends = execution, run, ends
        self.place = place_of(execution, run)
        self.store = self.place.of(StackStore)
        self.name = run.resolved.get("StackName", "")
        self.mode = run.resolved.get("ActionMode", "")
        self.change_set = run.resolved.get("ChangeSetName", "")

    @property
    def real(self) -> bool:
        """Whether it works on what earlier actions really handed on."""
        return self.name not in self.store.sources and bool(self.execution.artifacts)

    def file(self, member: str) -> str:
        """A file of an artifact that the action's configuration names: ``Build::template.yml``."""
        artifact, _, path = self.run.resolved.get(member, "").partition("::")
        stored = self.execution.artifacts.get(artifact)
        if stored is None or path not in stored.files:
            text = f"File [{path}] does not exist in artifact [{artifact}]"
            raise AwsError("InvalidTemplatePath", text)
        return stored.files[path].decode("utf-8", "replace")

    def values(self, template: Template) -> dict[str, str]:
        """The parameters' values: those of the stack, of the configuration file, of the action."""
        stack = self.stack
        given: dict[str, Any] = {}
        try:
            if self.real and self.run.resolved.get("TemplateConfiguration"):
                given |= json.loads(self.file("TemplateConfiguration")).get("Parameters", {})
            given |= json.loads(self.run.resolved.get("ParameterOverrides") or "{}")
        except ValueError:
            raise AwsError("InvalidParameterOverrides", "ParameterOverrides is not JSON") from None
        declared = template.get("Parameters", {})
        if not self.real:
            given = {name: one for name, one in given.items() if name in declared}
        if unknown := [name for name in given if name not in declared]:
            raise refused(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        before = dict(stack.values) if stack is not None else {}
        if self.real:
            before = {name: one for name, one in before.items() if name in declared}
        found = {**defaults(template), **before}
        found |= {name: str(one) for name, one in given.items()}
        if self.real and (missing := [name for name in declared if name not in found]):
            raise refused(f"Parameters: [{', '.join(missing)}] must have values")
        return found

    @property
    def stack(self) -> Stack | None:
        """The stack it is about, if it is there."""
        return self.store.find(self.name)

    def body(self) -> str:
        """The template in the artifact."""
        if self.real:
            return self.file("TemplatePath")
        source = self.store.sources.get(self.name)
        script = self.execution.pipeline.script(self.run.stage, self.run.name)
        broken = script.fails(self.execution.number, self.run.attempt)
        if source is not None:
            return source(self.execution.number, broken)
        assert self.stack is not None
        return self.stack.body

    def check(self) -> None:
        """Raise what AWS says where the action's role may not do this."""
        verb = {
            "CHANGE_SET_REPLACE": "CreateChangeSet",
            "CHANGE_SET_EXECUTE": "ExecuteChangeSet",
            "DELETE_ONLY": "DeleteStack",
        }.get(self.mode, "CreateStack")
        arn = self.place.arn("cloudformation", f"stack/{self.name}/*")
        denied = artifacts.forbids(self.execution, self.run, f"cloudformation:{verb}", arn)
        role = self.run.resolved.get("RoleArn")
        if denied is None and role and verb in ("CreateChangeSet", "CreateStack"):
            denied = artifacts.forbids(self.execution, self.run, "iam:PassRole", role)
        if denied is not None:
            raise AwsError("AccessDenied", denied)

    def made(self, body: str, template: Template) -> Stack:
        """A new stack of the action's name."""
        stack = Stack(
            self.place,
            self.name,
            self.store.new_id(self.name),
            body,
            template,
            self.place.world.now(),
            values=self.values(template),
            made_up=not self.real,
            role=self.run.resolved.get("RoleArn", ""),
            capabilities=_capabilities(self),
        )
        self.store.stacks[self.name] = stack
        return stack

    def parse(self, body: str) -> Template:
        """The template, if what it needs is among the action's capabilities."""
        template = parse(body)
        if self.real:
            directly = not self.mode.startswith("CHANGE_SET")
            check_capabilities({"Capabilities": _capabilities(self)}, template, directly=directly)
        return template

    def point_at(self, stack: Stack) -> None:
        """Tell where it runs: the external id of these actions is the StackId."""
        self.run.external_id = stack.id
        self.run.external_url = (
            f"https://{self.place.region}.console.aws.amazon.com/cloudformation/home"
            f"?region={self.place.region}#/stacks/stackinfo?stackId={stack.id}"
        )

    def soon(self, deed: Callable[[], None]) -> None:
        """Do something after a moment, unless the action is abandoned."""
        self.run.timers.append(self.place.world.scheduler.after(1, deed))

    def succeed(self, words: str) -> None:
        """End well."""
        self.ends.succeed(self.execution, self.run, words)

    def fail(self, words: str, code: str = "JobFailed") -> None:
        """End badly."""
        self.ends.fail(self.execution, self.run, code, words)

    def judge(self, stack: Stack) -> None:
        """End as the stack has ended."""
        if stack.status in GOOD:
            verb = stack.status.partition("_")[0].lower().rstrip("e")
            self.succeed(f"Stack {self.name} was {verb}ed.")
            return
        said = next(
            (one.reason for one in stack.events if one.reason.startswith("The following")), ""
        )
        self.fail(f"Stack {self.name} failed. Last status: {stack.status}. {said}".rstrip())


@provider("CloudFormation")
def begin(execution: Execution, run: ActionRun, ends: Ends) -> bool:
    """Do what the action's mode says; False where neither a stack nor a source of one is known."""
    work = _Work(execution, run, ends)
    if work.stack is None and work.name not in work.store.sources and not work.real:
        return False
    try:
        work.check()
        _MODES.get(work.mode, _create_or_update)(work)
    except AwsError as error:
        words, code = f"{error.message} (Error Code: {error.code})", "ConfigurationError"
        work.soon(functools.partial(work.fail, words, code))
    return True


def _create_or_update(work: _Work) -> None:
    body = work.body()
    stack = work.stack
    if stack is not None and stack.status == "ROLLBACK_COMPLETE" and work.mode.startswith("REPL"):
        work.point_at(stack)
        stack.on_end.append(lambda _: _create(work, body))
        engine.delete(stack)
        return
    if stack is None:
        _create(work, body)
        return
    work.point_at(stack)
    template = work.parse(body)
    wanted = Wanted(body, template, work.values(template))
    try:
        begin_update(stack, wanted, _options(work))
    except AwsError as error:
        if error.message != NO_UPDATES:
            raise
        work.soon(lambda: work.succeed(NO_UPDATES))
        return
    stack.on_end.append(work.judge)


def _create(work: _Work, body: str) -> None:
    stack = work.made(body, work.parse(body))
    work.point_at(stack)
    stack.on_end.append(work.judge)
    engine.create(stack)


def _capabilities(work: _Work) -> list[str]:
    return [one for one in work.run.resolved.get("Capabilities", "").split(",") if one]


def _options(work: _Work) -> dict[str, object]:
    found: dict[str, object] = {"Capabilities": _capabilities(work)}
    if role := work.run.resolved.get("RoleArn"):
        found["RoleARN"] = role
    return found


def _replace_change_set(work: _Work) -> None:
    stack = work.stack
    body = work.body()
    template = work.parse(body)
    if stack is None:
        stack = work.made(body, template)
        stack.tell(None, "REVIEW_IN_PROGRESS", USER)
    work.point_at(stack)
    if stack.moving:
        raise AwsError(
            "ValidationError",
            f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
        )
    for one in [one for one in stack.change_sets.values() if one.name == work.change_set]:
        del stack.change_sets[one.id]
    wanted = Wanted(body, template, work.values(template))
    creates = stack.status == "REVIEW_IN_PROGRESS"
    made = changesets.make(stack, work.change_set, wanted, _options(work), creates=creates)

    def over(one: ChangeSet) -> None:
        if one.status == "FAILED" and one.reason != changesets.NO_CHANGES:
            work.fail(one.reason)
        else:
            work.succeed(f"Change set {work.change_set} was created.")

    made.on_end.append(over)


def _execute_change_set(work: _Work) -> None:
    stack = work.stack
    assert stack is not None
    work.point_at(stack)
    every = sorted(stack.change_sets.values(), key=lambda one: one.created)
    found = [one for one in every if one.name == work.change_set]
    if not found:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{work.change_set}] does not exist")
    one = found[-1]
    if one.reason == changesets.NO_CHANGES:
        work.soon(lambda: work.succeed("The change set held no changes."))
        return
    if stack.status not in {*UPDATABLE, "REVIEW_IN_PROGRESS"}:
        raise AwsError(
            "ValidationError",
            f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
        )
    changesets.execute(one)
    stack.on_end.append(work.judge)


def _delete(work: _Work) -> None:
    stack = work.stack
    if stack is None:
        work.soon(lambda: work.succeed(f"Stack {work.name} is not there."))
        return
    work.point_at(stack)
    stack.on_end.append(work.judge)
    engine.delete(stack)


_MODES: dict[str, Callable[[_Work], None]] = {
    "CREATE_UPDATE": _create_or_update,
    "REPLACE_ON_FAILURE": _create_or_update,
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CHANGE_SET_EXECUTE": _execute_change_set,
    "DELETE_ONLY": _delete,
}
