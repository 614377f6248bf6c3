from datetime import datetime, timedelta

import pytz


def task_func(start, zones, hours):
    """
    Find the whole hours at which people in several time zones could all meet: the hours from the given start, over the given number of hours, at which it is in every zone a weekday and between 9:00 and 16:59 local time.

    Parameters:
    - start (str): The first hour, in UTC, as 'YYYY-MM-DD HH:00'.
    - zones (list of str): Names of time zones, such as 'Europe/Berlin'.
    - hours (int): How many hours to look at.

    Returns:
    - list of str: The hours in UTC in ISO 8601 with offset, such as '2024-03-04T14:00:00+00:00', ascending.

    Raises:
    - ValueError: If there is no zone or a zone is unknown.

    Requirements:
    - datetime
    - pytz

    Example:
    >>> task_func("2024-03-04 00:00", ["Europe/Berlin", "America/New_York"], 24)
    ['2024-03-04T14:00:00+00:00', '2024-03-04T15:00:00+00:00']
    """
    if not zones:
        raise ValueError("there must be a zone")
    try:
        places = [pytz.timezone(zone) for zone in zones]
    except pytz.UnknownTimeZoneError as error:
        raise ValueError(f"unknown zone {error}") from error
    first = pytz.utc.localize(datetime.strptime(start, "%Y-%m-%d %H:%M"))
    found = []
    for offset in range(hours):
        moment = first + timedelta(hours=offset)
        local = [moment.astimezone(place) for place in places]
        if all(time.weekday() < 5 and 9 <= time.hour < 17 for time in local):
            found.append(moment.isoformat())
    return found


# tests
import unittest


class TestCases(unittest.TestCase):
    def test_example(self):
        found = task_func("2024-03-04 00:00", ["Europe/Berlin", "America/New_York"], 24)
        self.assertEqual(found, ["2024-03-04T14:00:00+00:00", "2024-03-04T15:00:00+00:00"])

    def test_daylight_saving_differs_between_countries(self):
        # Between 10 and 31 March 2024 only New York has summer time: one hour more in common.
        found = task_func("2024-03-11 00:00", ["Europe/Berlin", "America/New_York"], 24)
        self.assertEqual([hour[11:13] for hour in found], ["13", "14", "15"])

    def test_weekends_are_free(self):
        self.assertEqual(task_func("2024-03-09 00:00", ["UTC"], 48), [])

    def test_the_weekday_is_local(self):
        # Sunday evening in UTC is Monday morning in Auckland.
        found = task_func("2024-06-02 20:00", ["Pacific/Auckland"], 2)
        self.assertEqual(found, ["2024-06-02T21:00:00+00:00"])

    def test_half_hour_zones(self):
        found = task_func("2024-03-04 03:00", ["Asia/Kolkata"], 2)
        self.assertEqual(found, ["2024-03-04T04:00:00+00:00"])

    def test_bad_zones_are_refused(self):
        for zones in ([], ["Mars/Base"]):
            with self.assertRaises(ValueError):
                task_func("2024-03-04 00:00", zones, 1)
