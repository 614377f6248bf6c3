import math

from PIL import Image


def task_func(paths, columns, size):
    """
    Paste images into a contact sheet, row by row from the top left. Each image is shrunk to fit a square cell without changing its proportions, never enlarged, and centered in its cell; the background is white.

    Parameters:
    - paths (list of str): Paths of the image files, in reading order.
    - columns (int): The number of cells in a row.
    - size (int): The side of a cell in pixels.

    Returns:
    - PIL.Image.Image: The sheet in mode RGB, columns cells wide and as many rows high as are needed.

    Raises:
    - ValueError: If there are no paths or columns is less than 1.

    Requirements:
    - math
    - PIL

    Example:
    >>> task_func(["a.png", "b.png", "c.png"], 2, 50).size
    (100, 100)
    """
    if not paths or columns < 1:
        raise ValueError("there must be images and columns")
    sheet = Image.new("RGB", (columns * size, math.ceil(len(paths) / columns) * size), "white")
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            picture = image.convert("RGB")
        picture.thumbnail((size, size))
        left = number % columns * size + (size - picture.width) // 2
        top = number // columns * size + (size - picture.height) // 2
        sheet.paste(picture, (left, top))
    return sheet


# tests
import os
import shutil
import tempfile
import unittest

from PIL import Image


class TestCases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.red = self.save("red.png", (20, 20), (255, 0, 0))
        self.wide = self.save("wide.png", (200, 100), (0, 0, 255))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def save(self, name, size, color):
        path = os.path.join(self.folder, name)
        Image.new("RGB", size, color).save(path)
        return path

    def test_size_and_mode(self):
        sheet = task_func([self.red] * 3, 2, 50)
        self.assertEqual((sheet.size, sheet.mode), ((100, 100), "RGB"))

    def test_small_images_are_centered_and_not_enlarged(self):
        sheet = task_func([self.red], 1, 50)
        self.assertEqual(sheet.getpixel((25, 25)), (255, 0, 0))
        self.assertEqual(sheet.getpixel((10, 25)), (255, 255, 255))

    def test_proportions_are_kept(self):
        sheet = task_func([self.wide], 1, 50)
        self.assertEqual(sheet.getpixel((2, 25)), (0, 0, 255))
        self.assertEqual(sheet.getpixel((25, 5)), (255, 255, 255))

    def test_reading_order(self):
        sheet = task_func([self.red, self.wide, self.red], 2, 40)
        self.assertEqual(sheet.getpixel((20, 20)), (255, 0, 0))
        self.assertEqual(sheet.getpixel((60, 20)), (0, 0, 255))
        self.assertEqual(sheet.getpixel((20, 60)), (255, 0, 0))
        self.assertEqual(sheet.getpixel((60, 60)), (255, 255, 255))

    def test_bad_input_is_refused(self):
        with self.assertRaises(ValueError):
            task_func([], 2, 50)
        with self.assertRaises(ValueError):
            task_func([self.red], 0, 50)
