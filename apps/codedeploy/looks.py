"""What the stream and the pages ask of an AppSpec in S3; reading it is a task's work."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from apps.mirror import looks
from apps.mirror.linestore import Contents
from apps.mirror.looks import LOOKS, Look

from .bundle import OPERATION
from .lines import draw, draw_note, follower_of, store_of
from .models import Deployment
from .tasks import read_appspec

__all__ = ["contents_of", "lines", "permitted", "watch"]

# Which objects those are nobody knows before they are deployed: whoever knows the buckets narrows
# it down. A version is another permission, and so is a key that is not S3's own.
STATEMENTS: tuple[Mapping[str, Any], ...] = (
    {
        "Sid": "ReadAppSpecs",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": "arn:*:s3:::*/*",
    },
    {
        "Sid": "DecryptAppSpecs",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": "*",
        "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
    },
)


def permitted(user: Any, deployment_id: int) -> bool:
    """Whether this user may see the deployment, and so its AppSpec."""
    return bool(Deployment.objects.visible_to(user).filter(pk=deployment_id).exists())


def contents_of(deployment_id: int) -> Contents | None:
    """Return what was read of an AppSpec, None where nothing was."""
    return store_of(deployment_id).open()


def watch(deployment_id: int) -> None:
    """Say that somebody looks at an AppSpec; it is read where it was not. A revision stays so."""
    ticket = looks.watched(store_of(deployment_id), follower_of(deployment_id))
    if ticket is not None:
        read_appspec.delay(deployment_id, ticket)


def lines(deployment_id: int, first: int) -> Mapping[str, Any]:
    """Return an AppSpec's lines from number `first` (from 0) on; see `Look.since`."""
    drawn = partial(draw, deployment_id, first=first)
    note = partial(draw_note, deployment_id)
    return looks.since(f"appspec-{deployment_id}", first, contents_of(deployment_id), drawn, note)


LOOKS.add(
    Look(
        name="appspec",
        provider="aws",
        calls=(OPERATION,),
        statements=STATEMENTS,
        permitted=permitted,
        watch=watch,
        since=lines,
    )
)
