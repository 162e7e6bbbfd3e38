"""What a row's columns name besides its links, for finding what belongs together; no Django.

A link says what is there today by its ARN. Some things are said by a name alone, in a column: what
a pipeline's stages will build with and deploy to, though it never ran; whose metrics an alarm asks.
"""

from dataclasses import dataclass

# A repository that is mirrored nowhere: it still tells that two things have the same source. Its
# name is "owner/name".
REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class Tie:
    """That a row has to do with another one.

    relation  as `apps.adoption.ways` knows it.
    to        the ARN, with "*" for a part that nobody told; of a `REPOSITORY` its name.
    detail    where in the row it says so: "stage Production".
    """

    relation: str
    to_kind: str
    to: str
    detail: str = ""


def place_of(arn: str) -> tuple[str, str, str]:
    """Return partition, region and account of an ARN, "" for what it does not tell."""
    parts = [*arn.split(":"), "", "", "", "", ""]
    return parts[1], parts[3], parts[4]
