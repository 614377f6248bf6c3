from collections import defaultdict

from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer


def task_func(texts, n_clusters):
    """
    Group texts by topic: turn them into TF-IDF vectors without English stop words and cluster the vectors by k-means with 10 starts and random state 0. The groups are ordered by their smallest text position.

    Parameters:
    - texts (list of str): The texts.
    - n_clusters (int): The number of groups, at most the number of texts.

    Returns:
    - list of list of int: The positions of the texts in each group, ascending.

    Raises:
    - ValueError: If there are fewer texts than groups.

    Requirements:
    - collections
    - sklearn

    Example:
    >>> task_func(["red apple pie", "fast train", "apple pie recipe", "train station"], 2)
    [[0, 2], [1, 3]]
    """
    if len(texts) < n_clusters:
        raise ValueError("there are fewer texts than groups")
    vectors = TfidfVectorizer(stop_words="english").fit_transform(texts)
    labels = KMeans(n_clusters=n_clusters, n_init=10, random_state=0).fit_predict(vectors)
    groups = defaultdict(list)
    for position, label in enumerate(labels):
        groups[label].append(position)
    return sorted(groups.values())


# tests
import unittest


class TestCases(unittest.TestCase):
    def test_example(self):
        texts = ["red apple pie", "fast train", "apple pie recipe", "train station"]
        self.assertEqual(task_func(texts, 2), [[0, 2], [1, 3]])

    def test_stop_words_do_not_bind_texts(self):
        texts = ["the and of quantum physics", "the and of tomato soup", "quantum physics", "tomato soup"]
        self.assertEqual(task_func(texts, 2), [[0, 2], [1, 3]])

    def test_one_group_holds_everything_in_order(self):
        self.assertEqual(task_func(["alpha", "beta", "gamma"], 1), [[0, 1, 2]])

    def test_as_many_groups_as_texts(self):
        self.assertEqual(task_func(["alpha", "beta", "gamma"], 3), [[0], [1], [2]])

    def test_too_many_groups_are_refused(self):
        with self.assertRaises(ValueError):
            task_func(["alpha"], 2)
