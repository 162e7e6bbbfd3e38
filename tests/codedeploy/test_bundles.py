"""An AppSpec is found in a bundle of any kind in few bytes, and nothing hostile harms who looks."""

import contextlib
import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from typing import Any

import pytest

from apps.codedeploy import archives, bundle
from apps.codedeploy.archives import MOST, UnreadableError
from tests.codedeploy.bundles import APPSPEC, Bucket, revision, tarred, zipped


def of_zip(content: bytes) -> str:
    """The AppSpec as it is read with S3's own ranges."""
    tail = content[-archives.TAIL :]
    read = archives.from_zip(tail, len(content), lambda start, end: content[start:end])
    return read.decode()


def said(call: Any) -> str:
    with pytest.raises(UnreadableError) as raised:
        call()
    return f"{raised.value.title}: {raised.value.text}"


@pytest.mark.parametrize("how", [{}, {"compression": zipfile.ZIP_STORED}])
def test_an_appspec_in_the_root_of_a_zip_is_found(how):
    files = {"a.txt": "x", "deep/appspec.yml": "no", "appspec.yml": APPSPEC, "z.txt": "y"}
    assert of_zip(zipped(files, **how)) == APPSPEC


def test_yml_comes_before_yaml_and_json_and_the_last_of_one_name_counts():
    assert of_zip(zipped({"appspec.json": "{}", "appspec.yaml": "a", "appspec.yml": "b"})) == "b"
    assert of_zip(zipped({"./appspec.yaml": "a", "appspec.json": "{}"})) == "a"
    made = io.BytesIO(zipped({"appspec.yml": "first"}))
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("appspec.yml", "last")
    assert of_zip(made.getvalue()) == "last"


def test_a_zip_with_something_in_front_a_comment_behind_or_many_files_is_read():
    made = zipped({"appspec.yml": APPSPEC})
    assert of_zip(b"#!/bin/sh\n" * 100 + made) == APPSPEC
    commented = made[:-2] + struct.pack("<H", 5000) + b"c" * 5000
    assert of_zip(commented) == APPSPEC
    many = {f"node_modules/{n:06}/index.js": "" for n in range(70_000)}
    # More files than 16 bits count: that is a zip64.
    assert of_zip(zipped({"appspec.yml": APPSPEC, **many}, compression=zipfile.ZIP_STORED)) == (
        APPSPEC
    )


def test_a_member_with_a_longer_head_than_its_entry_says_is_read_again():
    content = zlib.compress(APPSPEC.encode())[2:-4]
    extra = b"\x99\x99" + struct.pack("<H", 9000) + b"e" * 9000
    name = b"appspec.yml"
    head = b"PK\x03\x04" + struct.pack(
        "<HHHHHLLLHH", 20, 0, 8, 0, 0, 0, len(content), len(APPSPEC), len(name), len(extra)
    )
    member = head + name + extra + content
    entry = b"PK\x01\x02" + struct.pack(
        "<HHHHHHLLLHHHHHLL",
        *(20, 20, 0, 8, 0, 0, 0, len(content), len(APPSPEC), len(name), 0, 0, 0, 0, 0, 0),
    )
    directory = entry + name
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(directory), len(member), 0)
    assert of_zip(member + directory + end) == APPSPEC


def test_what_is_no_zip_or_a_damaged_one_is_told():
    made = zipped({"appspec.yml": APPSPEC})
    assert "no zip" in said(lambda: of_zip(b"x" * 200_000))
    assert "no zip" in said(lambda: of_zip(b""))
    for at in range(0, len(made), 3):
        harmed = made[:at] + bytes([made[at] ^ 0xFF]) + made[at + 1 :]
        # Whatever is harmed: it is told, or what is found is handed on as it is.
        with contextlib.suppress(UnreadableError, UnicodeDecodeError):
            assert len(of_zip(harmed)) <= MOST
    for size in range(len(made)):
        said(lambda size=size: of_zip(made[:size]))


