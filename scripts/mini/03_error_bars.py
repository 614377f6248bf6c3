import matplotlib.pyplot as plt
import numpy as np


def task_func(groups):
    """
    Draw a bar chart of group means with error bars of one sample standard deviation. The bars follow the order of the mapping, the y axis is labelled 'mean', the title is 'Group means', and the x ticks are the group names. A group of one value has an error of 0.

    Parameters:
    - groups (dict): Group name to a non-empty list of numbers.

    Returns:
    - tuple: The matplotlib Axes, and a dict of group name to a tuple of mean and standard deviation as floats.

    Raises:
    - ValueError: If there is no group or a group is empty.

    Requirements:
    - matplotlib
    - numpy

    Example:
    >>> axes, numbers = task_func({"a": [1, 3], "b": [5]})
    >>> numbers["b"]
    (5.0, 0.0)
    """
    if not groups or not all(groups.values()):
        raise ValueError("every group needs values")
    numbers = {
        name: (float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        for name, values in groups.items()
    }
    _, axes = plt.subplots()
    positions = np.arange(len(numbers))
    axes.bar(positions, [mean for mean, _ in numbers.values()], yerr=[spread for _, spread in numbers.values()])
    axes.set_xticks(positions)
    axes.set_xticklabels(list(numbers))
    axes.set_ylabel("mean")
    axes.set_title("Group means")
    return axes, numbers


# tests
import unittest

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class TestCases(unittest.TestCase):
    def tearDown(self):
        plt.close("all")

    def test_numbers(self):
        _, numbers = task_func({"a": [1, 3], "b": [5]})
        self.assertAlmostEqual(numbers["a"][0], 2.0)
        self.assertAlmostEqual(numbers["a"][1], 2**0.5)
        self.assertEqual(numbers["b"], (5.0, 0.0))

    def test_bars_have_the_heights_of_the_means_in_order(self):
        axes, _ = task_func({"z": [4, 6], "a": [1, 1]})
        self.assertEqual([bar.get_height() for bar in axes.patches], [5.0, 1.0])
        self.assertEqual([label.get_text() for label in axes.get_xticklabels()], ["z", "a"])

    def test_labels(self):
        axes, _ = task_func({"a": [1]})
        self.assertEqual((axes.get_title(), axes.get_ylabel()), ("Group means", "mean"))

    def test_error_bars_are_drawn(self):
        axes, _ = task_func({"a": [1, 3], "b": [2, 2]})
        self.assertEqual(len(axes.collections), 1)
        self.assertEqual(len(axes.collections[0].get_segments()), 2)

    def test_empty_input_is_refused(self):
        for groups in ({}, {"a": []}):
            with self.assertRaises(ValueError):
                task_func(groups)
