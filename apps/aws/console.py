"""Where AWS's console is, in the partition a region belongs to; services know their own pages."""

from urllib.parse import quote

# Hosts of the partitions whose console is not at <region>.console.aws.amazon.com.
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
HOSTS = {"cn": "console.amazonaws.cn", "us-gov": "console.amazonaws-us-gov.com"}


def console(region: str, path: str) -> str:
    """Return the address of a page; `path` is everything behind the host, quoted already."""
    for start, host in HOSTS.items():
        if region.startswith(f"{start}-"):
            return f"https://{host}/{path}"
    return f"https://{region}.console.aws.amazon.com/{path}"


def part(text: str) -> str:
    """Return a name as a part of a path or query."""
    return quote(text, safe="")
