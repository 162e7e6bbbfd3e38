"""Empties the buckets that a stack made: it deletes none that holds something.

Millions of objects take longer than one deed may. Each deed takes a bite, and the step goes on with
another one for as long as one took something (`undoing.emptied`): only what brought nothing is a
try in vain.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from apps.aws.calls import Reach
from apps.aws.failures import OutOfTimeError, is_passing
from apps.deeds.acts import Done
from apps.deeds.at_aws import AtAws

from .buckets import emptying, is_there, versions
from .models import Bootstrap, Creation

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Deleting what is deleted does nothing.
REPEATS = timedelta(days=7)
BUCKET = "AWS::S3::Bucket"
# Seconds of one deed; a worker that died is missed after `performing.LEASE`, which is longer.
BITE = 150.0


def buckets_of(bootstrap: Bootstrap) -> list[str]:
    """Return the buckets that the stack made and that are to go."""
    made = bootstrap.creations.filter(kind=BUCKET, fate=Creation.Fate.MADE)
    edited = {logical for logical, _type, _what in bootstrap.edited}
    return [one.name for one in made if one.name and one.ident not in edited]


def _empties(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done:
    reach.budget = BITE
    gone, more = 0, ""
    try:
        for bucket in buckets_of(bootstrap):
            if is_there(reach, bucket):
                for some in emptying(reach, bucket):
                    gone += some
    except Exception as error:
        # What stopped it will pass, and so much is gone: the next bite goes on.
        if not gone or not (isinstance(error, OutOfTimeError) or is_passing(error)):
            raise
        more = " There are more."
    told = f"{gone} object{'' if gone == 1 else 's'} deleted.{more}"
    return Done(key=str(gone or ""), told=told)


def is_empty(reach: Reach, bootstrap: Bootstrap) -> bool:
    """Whether nothing is in the buckets that are to go. Raises botocore's errors."""
    return not any(
        is_there(reach, bucket) and next(versions(reach, bucket), None) is not None
        for bucket in buckets_of(bootstrap)
    )


def taken(deed: "Deed | None") -> int:
    """Return how many objects a bite took."""
    return int(deed.made.get("key") or 0) if deed is not None else 0


def _emptied(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    return Done(told="The buckets are empty.") if is_empty(reach, bootstrap) else None


EMPTY = AtAws(sends=_empties, finds=_emptied, repeats=REPEATS)
