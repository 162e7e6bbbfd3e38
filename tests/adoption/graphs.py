"""Writes worlds for the engine in few words."""

from typing import Any

from apps.adoption.graph import Node
from apps.adoption.seeds import Thing, Tied, World

KINDS = {
    "pipeline": "codepipeline.pipeline",
    "build": "codebuild.project",
    "repo": "codecommit.repository",
    "stack": "cloudformation.stack",
    "function": "awslambda.function",
    "service": "ecs.service",
    "app": "codedeploy.application",
    "group": "codedeploy.deploymentgroup",
    "alarm": "cloudwatch.alarm",
    "log": "cloudwatch.loggroup",
    "balancer": "ec2.loadbalancer",
    "targets": "ec2.targetgroup",
    "environment": "beanstalk.environment",
    "source": "repository",
}


def node(word: str) -> Node:
    """The node of "pipeline checkout"."""
    kind, _, name = word.partition(" ")
    return (KINDS[kind], name)


def world(*lines: str, **more: Any) -> World:
    """A world of lines: "pipeline a", or "pipeline a > deploys > stack b"."""
    things: dict[Node, Thing] = {}
    ties = []
    tags = more.pop("tags", {})
    for line in lines:
        words = [word.strip() for word in line.split(">")]
        for word in words[::2]:
            one = node(word)
            if one[0] != "repository":
                things[one] = Thing(one, one[1], tags=tags.get(word, {}))
        if len(words) == 3:
            detail = "stage Production" if words[0].startswith("pipeline") else ""
            ties.append(Tied(node(words[0]), words[1], node(words[2]), detail))
    for name in ("held", "shapes", "barred"):
        more[name] = {node(word): value for word, value in more.get(name, {}).items()}
    return World(things=things, ties=ties, **more)


def told(proposals: Any) -> dict[str, set[str]]:
    """Name -> the names of what is its alone."""
    return {one.name: {member.node[1] for member in one.certain} for one in proposals}


def shared(proposals: Any) -> dict[str, set[str]]:
    """Name -> the names of what it shares with others."""
    return {
        one.name: names
        for one in proposals
        if (names := {member.node[1] for member in one.members if member.shared})
    }
