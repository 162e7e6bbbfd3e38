"""Elastic Beanstalk's platforms: which branch a template runs on, and the newest of its versions.

CloudFormation takes a platform by the exact name of a version (`SolutionStackName`; the ARN has the
same version in it), and an account may make an environment only of a branch's newest version or of
one it used within 30 days. So whoever makes one asks `ListAvailableSolutionStacks` and gives what
`newest` finds as an answer; the dated default stands in where nobody could ask.
https://docs.aws.amazon.com/elasticbeanstalk/latest/platforms/platforms-supported.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    """A platform branch: what it runs, and the version that was current on a day (ISO date)."""

    runs: str
    version: str
    dated: str

    @property
    def default(self) -> str:
        """The solution stack that was current when the default was last looked up."""
        return f"64bit Amazon Linux 2023 v{self.version} running {self.runs}"


# Versions in use in 2026; the languages are maintained into 2029 (Python) and 2028 (Node.js).
PYTHON = Branch("Python 3.13", "4.13.8", "2026-11-29")
NODE = Branch("Node.js 24", "6.11.8", "2026-11-29")
_STACK = re.compile(r"64bit Amazon Linux 2023 v(\d+)\.(\d+)\.(\d+) running (.+)")


def newest(branch: Branch, solution_stacks: Iterable[str]) -> str:
    """Return the newest of a branch among the names AWS lists; nothing where it is not listed."""
    found = [
        (tuple(map(int, match.groups()[:3])), match[0])
        for match in map(_STACK.fullmatch, solution_stacks)
        if match and match[4] == branch.runs
    ]
    return max(found)[1] if found else ""
