import numpy as np
import pandas as pd


def task_func(values, window):
    """
    Standardize each value of a series by the mean and the population standard deviation of the window of values that ends with it. Positions before the first full window are NaN, and a window of equal values gives 0.0.

    Parameters:
    - values (list of float): The series, oldest value first.
    - window (int): The number of values in a window, at least 2.

    Returns:
    - pandas.Series: The standardized values, as many as there are values, with the index 0, 1, 2, ...

    Raises:
    - ValueError: If window is less than 2.

    Requirements:
    - numpy
    - pandas

    Example:
    >>> task_func([1.0, 3.0, 3.0], 2).tolist()
    [nan, 1.0, 0.0]
    """
    if window < 2:
        raise ValueError("window must be at least 2")
    series = pd.Series(values, dtype=float)
    rolling = series.rolling(window)
    spread = rolling.std(ddof=0)
    centered = series - rolling.mean()
    scores = np.where(spread > 1e-12, centered / spread.where(spread > 1e-12, 1.0), 0.0)
    return pd.Series(np.where(spread.isna(), np.nan, scores))


# tests
import unittest

import numpy as np
import pandas as pd


class TestCases(unittest.TestCase):
    def test_example(self):
        result = task_func([1.0, 3.0, 3.0], 2)
        self.assertIsInstance(result, pd.Series)
        np.testing.assert_allclose(result.to_numpy(), [np.nan, 1.0, 0.0])

    def test_population_deviation_is_used(self):
        result = task_func([2.0, 4.0, 9.0], 3)
        self.assertAlmostEqual(result.iloc[2], (9 - 5) / np.std([2.0, 4.0, 9.0]))

    def test_short_series_has_no_full_window(self):
        self.assertTrue(task_func([1.0, 2.0], 3).isna().all())

    def test_equal_values_give_zero(self):
        self.assertEqual(task_func([5.0] * 4, 2).tolist()[1:], [0.0, 0.0, 0.0])

    def test_small_window_is_refused(self):
        with self.assertRaises(ValueError):
            task_func([1.0, 2.0], 1)
