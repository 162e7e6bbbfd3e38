"""The modules whose operations the sandbox answers itself; a new service is one more line here."""

from __future__ import annotations

import importlib

MODULES = (
    "apps.sandbox.sts",
    "apps.sandbox.identity",
    "apps.sandbox.buckets",
    "apps.sandbox.connections",
    "apps.sandbox.logs",
    "apps.sandbox.cloudwatch.operations",
    "apps.sandbox.cloudwatch.metric_operations",
    "apps.sandbox.cloudwatch.inhabitants",
    "apps.sandbox.cloudwatch.judging",
    "apps.sandbox.codebuild.operations",
    "apps.sandbox.codecommit.building",
    "apps.sandbox.codecommit.repositories",
    "apps.sandbox.codecommit.contents",
    "apps.sandbox.codecommit.pulls",
    "apps.sandbox.codecommit.comments",
    "apps.sandbox.github.listening",
    "apps.sandbox.outside",
    "apps.sandbox.codebuild.projects",
    "apps.sandbox.codebuild.reports",
    "apps.sandbox.codedeploy.actions",
    "apps.sandbox.codedeploy.acts",
    "apps.sandbox.codedeploy.bundles",
    "apps.sandbox.codedeploy.groups",
    "apps.sandbox.codedeploy.premises",
    "apps.sandbox.codedeploy.reads",
    "apps.sandbox.cloudformation.drift",
    "apps.sandbox.cloudformation.operations",
    "apps.sandbox.cloudformation.changesets",
    "apps.sandbox.cloudformation.actions",
    "apps.sandbox.cloudformation.real.code",
    "apps.sandbox.cloudformation.real.deploying",
    "apps.sandbox.cloudformation.real.functions",
    "apps.sandbox.cloudformation.real.keys",
    "apps.sandbox.cloudformation.real.machines",
    "apps.sandbox.cloudformation.real.messages",
    "apps.sandbox.cloudformation.real.roles",
    "apps.sandbox.cloudformation.real.storage",
    "apps.sandbox.cloudformation.real.watching",
    "apps.sandbox.codepipeline.actiontypes",
    "apps.sandbox.codepipeline.building",
    "apps.sandbox.codepipeline.definitions",
    "apps.sandbox.codepipeline.reads",
    "apps.sandbox.codepipeline.acts",
    "apps.sandbox.compute.actions",
    "apps.sandbox.compute.balancer_operations",
    "apps.sandbox.compute.classic_operations",
    "apps.sandbox.compute.ec2_operations",
    "apps.sandbox.compute.ecs_operations",
    "apps.sandbox.compute.scaling_operations",
    "apps.sandbox.compute.lambda_operations",
    "apps.sandbox.compute.lambda_making",
    "apps.sandbox.compute.profiles",
    "apps.sandbox.beanstalk.managed",
    "apps.sandbox.beanstalk.reads",
    "apps.sandbox.beanstalk.acts",
    "apps.sandbox.inventory",
)


def register_all() -> None:
    """Import every service, which registers its operations."""
    for name in MODULES:
        importlib.import_module(name)
