"""What a parcel costs."""

import unittest

from service.quotes import InvalidParcelError, quote

PARCEL = {"weight_kg": 2.5, "length_cm": 30, "width_cm": 20, "height_cm": 10, "zone": "domestic"}


class Prices(unittest.TestCase):
    def test_each_begun_kilogram_after_the_first_costs_extra(self):
        self.assertEqual(quote(PARCEL)["price"], "6.50")
        self.assertEqual(quote(PARCEL | {"weight_kg": 3})["price"], "6.50")
        self.assertEqual(quote(PARCEL | {"weight_kg": 3.01})["price"], "7.30")

    def test_a_light_parcel_costs_the_first_kilogram(self):
        self.assertEqual(quote(PARCEL | {"weight_kg": 0.2, "height_cm": 2})["price"], "4.90")

    def test_a_large_light_parcel_is_charged_by_its_volume(self):
        large = PARCEL | {"weight_kg": 0.5, "length_cm": 60, "width_cm": 50, "height_cm": 40}
        self.assertEqual(quote(large)["charged_weight_kg"], "24.00")

    def test_express_is_there_the_next_day_and_costs_more(self):
        express = quote(PARCEL | {"express": True})
        self.assertEqual(express["price"], "11.38")
        self.assertEqual(express["days"], 1)

    def test_the_further_the_dearer(self):
        prices = [
            float(quote(PARCEL | {"zone": zone})["price"])
            for zone in ("domestic", "europe", "world")
        ]
        self.assertEqual(prices, sorted(set(prices)))


class Refusals(unittest.TestCase):
    def problems(self, parcel):
        with self.assertRaises(InvalidParcelError) as refused:
            quote(parcel)
        return refused.exception.problems

    def test_every_field_is_named_at_once(self):
        self.assertEqual(
            set(self.problems({})), {"weight_kg", "length_cm", "width_cm", "height_cm", "zone"}
        )

    def test_what_is_no_number_is_refused(self):
        for value in (None, "3", True, [], float("nan"), float("inf"), 0, -1, 30.5):
            with self.subTest(value=value):
                self.assertEqual(set(self.problems(PARCEL | {"weight_kg": value})), {"weight_kg"})

    def test_an_unknown_zone_or_field_is_refused(self):
        self.assertEqual(set(self.problems(PARCEL | {"zone": "moon"})), {"zone"})
        self.assertEqual(set(self.problems(PARCEL | {"zone": ["europe"]})), {"zone"})
        self.assertEqual(set(self.problems(PARCEL | {"colour": "red"})), {"colour"})
        self.assertEqual(set(self.problems(PARCEL | {"express": "yes"})), {"express"})

    def test_a_parcel_is_an_object(self):
        self.assertEqual(set(self.problems([PARCEL])), {"parcel"})


if __name__ == "__main__":
    unittest.main()
