"""Reads the AppSpec of a revision in S3: the object itself, or what of its bundle that takes.

Nothing here knows Django. IAM: s3:GetObject, of a version s3:GetObjectVersion, and kms:Decrypt
where a key of one's own encrypts the object.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from apps.aws.calls import Reach
from apps.aws.denials import ACTION
from apps.aws.failures import classify, error_code
from apps.mirror.provider import Failure, Health

from . import archives
from .archives import MOST, TAIL, UnreadableError

OPERATION = "s3:GetObject"
# Of a tar, as it lies in S3, and how long one may take: it has no directory.
MOST_STREAMED = 50_000_000
PATIENCE = 60.0
CHUNK = 65_536
TOTAL = re.compile(r"/(\d+)$")
# The one version of AppSpecs that there is, and the sections of which each has one.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure.html
VERSION = "0.0"
SECTIONS = frozenset({"os", "files", "permissions", "hooks", "resources"})


def read(reach: Reach, revision: Mapping[str, Any]) -> str:
    """Return the AppSpec of a `revision` in S3 (see models.Deployment) as its author wrote it.

    Raises UnreadableError where there is none to show, else botocore's errors; `why` reads both.
    """
    found = _Object(reach, revision)
    match str(revision.get("bundle_type") or "").lower():
        case "zip":
            tail = found.tail(TAIL)
            content = archives.from_zip(tail, found.size, found.range)
        case "tar" | "tgz":
            content = archives.from_tar(found.chunks())
        case "yaml" | "json":
            content = found.beginning(MOST + 1)
            if len(content) > MOST:
                raise archives.too_long(f"It has more than {MOST:,} bytes.")
            if not _is_appspec(_text(content)):
                # Whoever may name a revision might have us show any file there is.
                raise UnreadableError(
                    "This file is no AppSpec",
                    "An AppSpec says version 0.0 and has files, hooks or Resources. This one is "
                    "not shown.",
                )
        case other:
            raise UnreadableError(
                f"We do not know bundles of the type {other or 'that is not said'}"
            )
    return _text(content)


def _is_appspec(text: str) -> bool:
    """Whether a text is what CodeDeploy would read as an AppSpec; JSON is YAML, too."""
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or str(told.get("version")) != VERSION:
        return False
    return not SECTIONS.isdisjoint(str(name).lower() for name in told)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")


class _Object:
    """The very object that a revision names, read in ranges."""

    def __init__(self, reach: Reach, revision: Mapping[str, Any]) -> None:
        self.reach = reach
        self.named = {"Bucket": revision.get("bucket") or "", "Key": revision.get("key") or ""}
        etag = str(revision.get("etag") or "").strip('"')
        if revision.get("version"):
            self.named["VersionId"] = revision["version"]
        elif etag:
            self.named["IfMatch"] = f'"{etag}"'
        self.size = 0

    def tail(self, size: int) -> bytes:
        """Return the last bytes; `size` of the whole is known from then on."""
        return self._ranged(f"bytes=-{size}", size)

    def beginning(self, size: int) -> bytes:
        """Return the first bytes."""
        return self._ranged(f"bytes=0-{size - 1}", size)

    def range(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`."""
        if start == end:
            return b""
        held = self._ranged(f"bytes={start}-{end - 1}", end - start)
        if len(held) != end - start:
            raise archives.broken("S3 gave other bytes than it was asked for.")
        return held

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes from the first on, as long as somebody wants more."""
        began, passed = time.monotonic(), 0
        body = self.reach.call(OPERATION, **self.named)["Body"]
        try:
            while chunk := body.read(CHUNK):
                passed += len(chunk)
                if passed > MOST_STREAMED:
                    raise archives.too_long(
                        f"It is not in the first {MOST_STREAMED // 1_000_000} MB of the bundle, "
                        "which has no directory."
                    )
                if time.monotonic() - began > PATIENCE:
                    raise archives.too_long("S3 was too slow for a bundle of this size.")
                yield chunk
        finally:
            body.close()

    def _ranged(self, wanted: str, most: int) -> bytes:
        answer = self.reach.call(OPERATION, Range=wanted, **self.named)
        body = answer["Body"]
        try:
            total = TOTAL.search(str(answer.get("ContentRange") or ""))
            self.size = int(total[1]) if total else int(answer.get("ContentLength") or 0)
            if total is None and self.size > most:
                raise archives.broken("What answers for S3 cannot read a part of an object.")
            held: bytes = body.read(most)
        finally:
            body.close()
        if not {"VersionId", "IfMatch"} & self.named.keys() and answer.get("ETag"):
            # What else is read must be of the same object.
            self.named["IfMatch"] = answer["ETag"]
        return held


# --- Why not --------------------------------------------------------------------------------------

GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed", "404"})
ELSEWHERE = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)


def why(error: BaseException, revision: Mapping[str, Any]) -> tuple[dict[str, str], bool]:
    """Return (what to say beside the AppSpec, whether asking again would say the same)."""
    if isinstance(error, UnreadableError):
        return _said("unknown", error.title, error.text, error.cure), True
    failure = classify(error, OPERATION)
    code = error_code(error)
    if code in GONE or failure.health is Health.GONE:
        cure = "See whether the bucket has a lifecycle rule that deletes bundles early."
        text = f"S3 has no {_place(revision)} any more."
        return _said("unknown", "The bundle is no longer in S3", text, cure), True
    if code in ("PreconditionFailed", "412"):
        text = f"Something else was put to {_place(revision)} after this was deployed."
        cure = "With versioning on, the bucket keeps what was there, and a revision names it."
        return _said("unknown", "The bundle was overwritten", text, cure), True
    if code in ("InvalidRange", "416"):
        return _said("unknown", "The bundle is empty", f"{_place(revision)} has no bytes."), True
    if code == "InvalidObjectState":
        cure = "Restore it from its archive (Glacier) and look again."
        return _said("failed", "The bundle is archived", failure.message, cure), False
    if code in ELSEWHERE or code == "301":
        told = getattr(error, "response", {})
        headers = told.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = told.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region") or ""
        text = f"The bucket is in {region}." if region else failure.message
        cure = "S3 does not lead there from the region of the deployment. See the bucket's name."
        return _said("failed", "The bucket is in another region", text, cure), False
    return _said(
        "failed", "The AppSpec cannot be read", failure.message, _cure(failure, revision)
    ), False


def _cure(failure: Failure, revision: Mapping[str, Any]) -> str:
    """Return what would allow it: on this one object, where IAM alone forbids it."""
    if failure.statement is None:
        return failure.cure
    denied = ACTION.search(failure.message)
    action = "s3:GetObjectVersion" if revision.get("version") else OPERATION
    if denied and denied[1].startswith("kms:"):
        return (
            f"Allow {denied[1]} to the credentials of this account, in their policy and in that of "
            "the key which encrypts the bundle."
        )
    where = f"arn:aws:s3:::{revision.get('bucket', '')}/{revision.get('key', '')}"
    return (
        f"Allow {denied[1] if denied else action} on {where} (or on all of the bucket) to the "
        "credentials of this account. Where they may not list the bucket (s3:ListBucket), S3 says "
        "the same of a bundle that is gone."
    )


def _place(revision: Mapping[str, Any]) -> str:
    return f"s3://{revision.get('bucket', '')}/{revision.get('key', '')}"


def _said(state: str, title: str, text: str = "", cure: str = "") -> dict[str, str]:
    return {"state": state, "title": title, "text": text, "cure": cure}
