"""What a person may choose when a project is made, and what is wrong with what they chose.

Every answer ends as a parameter of CloudFormation or as a name in AWS, so each is held against the
narrowest rule that AWS has for what is made of it. A refusal names the field and says what to do.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .naming import artifact_bucket, bucket_trouble

#: Where the code lives.
CODECOMMIT = "codecommit"
GITHUB = "github"
SOURCES = (CODECOMMIT, GITHUB)

PROJECT = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")
ACCOUNT = re.compile(r"[0-9]{12}")
# us-east-1, ap-southeast-4, us-gov-west-1, eusc-de-east-1
REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,5})?-(central|(north|south)?(east|west)?)-[0-9]{1,2}")
# https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateRepository.html
REPOSITORY = re.compile(r"(?!.*\.git$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
GITHUB_REPOSITORY = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?/(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}"
)
# Narrower than git's own rule: what needs no quoting anywhere.
BRANCH = re.compile(r"(?!.*(?:\.\.|//|\.lock(?:/|$)|/\.|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TAG_KEY = re.compile(r"(?!(?i:aws):)[\w .:/=+@-]{1,128}")
TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
TITLE = re.compile(r"(?:\w[\w .,:/=+@&'()-]{0,99})?")
TEAM = re.compile(r"\w[\w .:/=+@-]{0,62}")
VPC = re.compile(r"vpc-[0-9a-f]{8}(?:[0-9a-f]{9})?")
SUBNET = re.compile(r"subnet-[0-9a-f]{8}(?:[0-9a-f]{9})?")
SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8}(?:[0-9a-f]{9})?")
QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,80})")
CONNECTION = re.compile(
    r"arn:aws[a-z-]*:(?:codeconnections|codestar-connections):([a-z0-9-]+):([0-9]{12})"
    r":connection/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]{1,12}\.[a-z0-9-]{2,12}")
# Families whose processors are ARM; the images and platforms named here are x86_64.
ARM = re.compile(r"(?:a1|[a-z]+[0-9]+g[a-z]*)\.")
CIDR = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})/([0-9]{1,2})")
# https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
PLATFORM = re.compile(
    r"64bit Amazon Linux 2023 v[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3} running ([A-Za-z0-9. ]{2,40})"
)

MOST_TAGS = 40
MOST_SUBNETS = 16
MOST_GROUPS = 5


@dataclass(frozen=True)
class Refusal:
    """What is wrong with one answer: the field of `Answers`, and a sentence saying what to do."""

    field: str
    sentence: str


class BadAnswersError(ValueError):
    """Answers that nothing can be made of; `refusals` says why, one or more for each field."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(" ".join(f"{one.field}: {one.sentence}" for one in refusals))


@dataclass(frozen=True)
class Answers:
    """What was chosen. Whatever is left as it is here has a meaning that `docs/wizard` tells.

    `repository` is CodeCommit's name (empty: the project's id) or GitHub's owner/name. An empty
    `connection` with GitHub makes a new one, which stays PENDING until a person completes it.
    `with_files`: the template's files are committed to GitHub's repository (CodeCommit's new one
    has them in any case).
    `vpc`, `subnets`: where instances run, and the build if `build_in_vpc`. `visitors`: the network
    (CIDR) that may reach instances by HTTP. `platform`: Beanstalk's solution stack (empty: the
    dated default of `platforms.py`). `queue`: the ARN of the dashboard's event queue (empty: no
    rule). `bucket`: the artifact bucket (empty: named after project, account and region).
    """

    project: str
    account: str
    region: str
    team: str
    title: str = ""
    source: str = CODECOMMIT
    repository: str = ""
    branch: str = "main"
    connection: str = ""
    with_files: bool = True
    approval: bool = False
    build_in_vpc: bool = False
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    visitors: str = "10.0.0.0/8"
    instance_type: str = "t3.micro"
    load_balanced: bool = False
    platform: str = ""
    queue: str = ""
    bucket: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def repository_name(self) -> str:
        """The repository, as the source's host names it."""
        return self.repository or (self.project if self.source == CODECOMMIT else "")

    @property
    def bucket_name(self) -> str:
        """The artifact bucket, whose name is taken for the whole world."""
        return self.bucket or artifact_bucket(self.project, self.account, self.region)

    @property
    def new_connection(self) -> bool:
        """Whether a connection to GitHub is to be made."""
        return self.source == GITHUB and not self.connection


