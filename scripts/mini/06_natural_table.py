import re

from natsort import natsorted
from prettytable import PrettyTable


def task_func(lines):
    """
    Make a table of the amounts booked under each account. A line counts when it is an account of letters and digits, a colon, and an amount with an optional sign and optional decimals, with any spaces around them; other lines are passed over. Accounts are ordered naturally, so that 'a2' comes before 'a10'.

    Parameters:
    - lines (list of str): The lines of a ledger.

    Returns:
    - tuple: The table as text with the header fields 'account', 'entries' and 'total' and totals of 2 decimals, and the number of lines that were passed over.

    Requirements:
    - re
    - natsort
    - prettytable

    Example:
    >>> text, skipped = task_func(["a10: 1.5", "a2: 3", "a2: -1", "?"])
    >>> skipped
    1
    """
    entry = re.compile(r"\s*([A-Za-z0-9]+)\s*:\s*([+-]?\d+(?:\.\d+)?)\s*")
    booked = {}
    skipped = 0
    for line in lines:
        match = entry.fullmatch(line)
        if match is None:
            skipped += 1
            continue
        booked.setdefault(match[1], []).append(float(match[2]))
    table = PrettyTable(["account", "entries", "total"])
    for account in natsorted(booked):
        table.add_row([account, len(booked[account]), f"{sum(booked[account]):.2f}"])
    return table.get_string(), skipped


# tests
import unittest


class TestCases(unittest.TestCase):
    def rows(self, lines):
        text, _ = task_func(lines)
        table = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row[0] == "|"]
        self.assertEqual(table[0], ["account", "entries", "total"])
        return table[1:]

    def test_natural_order_and_totals(self):
        lines = ["a10: 1.5", "a2: 3", "a2: -1"]
        self.assertEqual(self.rows(lines), [["a2", "2", "2.00"], ["a10", "1", "1.50"]])

    def test_other_lines_are_counted(self):
        self.assertEqual(task_func(["", "a: x", "a b: 1", "a: 1.", "a: 1"])[1], 4)

    def test_spaces_and_signs_are_allowed(self):
        self.assertEqual(self.rows(["  x :  +2.25  ", "x:-0.25"]), [["x", "2", "2.00"]])

    def test_no_lines_give_an_empty_table(self):
        self.assertEqual(self.rows([]), [])
        self.assertEqual(task_func([])[1], 0)
