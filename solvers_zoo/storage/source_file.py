"""Importing a Python file that a user names: a plugin, or a file that holds a model, a network or a metric's features."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import CodeType, ModuleType


class FromSource(SourceFileLoader):
    """Compiles a module from its source every time, and leaves no byte code beside it.

    Byte code is known by the second and the size of its source: a file that was changed at once, by as many characters, would run as
    it was.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def import_file(path: Path, name: str) -> ModuleType:
    """Run a Python file as the module ``name``, which stays in ``sys.modules`` unless the file fails.

    While the file runs, its folder is the first of ``sys.path``, as with ``python file.py``: the file may import its neighbours at
    its top. Afterwards ``sys.path`` is what it was.

    Raises:
        Exception: whatever the file raises; `SystemExit` where it ends the program.

    """
    spec = importlib.util.spec_from_file_location(name, path, loader=FromSource(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent.resolve())
    sys.modules[name] = module
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        if folder in sys.path:  # the file may have taken it off
            sys.path.remove(folder)
    return module
