"""Checks the pages of site/: well-formed, named, and every link and picture leads somewhere."""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parent / "site"
# Elements that have no end: https://html.spec.whatwg.org/#void-elements
VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}
# What the site's Content-Security-Policy (deploy/nginx.conf) would not let run.
FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form"}


class Page(HTMLParser):
    """What a page has, and what is wrong with how it is written."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.title = ""
        self._open: list[str] = []
        self._language = ""
        self.feed(text)
        self.close()
        self._judge(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        given = {name: value or "" for name, value in attrs}
        line = self.getpos()[0]
        if tag in FORBIDDEN:
            self.problems.append(f"line {line}: <{tag}> is not allowed here")
        if "style" in given or any(name.startswith("on") for name in given):
            self.problems.append(f"line {line}: <{tag}> has a style or a script of its own")
        if tag == "img" and "alt" not in given:
            self.problems.append(f"line {line}: this picture has no alt text")
        if tag == "html":
            self._language = given.get("lang", "")
        if given.get("id") in self.ids:
            self.problems.append(f"line {line}: the id {given['id']} is there twice")
        self.ids.add(given.get("id", ""))
        self.links.extend(given[name] for name in ("href", "src") if name in given)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open, or say that another is."""
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.problems.append(f"line {self.getpos()[0]}: </{tag}> closes nothing that is open")

    def handle_data(self, data: str) -> None:
        """Note the title."""
        if self._open[-1:] == ["title"]:
            self.title += data

    def _judge(self, text: str) -> None:
        if not text.lower().startswith("<!doctype html>"):
            self.problems.append("it does not begin with <!doctype html>")
        if not self._language:
            self.problems.append("<html> does not say which language it is in")
        if not self.title.strip():
            self.problems.append("it has no title")
        if self.headings.count(1) != 1:
            self.problems.append("it has not exactly one <h1>")
        self.problems.extend(f"<{tag}> is never closed" for tag in self._open)


def check(site: Path = SITE) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with a site."""
    pages = {
        path.relative_to(site): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    for needed in (Path("index.html"), Path("404.html")):
        if needed not in pages:
            yield f"{needed} is missing"
    for name, page in pages.items():
        yield from (f"{name}: {problem}" for problem in page.problems)
        for link in page.links:
            problem = _follow(site, pages, name, link)
            if problem:
                yield f"{name}: {link} {problem}"


def _follow(site: Path, pages: dict[Path, Page], name: Path, link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme == "https" or parts.scheme == "mailto":
        return ""
    if parts.scheme or parts.netloc:
        return "leads out of the site by something else than https"
    path = unquote(parts.path)
    target = site / path.lstrip("/") if path.startswith("/") else (site / name).parent / path
    if not path:
        target = site / name
    if path.endswith("/"):
        target /= "index.html"
    if not target.resolve().is_relative_to(site.resolve()) or not target.is_file():
        return "leads nowhere"
    page = pages.get(target.resolve().relative_to(site.resolve()))
    if parts.fragment and page is not None and parts.fragment not in page.ids:
        return "leads to a part that the page has not"
    return ""


if __name__ == "__main__":
    found = list(check())
    print("\n".join(found) or "The site is in order.")
    sys.exit(bool(found))