def refusals(answers: Answers, target: str, runs: str = "") -> list[Refusal]:
    """Return all that is wrong with answers for a target (`ec2`, `beanstalk`, `lambda`).

    `runs` is what the platform has to run, where the target has platforms ("Python 3.13").
    """
    return [
        *_names(answers),
        *_source(answers),
        *_network(answers, target),
        *_instances(answers, target, runs),
        *_rest(answers),
    ]


def _names(answers: Answers) -> Iterator[Refusal]:
    if not PROJECT.fullmatch(answers.project):
        yield Refusal(
            "project",
            "Choose 3 to 30 characters: small letters, digits and hyphens, a letter first and no "
            "hyphen last. Stacks, buckets and pipelines are named after it.",
        )
    if not ACCOUNT.fullmatch(answers.account):
        yield Refusal("account", "Give the account's 12 digits.")
    if not REGION.fullmatch(answers.region):
        yield Refusal("region", "Choose a region of AWS, like eu-west-1.")
    if not TEAM.fullmatch(answers.team):
        yield Refusal(
            "team",
            "Name the team in 1 to 63 characters: letters, digits, spaces and . : / = + @ - _, "
            "as tags of AWS allow.",
        )
    if not TITLE.fullmatch(answers.title):
        yield Refusal(
            "title",
            "Use at most 100 letters, digits, spaces and . , : / = + @ & ' ( ) - _ in its name.",
        )
    # What follows from an id that is none yet is not wrong itself.
    trouble = bucket_trouble(answers.bucket_name)
    if trouble and (answers.bucket or PROJECT.fullmatch(answers.project)):
        yield Refusal("bucket", trouble)


def _source(answers: Answers) -> Iterator[Refusal]:
    if answers.source not in SOURCES:
        yield Refusal("source", "Choose codecommit or github.")
    elif answers.source == CODECOMMIT:
        named = bool(answers.repository or PROJECT.fullmatch(answers.project))
        if named and not REPOSITORY.fullmatch(answers.repository_name):
            yield Refusal(
                "repository",
                "Name the repository in at most 100 letters, digits, dots, hyphens and "
                "underscores, a letter or digit first; it must not end in .git.",
            )
        if answers.connection:
            yield Refusal("connection", "Leave it empty: only GitHub is reached by a connection.")
    else:
        if not GITHUB_REPOSITORY.fullmatch(answers.repository):
            yield Refusal(
                "repository", "Give an existing repository of GitHub as owner/name, without .git."
            )
        yield from _connection(answers)
    if not BRANCH.fullmatch(answers.branch):
        yield Refusal(
            "branch",
            "Name a branch in at most 100 letters, digits, dots, slashes, hyphens and "
            "underscores, like main or release/2026.",
        )


def _connection(answers: Answers) -> Iterator[Refusal]:
    if not answers.connection:
        return
    found = CONNECTION.fullmatch(answers.connection)
    if not found:
        yield Refusal(
            "connection",
            "Give the ARN of a connection (arn:aws:codeconnections:REGION:ACCOUNT:connection/ID), "
            "or leave it empty to make a new one.",
        )
    elif found.groups() != (answers.region, answers.account):
        yield Refusal(
            "connection",
            f"This connection is in account {found[2]}, {found[1]}; choose one in account "
            f"{answers.account}, {answers.region}.",
        )


