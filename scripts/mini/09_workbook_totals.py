import pathlib

import openpyxl
import pandas as pd


def task_func(folder):
    """
    Add up the numbers of all workbooks of a folder. Each file whose name ends in '.xlsx' has in its first sheet a header row with the columns 'item' and 'amount', perhaps among others; rows whose amount is no number are passed over. The totals by item are written, with the columns 'item' and 'total' and the items in alphabetical order, to the sheet 'totals' of a new workbook 'summary.xlsx' in the folder; a summary that is there already is replaced and never read.

    Parameters:
    - folder (str): The folder with the workbooks.

    Returns:
    - pandas.DataFrame: The totals, with the columns 'item' and 'total'.

    Raises:
    - KeyError: If a workbook lacks one of the two columns.

    Requirements:
    - openpyxl
    - pandas
    - pathlib

    Example:
    >>> task_func("invoices").columns.tolist()
    ['item', 'total']
    """
    summary = pathlib.Path(folder, "summary.xlsx")
    amounts = []
    for path in sorted(pathlib.Path(folder).glob("*.xlsx")):
        if path == summary:
            continue
        sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]
        header, *rows = list(sheet.iter_rows(values_only=True)) or [()]
        for column in ("item", "amount"):
            if column not in header:
                raise KeyError(column)
        item, amount = header.index("item"), header.index("amount")
        amounts += [
            (row[item], row[amount])
            for row in rows
            if isinstance(row[amount], (int, float)) and not isinstance(row[amount], bool)
        ]
    table = pd.DataFrame(amounts, columns=["item", "total"])
    table = table.groupby("item", sort=True)["total"].sum().reset_index()
    table.to_excel(summary, sheet_name="totals", index=False, engine="openpyxl")
    return table


# tests
import os
import shutil
import tempfile
import unittest

import openpyxl


class TestCases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.save("one.xlsx", [("item", "amount"), ("tea", 2), ("bread", 3.5)])
        self.save("two.xlsx", [("note", "amount", "item"), ("x", 4, "tea"), ("y", "unknown", "bread")])

    def tearDown(self):
        shutil.rmtree(self.folder)

    def save(self, name, rows):
        workbook = openpyxl.Workbook()
        for row in rows:
            workbook.active.append(row)
        workbook.save(os.path.join(self.folder, name))

    def test_totals(self):
        table = task_func(self.folder)
        self.assertEqual(table.values.tolist(), [["bread", 3.5], ["tea", 6.0]])

    def test_summary_file(self):
        task_func(self.folder)
        sheet = openpyxl.load_workbook(os.path.join(self.folder, "summary.xlsx"))["totals"]
        self.assertEqual(list(sheet.values), [("item", "total"), ("bread", 3.5), ("tea", 6)])

    def test_an_old_summary_is_not_read(self):
        first = task_func(self.folder)
        self.assertEqual(task_func(self.folder).values.tolist(), first.values.tolist())

    def test_other_files_are_ignored(self):
        with open(os.path.join(self.folder, "notes.txt"), "w") as file:
            file.write("item,amount\ntea,100\n")
        self.assertEqual(task_func(self.folder)["total"].sum(), 9.5)

    def test_missing_column_is_refused(self):
        self.save("three.xlsx", [("item", "price"), ("tea", 1)])
        with self.assertRaises(KeyError):
            task_func(self.folder)
