"""What the function answers."""

import base64
import json
import unittest
from unittest import mock

from service import handler

from .test_quotes import PARCEL


def ask(method, path, body=None, **more):
    answer = handler.handle(
        {"requestContext": {"http": {"method": method}}, "rawPath": path, "body": body, **more}
    )
    return answer["statusCode"], json.loads(answer["body"])


class Answers(unittest.TestCase):
    def test_it_says_that_it_is_well(self):
        status, body = ask("GET", "/health")
        self.assertEqual((status, body["status"]), (200, "ok"))

    def test_it_quotes_a_price(self):
        status, body = ask("POST", "/quotes", json.dumps(PARCEL))
        self.assertEqual((status, body["price"], body["currency"]), (200, "6.50", "EUR"))

    def test_it_reads_a_body_that_came_as_base64(self):
        encoded = base64.b64encode(json.dumps(PARCEL).encode()).decode()
        self.assertEqual(ask("POST", "/quotes", encoded, isBase64Encoded=True)[0], 200)

    def test_it_tells_all_that_is_wrong_with_a_parcel(self):
        status, body = ask("POST", "/quotes", json.dumps(PARCEL | {"zone": "moon", "weight_kg": 0}))
        self.assertEqual((status, set(body["problems"])), (422, {"zone", "weight_kg"}))

    def test_what_is_no_json_is_refused(self):
        for body in (None, "", "{", "[" * 5000):
            with self.subTest(body=body):
                self.assertEqual(ask("POST", "/quotes", body)[0], 400)
        self.assertEqual(ask("POST", "/quotes", "%%%", isBase64Encoded=True)[0], 400)

    def test_what_is_too_much_is_refused(self):
        self.assertEqual(ask("POST", "/quotes", " " * 10_001)[0], 413)

    def test_unknown_paths_and_methods_say_what_there_is(self):
        status, body = ask("GET", "/nowhere")
        self.assertEqual((status, body["routes"]), (404, ["/health", "/quotes", "/zones"]))
        status, body = ask("DELETE", "/quotes")
        self.assertEqual((status, body["methods"]), (405, ["POST"]))

    def test_every_zone_can_be_quoted(self):
        for zone in ask("GET", "/zones")[1]["zones"]:
            self.assertEqual(
                ask("POST", "/quotes", json.dumps(PARCEL | {"zone": zone["name"]}))[0], 200
            )

    def test_a_mistake_of_our_own_reaches_the_alarm_and_the_log(self):
        with mock.patch.dict(handler.ROUTES, {"/zones": {"GET": mock.Mock(side_effect=KeyError)}}):
            with self.assertLogs(level="ERROR"), self.assertRaises(KeyError):
                ask("GET", "/zones")


if __name__ == "__main__":
    unittest.main()
