"""An image in a prompt, from a file beside the test: sent, recorded and replayed by its digest."""

from __future__ import annotations

import base64
import hashlib

from click.testing import CliRunner

from pytest_velo.cli.main import main

SOURCE = """
from pytest_velo import image

@pytest.mark.hypothesis(rate >= 0.9, models=["lab/tiny"], max_trials=40, cases=[{"file": "pictures/a.png"}])
async def test_it_sees(model, case):
    return (await model([image(case.file), "Is this a cup?"])) == "no"
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def test_an_image_is_sent_and_never_kept(run, lab) -> None:
    run.file(SOURCE, "deeper/test_it.py")
    file = run.path / "deeper" / "pictures" / "a.png"
    file.parent.mkdir()
    file.write_bytes(PNG)
    encoded = base64.b64encode(PNG).decode()
    name = f"<image png 10 kB sha256:{hashlib.sha256(PNG).hexdigest()[:12]}>"

    shown = run("-m", "velo").stdout.str()

    assert run.outcomes == ["refuted"]
    (part, _) = lab.calls[0]["messages"][0]["content"]
    assert part == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
    assert f"    user       {name}\n               Is this a cup?" in shown
    cassette = run.path / "deeper" / "cassettes" / "it.jsonl"
    cassette.parent.mkdir()
    cache = str(run.path / ".pytest_velo")
    assert (
        CliRunner().invoke(main, ["cassette", "export", "--cache-dir", cache, str(cassette)]).exit_code == 0
    )
    kept = [path for path in run.path.rglob("*") if path.is_file() and path != file]
    assert len(kept) > 3
    for path in kept:
        content = path.read_bytes()
        assert PNG[8:200] not in content, path
        assert encoded[50:200].encode() not in content, path

    n_calls = len(lab.calls)
    assert run("--velo-mode=replay", "--velo-cache-dir=empty").ret == 1
    assert run("--velo-mode=replay", "--velo-cache-dir=empty").stdout.str().count("refuted: rate < 0.9") == 2
    file.write_bytes(PNG + b"1")
    run("--velo-mode=replay", "--velo-cache-dir=empty").stdout.fnmatch_lines(["*sha256 differs*"])
    file.unlink()
    run("--velo-mode=replay").stdout.fnmatch_lines(
        ["*image('pictures/a.png'): the file cannot be read: No such*"]
    )
    assert len(lab.calls) == n_calls
