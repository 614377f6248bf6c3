import os
import zipfile

import yaml


def task_func(folder, archive):
    """
    Pack every regular file below a folder into a zip archive under its path relative to the folder, with forward slashes, and add a file MANIFEST.yaml that maps each path to the file's size in bytes. The archive itself is left out if it lies in the folder.

    Parameters:
    - folder (str): The folder to pack, with its subfolders.
    - archive (str): The path of the zip file to write.

    Returns:
    - dict: Relative path to size in bytes, as in the manifest.

    Raises:
    - NotADirectoryError: If folder is no folder.

    Requirements:
    - os
    - yaml
    - zipfile

    Example:
    >>> task_func("notes", "notes.zip")
    {'a.txt': 5, 'sub/b.txt': 2}
    """
    if not os.path.isdir(folder):
        raise NotADirectoryError(folder)
    paths = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and os.path.abspath(path) != os.path.abspath(archive):
                paths[os.path.relpath(path, folder).replace(os.sep, "/")] = path
    sizes = {relative: os.path.getsize(paths[relative]) for relative in sorted(paths)}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for relative in sizes:
            packed.write(paths[relative], relative)
        packed.writestr("MANIFEST.yaml", yaml.safe_dump(sizes))
    return sizes


# tests
import os
import shutil
import tempfile
import unittest
import zipfile

import yaml


class TestCases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        os.mkdir(os.path.join(self.folder, "sub"))
        self.write("a.txt", "hello")
        self.write("sub/b.txt", "hi")
        self.archive = os.path.join(tempfile.mkdtemp(), "out.zip")

    def tearDown(self):
        shutil.rmtree(self.folder)
        shutil.rmtree(os.path.dirname(self.archive))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def test_sizes(self):
        self.assertEqual(task_func(self.folder, self.archive), {"a.txt": 5, "sub/b.txt": 2})

    def test_contents(self):
        task_func(self.folder, self.archive)
        with zipfile.ZipFile(self.archive) as packed:
            self.assertEqual(set(packed.namelist()), {"a.txt", "sub/b.txt", "MANIFEST.yaml"})
            self.assertEqual(packed.read("sub/b.txt"), b"hi")

    def test_manifest(self):
        task_func(self.folder, self.archive)
        with zipfile.ZipFile(self.archive) as packed:
            self.assertEqual(yaml.safe_load(packed.read("MANIFEST.yaml")), {"a.txt": 5, "sub/b.txt": 2})

    def test_archive_inside_the_folder_is_left_out(self):
        inside = os.path.join(self.folder, "out.zip")
        self.assertEqual(set(task_func(self.folder, inside)), {"a.txt", "sub/b.txt"})
        self.assertEqual(set(task_func(self.folder, inside)), {"a.txt", "sub/b.txt"})

    def test_missing_folder_is_refused(self):
        with self.assertRaises(NotADirectoryError):
            task_func(os.path.join(self.folder, "nowhere"), self.archive)
