"""Puts the sample code where CodeCommit takes the first commit from, and takes it away again.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-codecommit-repository-code.html
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from apps.aws.calls import Reach
from apps.aws.failures import error_code, http_status
from apps.deeds.acts import Done, RefusedError
from apps.deeds.at_aws import AtAws, request_of

from .buckets import empty, is_there
from .models import CODE_KEY, Bootstrap

if TYPE_CHECKING:
    from apps.deeds.models import Deed

# Every call of it may be made again: the bucket is ours alone, and what is put there is the same.
REPEATS = timedelta(days=7)
# The one region whose buckets are made without its name.
FIRST_REGION = "us-east-1"


def _stages(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done:
    name = bootstrap.staging
    where = {"LocationConstraint": reach.region}
    given = {} if reach.region == FIRST_REGION else {"CreateBucketConfiguration": where}
    try:
        reach.call("s3:CreateBucket", Bucket=name, **given)
    except ClientError as error:
        if error_code(error) == "BucketAlreadyExists":
            raise RefusedError(
                f"The name of the code's bucket, {name}, is taken by another account.",
                "Begin a new project: it gets another name.",
                request_of(error.response),
            ) from error
        if error_code(error) != "BucketAlreadyOwnedByYou":
            raise
    closed = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    reach.call("s3:PutPublicAccessBlock", Bucket=name, PublicAccessBlockConfiguration=closed)
    answer = reach.call(
        "s3:PutObject", Bucket=name, Key=CODE_KEY, Body=bootstrap.rendered.code_zip()
    )
    return Done(request=request_of(answer), key=name, told=f"The code waits in {name}.")


def _staged(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    try:
        reach.call("s3:HeadObject", Bucket=bootstrap.staging, Key=CODE_KEY)
    except ClientError as error:
        if http_status(error) == 404:
            return None
        raise
    return Done(key=bootstrap.staging, told=f"The code waits in {bootstrap.staging}.")


def _unstages(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done:
    name = bootstrap.staging
    if not is_there(reach, name):
        return Done(told="The code's bucket is gone already.")
    empty(reach, name)
    answer = reach.call("s3:DeleteBucket", Bucket=name)
    return Done(request=request_of(answer), told="The code's bucket is gone.")


def _unstaged(reach: Reach, _deed: "Deed", bootstrap: Bootstrap) -> Done | None:
    there = is_there(reach, bootstrap.staging)
    return None if there else Done(told="The code's bucket is gone.")


STAGE = AtAws(sends=_stages, finds=_staged, repeats=REPEATS)
UNSTAGE = AtAws(sends=_unstages, finds=_unstaged, repeats=REPEATS)
