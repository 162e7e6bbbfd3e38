"""Bundles to be read, and S3 that has them in a flight: with ranges, versions and ETags."""

import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.flight import Flight, _Raw

APPSPEC = """version: 0.0
os: linux
files:
  - source: app
    destination: /srv/shop
hooks:
  ApplicationStart:
    - location: scripts/start.sh
      timeout: 300
"""


def zipped(files: Mapping[str, str | bytes], **how: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **{"compression": zipfile.ZIP_DEFLATED, **how}) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, str], mode: str = "w:gz", **how: Any) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode, **how) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return made.getvalue()


@dataclass
class Bucket(Flight):
    """A flight whose S3 holds one object; `asked_for` are the headers of each request."""

    content: bytes = b""
    etag: str = "0123456789abcdef"
    asked_for: list[dict[str, str]] = field(default_factory=list)
    # An error instead: (status, code, further headers).
    refuses: tuple[int, str, dict[str, str]] | None = None
    message: str = "No"

    def answer(self, request: Any, event_name: str, **more: Any) -> AWSResponse:
        if ".s3." not in f"{event_name}.":
            return super().answer(request, event_name, **more)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        self.asked_for.append(headers | {"url": request.url})
        if self.refuses is None and headers.get("if-match", "") not in ("", f'"{self.etag}"'):
            return self._refusal(request, 412, "PreconditionFailed", {})
        if self.refuses is not None:
            return self._refusal(request, *self.refuses)
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", ""))
        told = {"etag": f'"{self.etag}"'}
        held = self.content
        if found:
            first, last = found.groups()
            whole = len(held)
            start = int(first) if first else max(0, whole - int(last))
            end = min(whole, int(last) + 1) if first and last else whole
            if start >= end:
                return self._refusal(request, 416, "InvalidRange", {})
            held = held[start:end]
            told["content-range"] = f"bytes {start}-{end - 1}/{whole}"
        told["content-length"] = str(len(held))
        return AWSResponse(request.url, 206 if found else 200, told, _Raw(held))

    def _refusal(
        self, request: Any, status: int, code: str, headers: dict[str, str]
    ) -> AWSResponse:
        body = f"<Error><Code>{code}</Code><Message>{self.message}</Message></Error>".encode()
        told = {"content-type": "application/xml", "content-length": str(len(body)), **headers}
        return AWSResponse(request.url, status, told, _Raw(body))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def revision(**more: str) -> dict[str, str]:
    """A revision in S3 as our rows hold it."""
    return {
        "type": "S3",
        "bucket": "artifacts",
        "key": "shop/7",
        "bundle_type": "zip",
        "version": "",
        "etag": "",
        **more,
    }
