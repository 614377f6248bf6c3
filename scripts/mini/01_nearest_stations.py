import numpy as np
from scipy.spatial import cKDTree


def task_func(points, queries, k):
    """
    Find for each query point the k nearest points by Euclidean distance, nearest first, and the mean distance to them.

    Parameters:
    - points (list of tuple of float): Coordinates of the points, all of the same dimension.
    - queries (list of tuple of float): Coordinates of the query points.
    - k (int): How many neighbours to find, between 1 and the number of points.

    Returns:
    - list of tuple: For each query a tuple of the list of the neighbours' positions in points and the mean distance as a float rounded to 6 decimals.

    Raises:
    - ValueError: If k is less than 1 or larger than the number of points.

    Requirements:
    - numpy
    - scipy

    Example:
    >>> task_func([(0, 0), (3, 4), (10, 0)], [(0, 0)], 2)
    [([0, 1], 2.5)]
    """
    if not 1 <= k <= len(points):
        raise ValueError("k must be between 1 and the number of points")
    tree = cKDTree(np.asarray(points, dtype=float))
    found = []
    for query in queries:
        distances, positions = tree.query(np.asarray(query, dtype=float), k=range(1, k + 1))
        found.append(([int(position) for position in positions], round(float(np.mean(distances)), 6)))
    return found


# tests
import unittest


class TestCases(unittest.TestCase):
    def test_example(self):
        self.assertEqual(task_func([(0, 0), (3, 4), (10, 0)], [(0, 0)], 2), [([0, 1], 2.5)])

    def test_one_neighbour_is_still_a_list(self):
        self.assertEqual(task_func([(0, 0), (5, 0)], [(4, 0)], 1), [([1], 1.0)])

    def test_every_query_is_answered_in_order(self):
        result = task_func([(0,), (10,), (20,)], [(19,), (1,)], 2)
        self.assertEqual([positions for positions, _ in result], [[2, 1], [0, 1]])

    def test_distances_are_rounded(self):
        self.assertEqual(task_func([(1, 1, 1)], [(0, 0, 0)], 1)[0][1], 1.732051)

    def test_k_out_of_range_is_refused(self):
        for k in (0, 3):
            with self.assertRaises(ValueError):
                task_func([(0, 0), (1, 1)], [(0, 0)], k)
