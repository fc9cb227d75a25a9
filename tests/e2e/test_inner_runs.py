"""What the other tests here rely on: an inner run leaves this process as it was, for whatever comes next."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def test_imported_libraries_stay_and_modules_of_the_folder_do_not(run: Any, pytester: Any) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "wave"]:
        del sys.modules[name]
    (run.path / "helper.py").write_text("import wave\nVALUE = 1\n", encoding="utf-8")
    run.file("import sys\nimport helper\ndef test_(): sys.wave_seen = sys.modules['wave']\n")
    pytester.syspathinsert(str(run.path))
    run().assert_outcomes(passed=1)
    seen = sys.wave_seen  # type: ignore[attr-defined]
    del sys.wave_seen  # type: ignore[attr-defined]
    assert importlib.import_module("wave") is seen
    assert "helper" not in sys.modules
    assert "test_it" not in sys.modules
