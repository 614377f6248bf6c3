import random
from collections import Counter

from faker import Faker


def task_func(number, departments, seed):
    """
    Make up staff records. Faker, seeded with the seed, makes the names; a random generator of its own, seeded likewise, picks each department. Emails are the lower-case name with every run of other characters than a to z replaced by one dot, without dots at the ends, followed by '@example.org'; a repeated email gets the numbers 2, 3, ... before the '@'.

    Parameters:
    - number (int): How many records to make.
    - departments (list of str): The departments to pick from.
    - seed (int): The seed of all randomness.

    Returns:
    - tuple: A list of dicts with the keys 'name', 'email' and 'department', and a collections.Counter of departments.

    Raises:
    - ValueError: If number is negative or there is no department.

    Requirements:
    - collections
    - faker
    - random

    Example:
    >>> records, counts = task_func(3, ["ops"], 1)
    >>> counts["ops"]
    3
    """
    if number < 0 or not departments:
        raise ValueError("number must not be negative and there must be a department")
    fake = Faker()
    fake.seed_instance(seed)
    chance = random.Random(seed)
    used = Counter()
    records = []
    for _ in range(number):
        name = fake.name()
        words = "".join(letter if "a" <= letter <= "z" else " " for letter in name.lower()).split()
        local = ".".join(words)
        used[local] += 1
        suffix = str(used[local]) if used[local] > 1 else ""
        records.append(
            {"name": name, "email": f"{local}{suffix}@example.org", "department": chance.choice(departments)}
        )
    return records, Counter(record["department"] for record in records)


# tests
import unittest
from unittest.mock import patch


class TestCases(unittest.TestCase):
    def test_number_and_keys(self):
        records, counts = task_func(5, ["ops", "lab"], 1)
        self.assertEqual(len(records), 5)
        self.assertEqual({tuple(sorted(record)) for record in records}, {("department", "email", "name")})
        self.assertEqual(sum(counts.values()), 5)
        self.assertLessEqual(set(counts), {"ops", "lab"})

    def test_the_seed_decides(self):
        self.assertEqual(task_func(8, ["a", "b"], 7), task_func(8, ["a", "b"], 7))
        self.assertNotEqual(task_func(8, ["a", "b"], 7), task_func(8, ["a", "b"], 8))

    def test_emails_are_unique_and_clean(self):
        emails = [record["email"] for record in task_func(60, ["a"], 3)[0]]
        self.assertEqual(len(set(emails)), 60)
        for email in emails:
            self.assertRegex(email, r"^[a-z]+(\.[a-z]+)*\d*@example\.org$")

    def test_repeated_names_are_numbered(self):
        with patch("faker.proxy.Faker.name", return_value="Dr. Zoë O'Neil", create=True):
            emails = [record["email"] for record in task_func(3, ["a"], 0)[0]]
        self.assertEqual(emails, [f"dr.zo.o.neil{n}@example.org" for n in ("", "2", "3")])

    def test_bad_input_is_refused(self):
        for number, departments in ((-1, ["a"]), (1, [])):
            with self.assertRaises(ValueError):
                task_func(number, departments, 0)
