import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns


def task_func(table, threshold):
    """
    Draw a heat map of the Pearson correlations between the numeric columns of a table, with the values written into the cells and a color scale from -1 to 1, and list the pairs of different columns whose absolute correlation is at least the threshold.

    Parameters:
    - table (dict): Column name to a list of values; columns that are not numeric are left out.
    - threshold (float): The least absolute correlation of a listed pair.

    Returns:
    - tuple: The matplotlib Axes of the heat map, and a sorted list of tuples of two column names in alphabetical order.

    Raises:
    - ValueError: If there are fewer than two numeric columns.

    Requirements:
    - matplotlib
    - pandas
    - seaborn

    Example:
    >>> axes, pairs = task_func({"x": [1, 2, 3], "y": [2, 4, 6], "name": ["a", "b", "c"]}, 0.9)
    >>> pairs
    [('x', 'y')]
    """
    numeric = pd.DataFrame(table).select_dtypes("number")
    if numeric.shape[1] < 2:
        raise ValueError("there must be two numeric columns")
    correlations = numeric.corr()
    _, axes = plt.subplots()
    sns.heatmap(correlations, vmin=-1, vmax=1, annot=True, ax=axes)
    pairs = {
        tuple(sorted((first, second)))
        for first in correlations
        for second in correlations
        if first != second and abs(correlations.loc[first, second]) >= threshold
    }
    return axes, sorted(pairs)


# tests
import unittest

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class TestCases(unittest.TestCase):
    TABLE = {"b": [1, 2, 3, 4], "a": [4, 3, 2, 1], "c": [1, -1, 1, -1], "name": list("wxyz")}

    def tearDown(self):
        plt.close("all")

    def test_negative_correlation_counts(self):
        self.assertEqual(task_func(self.TABLE, 0.9)[1], [("a", "b")])

    def test_a_low_threshold_lists_all_pairs_once(self):
        self.assertEqual(task_func(self.TABLE, 0.0)[1], [("a", "b"), ("a", "c"), ("b", "c")])

    def test_every_cell_is_annotated(self):
        axes, _ = task_func(self.TABLE, 0.5)
        self.assertEqual(len(axes.texts), 9)
        self.assertIn("-1", axes.texts[1].get_text())

    def test_color_scale(self):
        axes, _ = task_func(self.TABLE, 0.5)
        self.assertEqual(axes.collections[0].get_clim(), (-1.0, 1.0))

    def test_one_numeric_column_is_refused(self):
        with self.assertRaises(ValueError):
            task_func({"x": [1, 2], "name": ["a", "b"]}, 0.5)
