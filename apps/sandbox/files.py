"""Files as stages and builds hand them on, and the zip that holds them."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Path → content.
Files = dict[str, bytes]
#: The oldest time that a zip can tell.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip, the same bytes for the same files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unpacked(content: bytes) -> Files | None:
    """The files of a zip; None for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {
                one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()
            }
    except zipfile.BadZipFile:
        return None
