"""The names that follow from a project's id, and whether AWS will take them."""

import re

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
LONGEST_BUCKET = 63
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_RESERVED = ("xn--", "sthree-", "amzn-s3-demo-", "aws-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


def artifact_bucket(project: str, account: str, region: str) -> str:
    """Return what the artifact bucket is called: account and region make it one of its kind."""
    return f"{project}-pipe-{account}-{region}"


def app_stack(project: str) -> str:
    """Return the stack that the pipeline deploys an application's own resources as."""
    return f"{project}-app"


def environment(project: str) -> str:
    """Return Elastic Beanstalk's environment (4 to 40 characters)."""
    return f"{project}-env"


def bucket_trouble(name: str) -> str:
    """Return why S3 would refuse a bucket's name, as what to do; nothing if it would not."""
    if len(name) > LONGEST_BUCKET:
        return (
            f"The bucket's name would have {len(name)} characters, and S3 allows "
            f"{LONGEST_BUCKET}: choose a shorter id for the project, or name the bucket yourself."
        )
    if name.startswith(_RESERVED) or name.endswith(_RESERVED_ENDS):
        return "S3 keeps names that begin or end like this for itself: choose another."
    if not _BUCKET.fullmatch(name):
        return (
            "A bucket is named in 3 to 63 small letters, digits and hyphens, no hyphen at an end."
        )
    return ""