def _network(answers: Answers, target: str) -> Iterator[Refusal]:
    needed = target != "lambda" or answers.build_in_vpc
    why = "the build" if target == "lambda" else "instances"
    if not (VPC.fullmatch(answers.vpc) or (not answers.vpc and not needed)):
        yield Refusal("vpc", f"Choose the VPC that {why} will be in, like vpc-0a1b2c3d4e5f60718.")
    if not all(map(SUBNET.fullmatch, answers.subnets)) or (needed and not answers.subnets):
        yield Refusal("subnets", f"Choose subnets of the VPC that {why} will be in.")
    elif len(answers.subnets) > MOST_SUBNETS or len(set(answers.subnets)) < len(answers.subnets):
        yield Refusal("subnets", f"Choose each subnet once, and at most {MOST_SUBNETS}.")
    elif answers.load_balanced and len(answers.subnets) < 2:
        yield Refusal("subnets", "A load balancer needs subnets in two availability zones.")
    if not all(map(SECURITY_GROUP.fullmatch, answers.security_groups)):
        yield Refusal("security_groups", "Give security groups by their ids, like sg-0a1b2c3d.")
    elif len(set(answers.security_groups)) != len(answers.security_groups) or (
        len(answers.security_groups) > MOST_GROUPS
    ):
        yield Refusal("security_groups", f"Give each group once, and at most {MOST_GROUPS}.")
    elif answers.security_groups and not answers.build_in_vpc:
        yield Refusal(
            "security_groups", "They are the build's: let the build run in the VPC, or give none."
        )


def _instances(answers: Answers, target: str, runs: str) -> Iterator[Refusal]:
    if answers.load_balanced and target != "beanstalk":
        yield Refusal("load_balanced", "Only Elastic Beanstalk's templates have a load balancer.")
    platform = PLATFORM.fullmatch(answers.platform)
    if answers.platform and target != "beanstalk":
        yield Refusal("platform", "Leave it empty: only Elastic Beanstalk's templates have one.")
    elif answers.platform and (platform is None or platform[1] != runs):
        yield Refusal(
            "platform",
            f"Give a solution stack of Elastic Beanstalk on Amazon Linux 2023 that runs {runs}, "
            "as ListAvailableSolutionStacks tells its name, or nothing for the usual one.",
        )
    if not INSTANCE_TYPE.fullmatch(answers.instance_type):
        yield Refusal("instance_type", "Choose a type of instance, like t3.micro.")
    elif ARM.match(answers.instance_type):
        yield Refusal(
            "instance_type",
            f"{answers.instance_type} has an ARM processor; these templates run on x86_64, like "
            "t3.micro.",
        )
    found = CIDR.fullmatch(answers.visitors)
    if not found or any(int(part) > 255 for part in found.groups()[:4]) or int(found[5]) > 32:
        yield Refusal(
            "visitors",
            "Give the IPv4 network that may reach the application as a CIDR, like 10.0.0.0/8; "
            "0.0.0.0/0 is everybody.",
        )


def _rest(answers: Answers) -> Iterator[Refusal]:
    found = QUEUE.fullmatch(answers.queue)
    if answers.queue and not found:
        yield Refusal("queue", "Give the ARN of an SQS queue that is not FIFO, or nothing.")
    elif found and found.groups()[:2] != (answers.region, answers.account):
        yield Refusal(
            "queue",
            f"The queue has to be where the pipeline is: account {answers.account}, "
            f"{answers.region}.",
        )
    if len(answers.tags) > MOST_TAGS:
        yield Refusal("tags", f"Give at most {MOST_TAGS} tags.")
    for key, value in answers.tags.items():
        if not TAG_KEY.fullmatch(key) or not TAG_VALUE.fullmatch(value):
            yield Refusal(
                "tags",
                "Tags have keys of 1 to 128 and values of at most 256 characters: letters, "
                "digits, spaces and . : / = + @ - _; no key begins with aws:.",
            )
        elif key in OURS:
            yield Refusal("tags", f"{key} is set by the template itself; leave it out.")


#: Tags that every template puts on what it makes.
OURS = ("codestar-dash:project", "codestar-dash:team")