def test_a_zip_that_lies_about_its_sizes_is_not_unpacked():
    bomb = bytearray(zipped({"appspec.yml": b"\0" * (MOST * 5)}))
    assert "unpacks" not in said(lambda: of_zip(bytes(bomb)))
    assert "would take too much" in said(lambda: of_zip(bytes(bomb)))
    # Says it is small, and unpacks to more.
    at = bomb.rfind(b"PK\x01\x02")
    struct.pack_into("<L", bomb, at + 24, 10)
    assert "unpacks to more than" in said(lambda: of_zip(bytes(bomb)))
    # A directory that is as large as a disk.
    end = bomb.rfind(b"PK\x05\x06")
    struct.pack_into("<L", bomb, end + 12, 0xFFFFFFF0)
    assert "directory of" in said(lambda: of_zip(bytes(bomb)))


def test_an_encrypted_or_strangely_packed_appspec_is_told():
    made = bytearray(zipped({"appspec.yml": APPSPEC}))
    at = made.rfind(b"PK\x01\x02")
    struct.pack_into("<H", made, at + 8, 1)
    assert "encrypted" in said(lambda: of_zip(bytes(made)))
    assert "method 14" in said(lambda: of_zip(zipped({"appspec.yml": "x"}, compression=14)))


@pytest.mark.parametrize(
    "files",
    [
        {"app/appspec.yml": APPSPEC},
        {"../appspec.yml": APPSPEC, "/appspec.yml": APPSPEC, "appspec.yml/": ""},
        {"Appspec.yml": APPSPEC, "appspec.yml.bak": APPSPEC},
        {},
    ],
)
def test_an_appspec_that_is_not_in_the_root_is_none(files):
    assert "no AppSpec in its root" in said(lambda: of_zip(zipped(files)))
    held = {name: content for name, content in files.items() if not name.endswith("/")}
    assert "no AppSpec in its root" in said(lambda: archives.from_tar([tarred(held)]))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("kind", ["pax", "gnu", "ustar"])
def test_an_appspec_in_the_root_of_a_tar_is_found_as_its_bytes_come(mode, kind):
    formats = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}
    long = f"{'d/' * 60}appspec.yml"
    made = tarred(
        {"a" * 30: "x" * 9000, long: "no", "./appspec.yml": APPSPEC, "z": "z" * 10},
        mode,
        format=formats[kind],
    )
    for size in (1, 7, 512, 1 << 20):
        chunks = (made[at : at + size] for at in range(0, len(made), size))
        assert archives.from_tar(chunks).decode() == APPSPEC


def test_a_tar_is_read_no_further_than_its_appspec():
    made = tarred({"appspec.yml": APPSPEC, "z": "z" * 100_000}, "w")

    def chunks() -> Any:
        yield made[:4096]
        raise AssertionError("read on")

    assert archives.from_tar(chunks()).decode() == APPSPEC


def test_gzips_one_after_the_other_are_one_and_what_fills_up_is_left():
    made = tarred({"a": "a" * 5000, "appspec.yml": APPSPEC}, "w")
    parts = gzip.compress(made[:3000]) + gzip.compress(made[3000:]) + b"\0" * 1000
    assert archives.from_tar([parts]).decode() == APPSPEC


def test_what_is_no_tar_or_a_damaged_one_is_told():
    assert "no tar" in said(lambda: archives.from_tar([b"x" * 5000]))
    assert "gzip is damaged" in said(lambda: archives.from_tar([b"\x1f\x8b" + b"x" * 5000]))
    assert "no AppSpec" in said(lambda: archives.from_tar([]))
    made = tarred({"appspec.yml": APPSPEC}, "w")
    assert "ends in the middle" in said(lambda: archives.from_tar([made[:600]]))
    big = tarred({"appspec.yml": "x" * (MOST + 1)}, "w")
    assert "would take too much" in said(lambda: archives.from_tar([big]))


def test_a_tar_that_unpacks_without_end_is_left(monkeypatch):
    monkeypatch.setattr(archives, "MOST_UNPACKED", 3_000_000)
    bomb = tarred({"zeros": "\0" * 20_000_000, "appspec.yml": APPSPEC})
    assert len(bomb) < 100_000
    assert "would take too much" in said(lambda: archives.from_tar([bomb]))


# --- Out of S3 ------------------------------------------------------------------------------------


