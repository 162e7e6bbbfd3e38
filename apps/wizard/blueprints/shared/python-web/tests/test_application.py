"""What the application answers."""

import json
import unittest
from unittest import mock
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import application


def ask(path, method="GET", **query):
    environ = {}
    setup_testing_defaults(environ)
    environ |= {"PATH_INFO": path, "REQUEST_METHOD": method, "QUERY_STRING": urlencode(query)}
    said = {}

    def start_response(status, headers, exc_info=None):
        said.update(status=int(status.split()[0]), headers=dict(headers))
        return lambda data: None

    answer = validator(application.application)(environ, start_response)
    body = b"".join(answer).decode()
    answer.close()
    return said["status"], said["headers"], body


class Answers(unittest.TestCase):
    def test_it_says_that_it_is_well(self):
        status, _, body = ask("/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))

    def test_the_page_has_a_form_and_a_style(self):
        status, headers, body = ask("/")
        self.assertEqual(status, 200)
        self.assertIn("<form", body)
        self.assertNotIn("<table>", body)
        self.assertIn("style-src 'self'", headers["Content-Security-Policy"])
        self.assertEqual(ask("/style.css")[1]["Content-Type"], "text/css; charset=utf-8")

    def test_the_page_shows_the_times(self):
        status, _, body = ask("/", at="2026-03-02T15:00", zone="Europe/Berlin")
        self.assertEqual(status, 200)
        self.assertIn("<td>London</td><td>Mon 02 Mar, 14:00</td><td>yes</td>", body)
        self.assertIn('<option value="Europe/Berlin" selected>', body)

    def test_the_page_says_what_is_wrong(self):
        status, _, body = ask("/", at="noon", zone="Europe/Berlin")
        self.assertEqual(status, 422)
        self.assertIn('role="alert"', body)

    def test_hostile_values_stay_text(self):
        _, _, body = ask("/", at='"><script>alert(1)</script>', zone="<b>")
        self.assertNotIn("<script>", body)
        self.assertIn("&lt;script&gt;", body)

    def test_the_same_is_there_as_json(self):
        status, _, body = ask("/api/times", at="2026-03-02T15:00", zone="Europe/Berlin")
        times = {one["city"]: one for one in json.loads(body)["times"]}
        self.assertEqual((status, times["Tokyo"]["at"]), (200, "2026-03-02T23:00+09:00"))

    def test_json_names_the_fields_that_are_wrong(self):
        status, _, body = ask("/api/times")
        self.assertEqual((status, set(json.loads(body)["problems"])), (422, {"at", "zone"}))

    def test_unknown_paths_and_methods_are_refused(self):
        self.assertEqual(ask("/nowhere")[0], 404)
        status, headers, _ = ask("/", "POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_head_has_no_body(self):
        status, headers, body = ask("/health", "HEAD")
        self.assertEqual((status, body), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 0)

    def test_a_mistake_of_our_own_is_told_to_the_log_alone(self):
        broken = mock.Mock(side_effect=RuntimeError("secret"))
        with mock.patch.dict(application.ROUTES, {"/health": broken}), self.assertLogs():
            status, _, body = ask("/health")
        self.assertEqual(status, 500)
        self.assertNotIn("secret", body)


if __name__ == "__main__":
    unittest.main()
