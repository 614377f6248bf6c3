"""setup.cfg describes the package; this file lets an editable install have its data files too.

``bigcodebench_tasks.pth`` must lie at the top of site-packages, where alone Python reads such files. setup.cfg puts it
there as a data file: in a wheel, data files go below ``NAME.data/data``, so ``../purelib`` is ``NAME.data/purelib``,
which the wheel format defines as site-packages. An sdist holds it, and an uninstall removes it, as any other file.

For ``pip install -e`` setuptools means to add the data files as well, but asks the distribution for ``has_data``, which
no distribution has: it is called ``has_data_files`` (77 and 84 alike). Hence the class below, and nothing more. When
setuptools has mended that, ``tests/test_packaging.py`` passes without this file.

Tried without any code: data files or ``package_data`` with a ``..`` alone (right in a wheel, missing in an editable
install), and the option ``extra_path`` (deprecated, and it moves the package into a folder named after the line).
The plugins that do this, hatch-autorun and whey-pth, are for hatchling and whey, which do not read setup.cfg.
"""

from setuptools import Distribution, setup


class WithDataFiles(Distribution):
    has_data = Distribution.has_data_files


setup(distclass=WithDataFiles)