def test_of_a_large_zip_two_ranges_are_read():
    noise = {"big.bin": bytes(range(256)) * 4000}
    flight = Bucket(
        content=zipped({"appspec.yml": APPSPEC, **noise}, compression=zipfile.ZIP_STORED)
    )
    assert bundle.read(flight.reach(), revision(etag="0123456789abcdef")) == APPSPEC
    ranges = [one["range"] for one in flight.asked_for]
    assert ranges[0] == f"bytes=-{archives.TAIL}"
    assert len(ranges) == 2
    assert {one["if-match"] for one in flight.asked_for} == {'"0123456789abcdef"'}


def test_a_version_is_asked_for_by_its_id_and_without_any_the_same_object_is_read_on():
    content = zipped({"appspec.yml": APPSPEC, "big": b"x" * 200_000}, compression=0)
    flight = Bucket(content=content)
    assert bundle.read(flight.reach(), revision(version="v7", etag="other")) == APPSPEC
    assert all("versionId=v7" in one["url"] for one in flight.asked_for)
    assert not any("if-match" in one for one in flight.asked_for)
    flight = Bucket(content=content)
    assert bundle.read(flight.reach(), revision()) == APPSPEC
    assert "if-match" not in flight.asked_for[0]
    assert flight.asked_for[1]["if-match"] == '"0123456789abcdef"'


@pytest.mark.parametrize("kind", ["tar", "tgz"])
def test_a_tar_is_streamed_up_to_a_bound(kind, monkeypatch):
    mode = "w" if kind == "tar" else "w:gz"
    flight = Bucket(content=tarred({"x": "x" * 9000, "appspec.yml": APPSPEC}, mode))
    assert bundle.read(flight.reach(), revision(bundle_type=kind)) == APPSPEC
    monkeypatch.setattr(bundle, "MOST_STREAMED", 1000)
    monkeypatch.setattr(bundle, "CHUNK", 100)
    flight = Bucket(content=tarred({"x": "x" * 9000, "appspec.yml": APPSPEC}, "w"))
    assert "no directory" in said(lambda: bundle.read(flight.reach(), revision(bundle_type="tar")))
    monkeypatch.setattr(bundle, "PATIENCE", -1.0)
    assert "too slow" in said(lambda: bundle.read(flight.reach(), revision(bundle_type="tar")))


def test_an_object_that_is_the_appspec_is_shown_and_any_other_file_is_not():
    one = revision(bundle_type="YAML")
    assert bundle.read(Bucket(content=APPSPEC.encode()).reach(), one) == APPSPEC
    told = '{"Resources": [], "version": 0.0}'
    assert bundle.read(Bucket(content=told.encode()).reach(), one) == told


@pytest.mark.parametrize(
    "content",
    [
        "database:\n  host: db\nconversion: 1\n",
        '{"version": 4, "terraform_version": "1.9.0", "resources": [{"type": "aws_db_instance"}]}',
        'version: "3.8"\nservices:\n  web:\n    image: web\n',
        '{"name": "shop", "version": "0.0.0", "files": ["dist"]}',
        "version: 0.0\n",
        "- version: 0.0\n- files: []\n",
        "version: [0.0\nfiles: &a [*a, *b]",
        "[" * 5_000,
    ],
)
def test_a_file_that_is_no_appspec_is_not_shown(content: str):
    bucket = Bucket(content=content.encode())
    assert "no AppSpec" in said(lambda: bundle.read(bucket.reach(), revision(bundle_type="YAML")))


def test_one_that_is_too_long_or_of_a_type_that_nobody_knows_is_not_shown():
    one = revision(bundle_type="YAML")
    long = Bucket(content=b"version: 0.0\n" + b"#" * MOST)
    assert "would take too much" in said(lambda: bundle.read(long.reach(), one))
    assert "type rpm" in said(lambda: bundle.read(long.reach(), revision(bundle_type="rpm")))


DENIED = (
    "User: arn:aws:iam::111122223333:user/dash is not authorized to perform: {} on resource: x "
    "because no identity-based policy allows the {} action"
)


