"""Finds an AppSpec in a bundle without unpacking that: a zip has a directory, a tar heads.

Pure functions over bytes; nothing goes to disk, and nothing in a bundle is believed: sizes are
bounded before anything is read, and what unpacks to more than that is left. The standard library's
readers keep no such bounds: zipfile holds an object for each of a bundle's files, tarfile whatever
a head claims to need.

https://docs.aws.amazon.com/codedeploy/latest/userguide/application-revisions-appspec-file.html
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from . import masking

# What CodeDeploy takes for an AppSpec, in the root of a bundle; the first that is there.
NAMES = ("appspec.yml", "appspec.yaml", "appspec.json")
MOST = masking.MOST
# A zip's end is somewhere in its last bytes: there may be a comment behind it.
TAIL = 22 + 65_535
# The directory of a zip of some 200,000 files.
MOST_DIRECTORY = 16_000_000
# What is read beyond a member, for a head that is longer than its entry in the directory says.
SLACK = 4_096
# Of a tar, unpacked: whatever comes after that is not looked at.
MOST_UNPACKED = 500_000_000
PIECE = 1_000_000
BLOCK = 512
GZIP = b"\x1f\x8b"

END, END_64, LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
ENTRY, MEMBER = b"PK\x01\x02", b"PK\x03\x04"
STORED, DEFLATED = 0, 8
ENCRYPTED = 1
# Stands for a number that does not fit.
UNSAID = 0xFFFFFFFF

# (start, end) -> the bytes of the object from `start` up to `end`.
Read = Callable[[int, int], bytes]


class UnreadableError(Exception):
    """There is no AppSpec to show: `title` says why, `cure` what to do, "" for nothing."""

    def __init__(self, title: str, text: str = "", cure: str = "") -> None:
        super().__init__(title)
        self.title, self.text, self.cure = title, text, cure


def missing() -> UnreadableError:
    """There is none where CodeDeploy looks for it."""
    return UnreadableError(
        "The bundle has no AppSpec in its root",
        f"CodeDeploy looks for {NAMES[0]} (or .yaml, .json) at the top of the bundle, not in a "
        "folder of it.",
        "Pack the files themselves and not the folder that they are in.",
    )


def too_long(what: str) -> UnreadableError:
    """It is longer than we read."""
    return UnreadableError(
        "The AppSpec was not read: it would take too much", what, "Download the bundle to see it."
    )


def broken(what: str) -> UnreadableError:
    """The bundle is not of the type that its revision says."""
    return UnreadableError(
        "The bundle cannot be read", what, "See whether the revision names the right bundle type."
    )


class Entry(NamedTuple):
    """A file in a zip's directory."""

    name: str
    flags: int
    method: int
    packed: int
    size: int
    at: int


# --- zip ------------------------------------------------------------------------------------------


def from_zip(tail: bytes, whole: int, read: Read) -> bytes:
    """Return the AppSpec of a zip of `whole` bytes, of which `tail` are the last.

    Raises UnreadableError, and what `read` raises: it is asked once for the directory, where that
    is not in the tail, and once or twice for the member.
    """
    base = whole - len(tail)

    def take(start: int, end: int) -> bytes:
        if not 0 <= start <= end <= whole:
            raise broken("The directory of the zip names bytes that are not there.")
        return tail[start - base : end - base] if start >= base else read(start, end)

    directory, shift = _directory(tail, base, take)
    found: dict[str, Entry] = {}
    for entry in _entries(directory):
        # Of several of one name the last one is unpacked over the others.
        if in_root(entry.name):
            found[in_root(entry.name)] = entry
    chosen = next((found[name] for name in NAMES if name in found), None)
    if chosen is None:
        raise missing()
    return _member(chosen, shift, whole, take)


def in_root(name: str) -> str:
    """Return the name of an AppSpec in the root, "" for any other file."""
    bare = name.removeprefix("./")
    return bare if bare in NAMES else ""


def _directory(tail: bytes, base: int, take: Read) -> tuple[bytes, int]:
    """Return the directory, and by how much all offsets are to be shifted (what is in front)."""
    at = tail.rfind(END)
    if at < 0 or at + 22 > len(tail):
        raise broken("It is no zip: its end has no directory.")
    size, offset = struct.unpack_from("<LL", tail, at + 12)
    end = base + at
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(LOCATOR_64):
        # The long form stands right before its locator, whatever is in front of the archive.
        end = base + at - 20 - 56
        said = take(end, end + 56) if end >= 0 else b""
        if not said.startswith(END_64):
            raise broken("The zip has no readable directory.")
        size, offset = struct.unpack_from("<QQ", said, 40)
    if size > MOST_DIRECTORY:
        raise too_long(f"The bundle has a directory of {size:,} bytes.")
    start = end - size
    if start < 0 or start < offset:
        raise broken("The zip has no readable directory.")
    return take(start, end), start - offset


def _entries(directory: bytes) -> Iterator[Entry]:
    at = 0
    while at + 46 <= len(directory):
        if directory[at : at + 4] != ENTRY:
            raise broken("The directory of the zip is damaged.")
        flags, method = struct.unpack_from("<HH", directory, at + 8)
        packed, size, named, extra, comment = struct.unpack_from("<LLHHH", directory, at + 20)
        (offset,) = struct.unpack_from("<L", directory, at + 42)
        name = directory[at + 46 : at + 46 + named]
        more = directory[at + 46 + named : at + 46 + named + extra]
        at += 46 + named + extra + comment
        # Names are as long as their makers like: only short ones are looked at.
        if len(name) > len("./") + max(map(len, NAMES)):
            continue
        size, packed, offset = _wide(more, size, packed, offset)
        yield Entry(name.decode("utf-8", "replace"), flags, method, packed, size, offset)


