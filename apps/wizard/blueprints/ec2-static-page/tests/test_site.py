"""The site is in order, and its check would tell if it were not."""

import tempfile
import unittest
from pathlib import Path

from check_site import SITE, Page, check

GOOD = (
    '<!doctype html>\n<html lang="en"><head><title>T</title></head><body><h1>H</h1>{}</body></html>'
)


class TheSite(unittest.TestCase):
    def test_it_is_in_order(self):
        self.assertEqual(list(check()), [])

    def test_every_page_has_a_title_of_its_own(self):
        titles = [Page(path.read_text(encoding="utf-8")).title for path in SITE.rglob("*.html")]
        self.assertGreaterEqual(len(titles), 3)
        self.assertEqual(len(titles), len(set(titles)))


class TheCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.site = Path(folder.name)
        for name in ("index.html", "404.html", "other/index.html"):
            path = self.site / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(GOOD.format('<p id="here"></p>'))

    def found(self, body):
        (self.site / "index.html").write_text(GOOD.format(body))
        return list(check(self.site))

    def test_good_links_lead_somewhere(self):
        good = (
            "/",
            "/other/",
            "other/#here",
            "404.html",
            "https://example.com/",
            "mailto:a@example.com",
        )
        for link in good:
            with self.subTest(link=link):
                self.assertEqual(self.found(f'<a href="{link}">x</a>'), [])

    def test_bad_links_are_named(self):
        for link in (
            "/nowhere",
            "/other/#gone",
            "../../etc/passwd",
            "http://example.com/",
            "//example.com/",
        ):
            with self.subTest(link=link):
                (problem,) = self.found(f'<a href="{link}">x</a>')
                self.assertIn(link, problem)

    def test_a_picture_needs_words_and_a_file(self):
        self.assertEqual(len(self.found('<img src="/gone.png">')), 2)

    def test_what_is_not_closed_or_not_open_is_named(self):
        self.assertTrue(self.found("<p>"))
        self.assertTrue(self.found("</p>"))

    def test_scripts_and_styles_are_refused(self):
        for body in ("<script></script>", '<p style="x"></p>', '<p onclick="x"></p>'):
            with self.subTest(body=body):
                self.assertEqual(len(self.found(body)), 1)

    def test_an_id_is_there_once(self):
        self.assertEqual(len(self.found('<p id="a"></p><p id="a"></p>')), 1)

    def test_a_page_says_what_it_is(self):
        (self.site / "index.html").write_text("<html><body></body></html>")
        self.assertEqual(len(list(check(self.site))), 4)

    def test_the_pages_that_the_web_server_needs_are_there(self):
        (self.site / "404.html").unlink()
        self.assertEqual(list(check(self.site)), ["404.html is missing"])


if __name__ == "__main__":
    unittest.main()
