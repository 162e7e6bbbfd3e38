"""Lines that a look has read, kept in Django's cache by chunks, cut in the middle when too long."""

import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

# How long what was read is kept after the last line came.
KEPT_SECONDS = 1800
CHUNK_LINES = 500
CHUNK_BYTES = 256_000


@dataclass(slots=True)
class Chunk:
    """A run of lines in the cache; `state` is the renderer's before the first of them."""

    first: int
    count: int = 0
    size: int = 0
    state: Any = None

    @property
    def next(self) -> int:
        """The number of the line after the last one."""
        return self.first + self.count


@dataclass(slots=True)
class Contents:
    """What a store knows of itself.

    next    how many lines were read so far, those left out too.
    token   where reading goes on.
    done    nothing more will come.
    note    what to say beside the lines: {"state", "title", "text", "cure"}, None for nothing;
            `noted` is how many lines were read when that last changed.
    waits   since when (epoch seconds) the reader waits for last lines, None while it does not.
    """

    run: str
    chunks: list[Chunk] = field(default_factory=list)
    token: str = ""
    done: bool = False
    note: dict[str, str] | None = None
    noted: int = -1
    waits: float | None = None

    def say(self, note: dict[str, str] | None) -> bool:
        """Change what is said beside the lines; False where it is said already."""
        if self.note == note:
            return False
        self.note, self.noted = note, self.next
        return True

    @property
    def next(self) -> int:
        """How many lines were read so far."""
        return self.chunks[-1].next if self.chunks else 0

    @property
    def kept(self) -> int:
        """How many of them are kept."""
        return sum(chunk.count for chunk in self.chunks)

    @property
    def left_out(self) -> int:
        """How many were dropped from the middle."""
        return self.next - self.kept


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive lines out of a store, or a gap of `missing` ones that begins at `first`."""

    first: int
    lines: Sequence[str] = ()
    state: Any = None
    missing: int = 0

    @property
    def next(self) -> int:
        """The number of the line after this part."""
        return self.first + len(self.lines) + self.missing


def no_state(_lines: Iterable[str], state: Any) -> Any:
    """Carry nothing from line to line."""
    return state


@dataclass(frozen=True, slots=True)
class LineStore:
    """Lines in the cache, by chunks; when full it keeps the first chunk and the newest ones.

    name       the cache keys' beginning, "look:log:12".
    max_lines  lines kept at most, and bytes, before packing.
    whole      who has all lines where some are left out here: "CloudWatch Logs", "" for nobody.
    after      (lines, state) -> the renderer's state after them, kept with each chunk so that any
               chunk can be rendered alone.
    """

    name: str
    max_lines: int
    max_bytes: int
    after: Callable[[Iterable[str], Any], Any] = no_state
    whole: str = ""

    def open(self) -> Contents | None:
        """Return what is there, None where nothing was read or the cache has forgotten it."""
        found = cache.get(f"{self.name}:contents")
        return found if isinstance(found, Contents) else None

    def begin(self) -> Contents:
        """Return fresh contents; what an earlier reading left is not mixed with it."""
        return Contents(run=secrets.token_hex(4))

    def save(self, contents: Contents) -> None:
        """Store what the store knows of itself."""
        cache.set(f"{self.name}:contents", contents, timeout=KEPT_SECONDS)

    def renew(self, contents: Contents) -> None:
        """Keep all of it for another while: somebody reads it."""
        cache.touch(f"{self.name}:contents", timeout=KEPT_SECONDS)
        for chunk in contents.chunks:
            cache.touch(self._key(contents, chunk), timeout=KEPT_SECONDS)

    def extend(self, contents: Contents, lines: Sequence[str]) -> None:
        """Append lines; older ones than fit are dropped from behind the first chunk."""
        changed: dict[str, bytes] = {}
        at = 0
        while at < len(lines):
            chunk, held = self._open_chunk(contents, changed)
            while at < len(lines) and chunk.count < CHUNK_LINES and chunk.size < CHUNK_BYTES:
                held.append(lines[at])
                chunk.count += 1
                chunk.size += len(lines[at]) + 1
                at += 1
            changed[self._key(contents, chunk)] = _packed(held)
        if changed:
            cache.set_many(changed, timeout=KEPT_SECONDS)
        self._shrink(contents)

    def parts(self, contents: Contents, first: int, limit: int) -> Iterator[Part]:
        """Yield up to `limit` lines from number `first` on, and the gaps between them."""
        left = limit
        at = max(0, first)
        for chunk in contents.chunks:
            if chunk.next <= at or left <= 0:
                continue
            if chunk.first > at:
                yield Part(at, missing=chunk.first - at)
                at = chunk.first
            lines = self._lines(contents, chunk)
            if lines is None:
                # The cache dropped it: as good as left out.
                yield Part(at, missing=chunk.next - at)
                at = chunk.next
                continue
            # Beyond the count stand lines of a writer who has not told of them, or was overtaken.
            lines = lines[: chunk.count]
            skipped = at - chunk.first
            taken = lines[skipped : skipped + left]
            if taken:
                yield Part(at, taken, self.after(lines[:skipped], chunk.state))
            at += len(taken)
            left -= len(taken)
            if left > 0 and at < chunk.next:
                yield Part(at, missing=chunk.next - at)
                at = chunk.next

    def _open_chunk(
        self, contents: Contents, changed: Mapping[str, bytes]
    ) -> tuple[Chunk, list[str]]:
        """Return the chunk that takes the next line, and the lines it has."""
        last = contents.chunks[-1] if contents.chunks else None
        if last is None:
            contents.chunks.append(Chunk(0))
            return contents.chunks[-1], []
        key = self._key(contents, last)
        held = _unpacked(changed[key]) if key in changed else self._lines(contents, last)
        whole = held is not None and len(held) >= last.count
        held = (held or [])[: last.count]
        if whole and last.count < CHUNK_LINES and last.size < CHUNK_BYTES:
            return last, held
        state = self.after(held, last.state)
        contents.chunks.append(Chunk(last.next, state=state))
        return contents.chunks[-1], []

    def _shrink(self, contents: Contents) -> None:
        """Drop chunks after the first until the rest fits; the newest one always stays."""
        chunks = contents.chunks
        lines = sum(chunk.count for chunk in chunks)
        size = sum(chunk.size for chunk in chunks)
        dropped: list[str] = []
        while len(chunks) > 2 and (lines > self.max_lines or size > self.max_bytes):
            chunk = chunks.pop(1)
            lines -= chunk.count
            size -= chunk.size
            dropped.append(self._key(contents, chunk))
        if dropped:
            cache.delete_many(dropped)

    def _lines(self, contents: Contents, chunk: Chunk) -> list[str] | None:
        packed = cache.get(self._key(contents, chunk))
        return None if packed is None else _unpacked(packed)

    def _key(self, contents: Contents, chunk: Chunk) -> str:
        return f"{self.name}:{contents.run}:{chunk.first}"


def _packed(lines: Sequence[str]) -> bytes:
    return zlib.compress("\n".join(lines).encode("utf-8", "surrogatepass"), 1)


def _unpacked(packed: bytes) -> list[str]:
    return zlib.decompress(packed).decode("utf-8", "surrogatepass").split("\n")
