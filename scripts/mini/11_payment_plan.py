from datetime import date
from decimal import ROUND_DOWN, Decimal

from dateutil.relativedelta import relativedelta


def task_func(amount, months, first):
    """
    Split an amount into equal monthly payments of whole cents. Cents that do not divide are spread one each over the first payments. Payments are due on the day of the month of the first one, or on the last day of a shorter month; a due date on a Saturday or Sunday moves to the Monday after.

    Parameters:
    - amount (str): The amount, with at most 2 decimals, such as '100.00'.
    - months (int): The number of payments.
    - first (datetime.date): The nominal due date of the first payment.

    Returns:
    - list of tuple: For each payment a tuple of its due date as a datetime.date and its amount as a decimal.Decimal with 2 decimals.

    Raises:
    - ValueError: If months is less than 1, or the amount is not positive or has more than 2 decimals.

    Requirements:
    - datetime
    - dateutil
    - decimal

    Example:
    >>> task_func("100.00", 3, date(2024, 1, 31))[1]
    (datetime.date(2024, 2, 29), Decimal('33.33'))
    """
    total = Decimal(amount)
    if months < 1 or total <= 0 or total != total.quantize(Decimal("0.01")):
        raise ValueError("months and amount must be positive, and the amount in whole cents")
    share = (total / months).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    left = int((total - share * months) * 100)
    plan = []
    for number in range(months):
        due = first + relativedelta(months=number)
        if due.weekday() >= 5:
            due += relativedelta(days=7 - due.weekday())
        plan.append((due, share + (Decimal("0.01") if number < left else Decimal("0.00"))))
    return plan


# tests
import unittest
from datetime import date
from decimal import Decimal


class TestCases(unittest.TestCase):
    def test_payments_add_up(self):
        plan = task_func("100.00", 3, date(2024, 1, 31))
        self.assertEqual([amount for _, amount in plan], [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")])

    def test_short_months_and_weekends(self):
        plan = task_func("90", 3, date(2024, 1, 31))
        # 31 March 2024 is a Sunday.
        self.assertEqual([due for due, _ in plan], [date(2024, 1, 31), date(2024, 2, 29), date(2024, 4, 1)])

    def test_a_moved_date_does_not_move_the_next(self):
        plan = task_func("3", 3, date(2024, 6, 1))
        self.assertEqual([due for due, _ in plan], [date(2024, 6, 3), date(2024, 7, 1), date(2024, 8, 1)])

    def test_several_cents_are_spread(self):
        amounts = [amount for _, amount in task_func("0.05", 3, date(2024, 1, 1))]
        self.assertEqual(amounts, [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")])

    def test_bad_input_is_refused(self):
        for amount, months in (("100", 0), ("0", 2), ("-5", 2), ("1.001", 2)):
            with self.assertRaises(ValueError):
                task_func(amount, months, date(2024, 1, 1))