def _wide(extra: bytes, *numbers: int) -> tuple[int, ...]:
    """Return numbers that do not fit into 32 bits from where a zip has them instead."""
    if UNSAID not in numbers:
        return numbers
    at = 0
    while at + 4 <= len(extra):
        field, size = struct.unpack_from("<HH", extra, at)
        if field == 1:
            held = extra[at + 4 : at + 4 + size]
            values = iter(struct.unpack_from(f"<{len(held) // 8}Q", held))
            return tuple(next(values, one) if one == UNSAID else one for one in numbers)
        at += 4 + size
    return numbers


def _member(entry: Entry, shift: int, whole: int, take: Read) -> bytes:
    if entry.flags & ENCRYPTED:
        raise broken(f"{entry.name} is encrypted.")
    if entry.method not in (STORED, DEFLATED):
        raise broken(f"{entry.name} is packed in a way (method {entry.method}) we cannot read.")
    if entry.size > MOST or entry.packed > MOST + SLACK:
        raise too_long(f"{entry.name} has {max(entry.size, entry.packed):,} bytes.")
    start = entry.at + shift
    held = take(start, min(whole, start + 30 + len(entry.name) + entry.packed + SLACK))
    if len(held) < 30 or not held.startswith(MEMBER):
        raise broken(f"{entry.name} is not where the directory of the zip says.")
    named, extra = struct.unpack_from("<HH", held, 26)
    begin, end = 30 + named + extra, 30 + named + extra + entry.packed
    if len(held) < end:
        held = take(start, start + end)
    packed = held[begin:end]
    return packed if entry.method == STORED else _inflated(entry.name, packed)


def _inflated(name: str, packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacking.decompress(packed, MOST + 1)
    except zlib.error:
        raise broken(f"{name} is damaged.") from None
    if len(content) > MOST:
        raise too_long(f"{name} unpacks to more than {MOST:,} bytes.")
    if not unpacking.eof:
        raise broken(f"{name} is damaged.")
    return content


# --- tar ------------------------------------------------------------------------------------------


def from_tar(chunks: Iterable[bytes]) -> bytes:
    """Return the AppSpec of a tar, packed by gzip or not, as its bytes come.

    Raises UnreadableError, and what `chunks` raises. What is behind the AppSpec is not asked for.
    """
    stream = _Stream(_unpacked(iter(chunks)))
    while head := stream.take(BLOCK):
        if not head.strip(b"\0"):
            break
        if len(head) < BLOCK or not _is_head(head):
            raise broken("It is no tar: what stands where a file's head should be is none.")
        size = _number(head[124:136])
        name = in_root(_name(head))
        if name and head[156:157] in (b"0", b"\0", b"7"):
            if size > MOST:
                raise too_long(f"{name} has {size:,} bytes.")
            content = stream.take(size)
            if len(content) < size:
                raise broken(f"The bundle ends in the middle of {name}.")
            return content
        stream.skip(-(-size // BLOCK) * BLOCK)
    raise missing()


class _Stream:
    """Bytes in order; holds no more than is taken at once and a piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._passed = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        return b"".join(self._next(size))

    def skip(self, size: int) -> None:
        """Pass over the next bytes."""
        for _ in self._next(size):
            pass

    def _next(self, size: int) -> Iterator[bytes]:
        while size > 0:
            if not self._held:
                self._held = next(self._pieces, b"")
                self._passed += len(self._held)
                if not self._held:
                    return
                if self._passed > MOST_UNPACKED:
                    raise too_long(
                        f"It is not in the first {MOST_UNPACKED:,} bytes of what is in the bundle."
                    )
            piece, self._held = self._held[:size], self._held[size:]
            size -= len(piece)
            yield piece


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip has packed, a piece at a time; anything else as it is."""
    first = next(chunks, b"")
    while len(first) < len(GZIP) and (more := next(chunks, b"")):
        first += more
    if not first.startswith(GZIP):
        yield from filter(None, chain([first], chunks))
        return
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for chunk in chain([first], chunks):
            left = chunk
            while left:
                if unpacking.eof:
                    # Behind a part comes another one, or what fills up a tape.
                    if not left.startswith(GZIP[: len(left)]):
                        return
                    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
                if piece := unpacking.decompress(left, PIECE):
                    yield piece
                left = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    except zlib.error:
        raise broken("Its gzip is damaged.") from None


def _is_head(head: bytes) -> bool:
    """Whether a block's checksum is right."""
    try:
        said = int(head[148:156].replace(b"\0", b" ").strip() or b"0", 8)
    except ValueError:
        return False
    return said == sum(head[:148]) + sum(head[156:]) + 8 * ord(" ")


def _number(said: bytes) -> int:
    """Return a size in octal digits or, where it is too big for them, in bytes."""
    if said[0] & 0x80:
        return int.from_bytes(bytes([said[0] & 0x7F]) + said[1:], "big")
    try:
        return max(0, int(said.replace(b"\0", b" ").strip() or b"0", 8))
    except ValueError:
        raise broken("It is no tar: a file in it has no size.") from None


def _name(head: bytes) -> str:
    name = head[:100].split(b"\0")[0]
    folder = head[345:500].split(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    whole = b"/".join((folder, name)) if folder else name
    return whole.decode("utf-8", "replace")
