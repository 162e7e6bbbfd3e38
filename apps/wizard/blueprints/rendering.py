"""Renders a template for answers: the repository's files, the toolchain and what goes with it."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from . import permissions
from .answers import OURS, Answers, BadAnswersError, refusals
from .composing import compose
from .naming import app_stack
from .register import BEANSTALK, EC2, HERE, LAMBDA, Blueprint

# What CreateStack and CreateChangeSet take as TemplateBody, in bytes.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LONGEST_TEMPLATE = 51_200
TOOLCHAIN = "toolchain.yml"
README = "README.md"
_HEAD = """\
# The toolchain of this project: its repository, pipeline, build and deployment. It is yours; change
# it here, then bring the change to AWS with a change set of the stack {stack}:
#
#   aws cloudformation deploy --region {region} --stack-name {stack} \\
#     --template-file toolchain.yml --capabilities CAPABILITY_IAM
#
# That keeps the parameters that the stack has.
AWSTemplateFormatVersion: "2010-09-09"
Description: The toolchain of a project, made by CodeStar Dash ({blueprint})

"""


@dataclass(frozen=True)
class Rendered:
    """All that is made of one template and one set of answers; the same for the same ones.

    `files` is what the repository holds, by path; scripts among them are executable (`modes`).
    `toolchain` is the body of the stack `stack_name`, for which `parameters` are given besides
    `CodeBucket` and `CodeKey` (where the first commit's ZIP was put; CodeCommit only) and `tags`
    beside those in it. `app_stack_name` is a stack that the pipeline makes, if it does: it has to
    go before the toolchain. `permissions` are the IAM actions that making and undoing takes, by
    CloudFormation's resource type and under `CREATOR` for what is done besides.
    """

    files: Mapping[str, bytes]
    toolchain: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    stack_name: str
    app_stack_name: str | None
    permissions: Mapping[str, tuple[str, ...]]

    @property
    def actions(self) -> tuple[str, ...]:
        """All IAM actions at once, sorted, for iam:SimulatePrincipalPolicy."""
        return tuple(sorted({action for them in self.permissions.values() for action in them}))

    def code_zip(self) -> bytes:
        """Return the repository's files as a ZIP, the same bytes for the same files."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(self.files):
                # The earliest time that ZIP can write, so that making it later changes nothing.
                entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix: the mode counts
                entry.external_attr = (0o100000 | mode_of(path)) << 16
                archive.writestr(entry, self.files[path])
        return written.getvalue()


def mode_of(path: str) -> int:
    """Return the mode of a file in a repository: scripts may be run."""
    return 0o755 if path.endswith(".sh") else 0o644


def render(blueprint: Blueprint, answers: Answers) -> Rendered:
    """Return what is made of a template for answers.

    Raises BadAnswersError, with all that is wrong, for answers that nothing can be made of.
    """
    runs = blueprint.runs.runs if blueprint.runs else ""
    wrong = refusals(answers, blueprint.target, runs)
    if wrong:
        raise BadAnswersError(wrong)
    facts = facts_of(blueprint, answers)
    values = _values(blueprint, answers)
    toolchain = _toolchain(blueprint, answers, facts, values)
    parameters, types = _outline(toolchain)
    return Rendered(
        files=dict(sorted(_files(blueprint, answers, facts, toolchain))),
        toolchain=toolchain,
        parameters=dict(parameters),
        tags=_tags(answers),
        capabilities=("CAPABILITY_IAM",),
        stack_name=answers.project,
        app_stack_name=app_stack(answers.project) if blueprint.target == LAMBDA else None,
        permissions=permissions.of(types, facts),
    )


@lru_cache(maxsize=32)
def _outline(toolchain: str) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return a toolchain's parameters with their values, and the types of its resources.

    Kept: a page of the wizard asks several times, and each of its steps.
    """
    document = read_template(toolchain)
    return _parameters(document), sorted({one["Type"] for one in document["Resources"].values()})


def facts_of(blueprint: Blueprint, answers: Answers) -> frozenset[str]:
    """Return what holds for a template and answers, in the words of the pieces."""
    instances = blueprint.target in (EC2, BEANSTALK)
    possible = {
        blueprint.target: True,
        answers.source: True,
        "approval": answers.approval,
        "balanced": answers.load_balanced,
        "build-vpc": answers.build_in_vpc,
        "instances": instances,
        "new-connection": answers.new_connection,
        "own-groups": bool(answers.security_groups),
        "queue": bool(answers.queue),
        "vpc": instances or answers.build_in_vpc,
    }
    return frozenset(name for name, holds in possible.items() if holds)


def _values(blueprint: Blueprint, answers: Answers) -> dict[str, str]:
    return {
        "project": answers.project,
        "team": answers.team,
        "branch": answers.branch,
        "repository": answers.repository_name,
        "connection": answers.connection,
        "bucket": answers.bucket_name,
        "queue": answers.queue,
        "vpc": answers.vpc,
        "subnets": ",".join(answers.subnets),
        "security_groups": ",".join(answers.security_groups),
        "visitors": answers.visitors,
        "instance_type": answers.instance_type,
        "platform": answers.platform or (blueprint.runs.default if blueprint.runs else ""),
    }


def _toolchain(
    blueprint: Blueprint, answers: Answers, facts: frozenset[str], values: Mapping[str, str]
) -> str:
    head = _HEAD.format(stack=answers.project, region=answers.region, blueprint=blueprint.id)
    pieces = ("parameters", "source", "store", "build", blueprint.target, "pipeline", "watch")
    body = "".join(compose(_piece(f"{name}.yml"), facts, values) for name in pieces)
    return f"{head}{body}"


@lru_cache
def _piece(name: str) -> str:
    return (HERE / "toolchain" / name).read_text(encoding="utf-8")


def _files(
    blueprint: Blueprint,
    answers: Answers,
    facts: frozenset[str],
    toolchain: str,
) -> Iterator[tuple[str, bytes]]:
    for folder in blueprint.folders:
        for path in _paths(folder):
            name = path.relative_to(folder).as_posix()
            if name == README:
                title = answers.title or answers.project
                text = path.read_text(encoding="utf-8")
                yield (
                    name,
                    f"# {title}\n\n{text}{compose(_piece('delivery.md'), facts, {})}".encode(),
                )
            else:
                yield name, path.read_bytes()
    yield TOOLCHAIN, toolchain.encode()


def _paths(folder: Path) -> list[Path]:
    """Return a folder's files, without what running them left behind."""
    left_behind = {"__pycache__", "node_modules", "reports", "build", ".pytest_cache"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not left_behind.intersection(path.relative_to(folder).parts)
    )


def _parameters(document: Mapping[str, Any]) -> dict[str, str]:
    """Return every parameter's value, so that the stack knows them whatever the defaults become."""
    return {
        name: str(declared["Default"])
        for name, declared in document["Parameters"].items()
        if name not in ("CodeBucket", "CodeKey")
    }


def _tags(answers: Answers) -> dict[str, str]:
    return {**answers.tags, OURS[0]: answers.project, OURS[1]: answers.team}


# libyaml's is ten times as fast, where PyYAML was built with it.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    """Reads CloudFormation's short forms (`!Ref`) as its long ones (`{"Ref": …}`)."""


def _long_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def read_template(text: str) -> dict[str, Any]:
    """Return a template of CloudFormation as data, with short forms written long."""
    document: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    return document
