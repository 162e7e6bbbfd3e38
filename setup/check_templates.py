"""Compiles every template of ours, and holds each to the content policy and its static files.

A template that no test renders would otherwise fail in front of a reader.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")

import django  # noqa: E402
from django.contrib.staticfiles import finders  # noqa: E402
from django.template import TemplateSyntaxError  # noqa: E402
from django.template.loader import get_template  # noqa: E402

# The content policy allows no inline script and no inline style.
FORBIDDEN = {
    what: re.compile(pattern, re.IGNORECASE)
    for what, pattern in (
        ("an inline script", r"<script(?![^>]*\ssrc=)(?![^>]*application/json)"),
        ("an inline style sheet", r"<style\b"),
        ("a style attribute", r"<[a-z][^<>]*\sstyle="),
        ("an event handler attribute", r"<[a-z][^<>]*\son[a-z]+="),
        ("a javascript: link", r"=[\"']?\s*javascript:"),
        (
            "a file from another server",
            r"<(?:script|link|img)\b[^>]*\s(?:src|href)=[\"']?(?:https?:)?//",
        ),
    )
}
DJANGO = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}")
STATIC = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")


def template_folders() -> list[Path]:
    """The project's template folder and each app's."""
    return [ROOT / "templates", *sorted((ROOT / "apps").glob("**/templates"))]


def complaints(folder: Path, file: Path) -> Iterator[str]:
    """What is wrong with one template, if anything."""
    if file.suffix == ".html":
        text = file.read_text(encoding="utf-8")
        html = DJANGO.sub(lambda tag: "_" * len(tag[0]), text)
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(html):
                yield f"line {text.count(chr(10), 0, match.start()) + 1}: {what}"
        for name in STATIC.findall(text):
            if finders.find(name) is None:
                yield f"static file {name!r} does not exist"
    try:
        get_template(file.relative_to(folder).as_posix())
    except TemplateSyntaxError as error:
        yield f"does not compile: {error}"


def main() -> int:
    """Print each complaint as `file: complaint`; 1 if there is one."""
    django.setup()
    found = 0
    for folder in template_folders():
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            for complaint in complaints(folder, file):
                print(f"{file.relative_to(ROOT)}: {complaint}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
