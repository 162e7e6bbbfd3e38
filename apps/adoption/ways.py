"""By which relations things belong together, and what is said of it; no Django.

A relation that does not stand here ties nothing: roles, keys, buckets, topics, clusters, networks
and deployment configurations are used by all, and make nobody's project. A new service adds a line
for each relation by which its things belong to what deploys them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PIPELINE = "codepipeline.pipeline"
STACK = "cloudformation.stack"


@dataclass(frozen=True, slots=True)
class Way:
    """How a relation ties.

    forward   what is said of the named thing where it is found by the one that names it; "" where
              it is not found that way.
    backward  what is said of the one that names, where it is found by the named thing.
    """

    forward: str = ""
    backward: str = ""


# Up from a thing to the stack that made it is further than down: a stack is whose it deploys, and a
# pipeline that uses one thing of a stack does not have all of it where another one deploys it.
DEAR = 8
UPWARDS = frozenset({"makes", "has in it", "is the application of"})

# In the order in which they are told, where there are several.
WAYS: Mapping[str, Way] = {
    "takes": Way("is the source of", "takes its source from"),
    "builds with": Way("runs in"),
    "deploys": Way("is deployed by"),
    "deploys by": Way("deploys for"),
    "invokes": Way("is invoked by"),
    "runs": Way("was last run by"),
    "uses": Way("is also taken by"),
    "keeps issues in": Way("keeps the issues of"),
    "part of": Way("is the application of", "is part of"),
    "runs on": Way("carries"),
    "creates": Way("is made by", "makes"),
    "made by": Way("makes", "is made by"),
    "nested in": Way("has in it", "is nested in"),
    "deploys to": Way("is deployed to by", "deploys to"),
    "sends traffic by": Way("gets the traffic of"),
    "serves": Way("passes requests to"),
    "receives from": Way("balances the load of"),
    "built by": Way("builds the versions of"),
    "logs to": Way("holds the log of"),
    "log of": Way(backward="holds the log of"),
    "is watched by": Way("watches"),
    "rolls back on": Way("watches"),
    "watches": Way(backward="watches"),
    "asks": Way(backward="asks"),
}
# What a pipeline does that two of them may do with the same thing, if they are of one project.
DIRECT = frozenset({"builds with", "deploys", "deploys by"})
# Without one of these a project has nothing to show: a network, or an alarm, is none by itself.
CORE = frozenset(
    {
        PIPELINE,
        "codecommit.repository",
        "github.repository",
        "codebuild.project",
        "codedeploy.application",
        "codedeploy.deploymentgroup",
        "beanstalk.application",
        "beanstalk.environment",
        "ecs.service",
        "awslambda.function",
    }
)
# What only watches, or passes requests on.
ASIDE = frozenset(
    {"cloudwatch.alarm", "cloudwatch.loggroup", "ec2.loadbalancer", "ec2.targetgroup"}
)
# What makes a project where no pipeline claims it, one kind after the other.
LATER = (
    STACK,
    "beanstalk.application",
    "codedeploy.application",
    "ecs.service",
    "codebuild.project",
    "codecommit.repository",
    "github.repository",
    "awslambda.function",
)
CODESTAR = "awscodestar:projectArn"
STACK_ID, STACK_NAME = "aws:cloudformation:stack-id", "aws:cloudformation:stack-name"