@pytest.mark.parametrize(
    ("refuses", "message", "title", "cure", "done"),
    [
        ((404, "NoSuchKey", {}), "", "no longer in S3", "lifecycle rule", True),
        ((404, "NoSuchBucket", {}), "", "no longer in S3", "lifecycle rule", True),
        ((405, "MethodNotAllowed", {}), "", "no longer in S3", "lifecycle rule", True),
        ((412, "PreconditionFailed", {}), "", "overwritten", "versioning", True),
        ((416, "InvalidRange", {}), "", "empty", "", True),
        ((403, "InvalidObjectState", {}), "archived", "archived", "Restore", False),
        (
            (403, "AccessDenied", {}),
            "Access Denied",
            "cannot be read",
            "s3:GetObject on arn",
            False,
        ),
        (
            (403, "AccessDenied", {}),
            DENIED.format("s3:GetObject", "s3:GetObject"),
            "cannot be read",
            "s3:GetObject on arn:aws:s3:::artifacts/shop/7",
            False,
        ),
        (
            (403, "AccessDenied", {}),
            DENIED.format("kms:Decrypt", "kms:Decrypt"),
            "cannot be read",
            "Allow kms:Decrypt to the credentials of this account, in their policy and in that of",
            False,
        ),
        (
            (301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"}),
            "elsewhere",
            "in another region",
            "does not lead there",
            False,
        ),
        ((400, "InvalidRequest", {}), "SSE-C", "cannot be read", "refuses this call", False),
    ],
)
def test_each_refusal_is_a_sentence_with_its_cure(refuses, message, title, cure, done):
    flight = Bucket(refuses=refuses, message=message)
    one = revision()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever botocore raises
        bundle.read(flight.reach(attempts=1), one)
    note, over = bundle.why(raised.value, one)
    assert title in note["title"]
    assert cure in note["cure"]
    assert over is done
    assert bool(note["text"]) or done


def test_a_version_that_is_denied_names_the_permission_of_versions():
    flight = Bucket(refuses=(403, "AccessDenied", {}), message="Access Denied")
    one = revision(version="v7")
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever botocore raises
        bundle.read(flight.reach(attempts=1), one)
    assert "s3:GetObjectVersion on arn" in bundle.why(raised.value, one)[0]["cure"]


def test_a_bucket_elsewhere_is_read_where_s3_says_that_it_is():
    class Elsewhere(Bucket):
        def answer(self, request: Any, event_name: str, **more: Any) -> Any:
            away = ".us-east-2." not in request.url
            self.refuses = (
                (301, "PermanentRedirect", {"x-amz-bucket-region": "us-east-2"}) if away else None
            )
            return super().answer(request, event_name, **more)

    flight = Elsewhere(content=zipped({"appspec.yml": APPSPEC}))
    assert bundle.read(flight.reach(), revision()) == APPSPEC
    assert ".us-east-2." in flight.asked_for[-1]["url"]


def test_an_answer_without_ranges_of_something_long_is_told():
    class Dumb(Bucket):
        def answer(self, request: Any, event_name: str, **more: Any) -> Any:
            request.headers.pop("Range", None)
            return super().answer(request, event_name, **more)

    flight = Dumb(content=zipped({"appspec.yml": APPSPEC, "x": b"x" * 99_000}, compression=0))
    assert "a part of an object" in said(lambda: bundle.read(flight.reach(), revision()))
    small = Dumb(content=zipped({"appspec.yml": APPSPEC}))
    assert bundle.read(small.reach(), revision()) == APPSPEC


def test_a_connection_that_breaks_while_it_is_read_is_told_and_asked_for_again():
    class Broken(Bucket):
        def answer(self, *args: Any, **more: Any) -> Any:
            answer = super().answer(*args, **more)
            answer.raw.read = lambda *_: (_ for _ in ()).throw(OSError("reset"))
            return answer

    flight = Broken(content=zipped({"appspec.yml": APPSPEC}))
    with pytest.raises(OSError, match="reset") as raised:
        bundle.read(flight.reach(), revision())
    note, over = bundle.why(raised.value, revision())
    assert (note["title"], over) == ("The AppSpec cannot be read", False)
