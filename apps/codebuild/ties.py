"""Which repository a build project takes its source from by itself; no Django."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from apps.mirror.ties import REPOSITORY, Tie, place_of

HOSTED = frozenset({"GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED"})


def ties_of(arn: str, source_type: str, location: str) -> Iterator[Tie]:
    """Yield the repository, where it is one; in a pipeline the pipeline tells."""
    path = urlsplit(location).path.strip("/").removesuffix(".git") if "[" not in location else ""
    if source_type == "CODECOMMIT" and path:
        partition, region, account = place_of(arn)
        host = urlsplit(location).hostname or ""
        told = host.split(".")[1] if host.startswith("git-codecommit.") else region
        name = path.rpartition("/")[2]
        to = f"arn:{partition}:codecommit:{told}:{account}:{name}"
        yield Tie("takes", "codecommit.repository", to)
    elif source_type in HOSTED and path.count("/"):
        yield Tie("takes", REPOSITORY, path.lower())
