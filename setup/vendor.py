"""Copies the front-end files we serve from node_modules into static/vendor, which git ignores.

Run by setup/ensure after `npm ci`. Only what a page loads is copied, with each package's licence.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"

# Folder in static/vendor -> the package it comes from and {file or glob in it: name there}.
# A glob keeps its own names, in the folder given.
FILES: dict[str, tuple[str, dict[str, str]]] = {
    "idiomorph": (
        "idiomorph",
        {"dist/idiomorph.min.js": "idiomorph.min.js", "LICENSE": "LICENSE"},
    ),
    "inter": (
        "@fontsource-variable/inter",
        {"wght.css": "inter.css", "files/*-wght-normal.woff2": "files/", "LICENSE": "LICENSE"},
    ),
}

# Manifest storage follows these comments and fails on the maps, which we don't serve.
SOURCE_MAP = re.compile(rb"(//[#@]\s*sourceMappingURL=[^\n]*|/\*[#@]\s*sourceMappingURL=.*?\*/)")


def copy_package(folder: str, package: str, files: dict[str, str]) -> None:
    """Copy one package's files; a pattern that matches nothing ends the run with its name."""
    for pattern, target in files.items():
        found = sorted((NODE_MODULES / package).glob(pattern))
        if not found:
            sys.exit(f"{package} holds no {pattern}: has the package's layout changed?")
        for source in found:
            name = target + source.name if target.endswith("/") else target
            place = VENDOR / folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_bytes()
            if source.suffix in {".js", ".css"}:
                content = SOURCE_MAP.sub(b"", content)
            place.write_bytes(content)


def main() -> None:
    """Replace static/vendor; its `.installed` says which lock file it was made from."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for folder, (package, files) in FILES.items():
        copy_package(folder, package, files)
    shutil.copyfile(ROOT / "package-lock.json", VENDOR / ".installed")


if __name__ == "__main__":
    main()
