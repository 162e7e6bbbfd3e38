"""What is known of regions without asking: their partition, and which answer every account."""

from collections.abc import Iterable

# Every account may use these. All that came after March 2019 must be enabled first, and until then
# even their STS refuses good keys. The list is closed, because new regions are all of that kind.
# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
ENABLED_BY_DEFAULT = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# STS is asked in no more regions than this before it is believed.
MOST_ASKED = 3


def partition_of(region: str) -> str:
    """Return the ARN partition of a region: aws, aws-cn, aws-us-gov."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def must_be_enabled(region: str) -> bool:
    """Whether an account has to opt in to a region before anything answers there."""
    return partition_of(region) == "aws" and region not in ENABLED_BY_DEFAULT


def ask_sts_in(regions: Iterable[str]) -> list[str]:
    """Return where to ask STS for whoever uses these regions, the most trustworthy first.

    A region that must be enabled first proves nothing when it refuses, so its partition's first
    region is asked before it.
    """
    chosen = list(dict.fromkeys(regions)) or [HOMES["aws"]]
    sure = [region for region in chosen if not must_be_enabled(region)]
    home = HOMES[partition_of(chosen[0])]
    return list(dict.fromkeys([*(sure or [home]), *chosen]))[:MOST_ASKED]
