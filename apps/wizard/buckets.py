"""Buckets of S3: whether one is there, and how it is emptied of all versions.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from apps.aws.calls import Reach, batches
from apps.aws.failures import http_status
from apps.deeds.acts import RefusedError

# As many as one call deletes.
AT_ONCE = 1000


def is_there(reach: Reach, bucket: str) -> bool:
    """Whether a bucket is there and ours. Raises botocore's errors, for another's, too."""
    try:
        reach.call("s3:HeadBucket", Bucket=bucket)
    except ClientError as error:
        if http_status(error) == 404:
            return False
        raise
    return True


def empty(reach: Reach, bucket: str) -> int:
    """Delete all versions of all objects; return how many. Raises as `emptying` does."""
    return sum(emptying(reach, bucket))


def emptying(reach: Reach, bucket: str) -> Iterator[int]:
    """Delete all versions of all objects, and yield how many each call took.

    Raises botocore's errors, and RefusedError where S3 would not delete one.
    """
    for some in batches(versions(reach, bucket), AT_ONCE):
        answer = reach.call(
            "s3:DeleteObjects", Bucket=bucket, Delete={"Objects": some, "Quiet": True}
        )
        for wrong in answer.get("Errors", ()):
            raise RefusedError(
                f"S3 does not delete {wrong.get('Key')} of {bucket}: {wrong.get('Message')}",
                "Delete it by hand, or allow it, then try again.",
            )
        yield len(some)


def versions(reach: Reach, bucket: str) -> Iterator[dict[str, str]]:
    """Yield all versions of all objects, and what marks them deleted: {Key, VersionId}."""
    for page in reach.pages("s3:ListObjectVersions", Bucket=bucket):
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": one["Key"], "VersionId": one["VersionId"]}
