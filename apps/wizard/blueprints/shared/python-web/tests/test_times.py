"""One time in several cities."""

import unittest

from meeting.times import CITIES, InvalidTimeError, everywhere, read, zones


def by_city(at, zone):
    return {one.city: one for one in everywhere(read(at, zone))}


class Times(unittest.TestCase):
    def test_every_city_has_the_same_moment(self):
        found = by_city("2026-03-02T15:00", "Europe/Berlin")
        self.assertEqual(list(found), list(CITIES))
        self.assertEqual(len({one.at.timestamp() for one in found.values()}), 1)
        self.assertEqual(found["London"].at.isoformat(), "2026-03-02T14:00:00+00:00")

    def test_summer_time_counts(self):
        winter = by_city("2026-01-15T12:00", "Europe/London")["New York"].at.hour
        # America goes to summer time three weeks before Europe.
        between = by_city("2026-03-16T12:00", "Europe/London")["New York"].at.hour
        self.assertEqual((winter, between), (7, 8))

    def test_the_day_may_be_another(self):
        self.assertEqual(by_city("2026-03-02T15:00", "Europe/Berlin")["Auckland"].at.day, 3)

    def test_people_work_on_weekdays_from_nine_to_five(self):
        at_work = {
            clock: by_city(clock, "Europe/London")["London"].at_work
            for clock in (
                "2026-03-02T08:59",
                "2026-03-02T09:00",
                "2026-03-02T16:59",
                "2026-03-02T17:00",
                "2026-03-07T12:00",
            )
        }
        self.assertEqual(list(at_work.values()), [False, True, True, False, False])

    def test_the_zone_of_every_city_is_known(self):
        self.assertLessEqual(set(CITIES.values()), zones())


class Refusals(unittest.TestCase):
    def problems(self, at, zone="Europe/Berlin"):
        with self.assertRaises(InvalidTimeError) as refused:
            read(at, zone)
        return set(refused.exception.problems)

    def test_what_is_no_time_is_refused(self):
        for at in ("", "noon", "2026-02-30T10:00", "2026-03-02T15:00Z", "0001-01-01T00:00"):
            with self.subTest(at=at):
                self.assertEqual(self.problems(at), {"at"})

    def test_what_is_no_zone_is_refused(self):
        for zone in ("", "Berlin", "../../etc/passwd", "/etc/localtime"):
            with self.subTest(zone=zone):
                self.assertEqual(self.problems("2026-03-02T15:00", zone), {"zone"})

    def test_everything_is_told_at_once(self):
        self.assertEqual(self.problems("noon", "moon"), {"at", "zone"})

    def test_an_hour_that_clocks_jump_over_is_refused(self):
        self.assertEqual(self.problems("2026-03-29T02:30"), {"at"})


if __name__ == "__main__":
    unittest.main()
