"""Every figure of the gallery, made anew by the zoo's own commands; what they measured goes to ``figures/measured.json``.

    python docs/gallery/figures.py                # all of them, about eight minutes on one core
    python docs/gallery/figures.py tomczak.svg    # some of them

Needs ``pip install "solvers-zoo[charts]"``. The pages quote the same commands and the same numbers, which a test compares.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "figures"
#: Bytes of a .png above which it is kept smaller and in fewer colours, and its pixels across then.
MOST, ACROSS = 90_000, 1200

#: Pixels that an .svg is widened by at each side.
MARGIN = 36

#: File -> the command that makes it, which ends in ``--out FILE``. A study writes its further charts beside the first.
FIGURES = {
    "forward.png": "python docs/gallery/pictures.py forward",
    "singular-score.svg": "python docs/gallery/pictures.py singular-score",
    "integrators.svg": "python docs/gallery/pictures.py integrators",
    "schedules.svg": "python docs/gallery/pictures.py schedules",
    "reverse-step.png": "python docs/gallery/pictures.py reverse-step",
    "objectives.svg": "python docs/gallery/pictures.py objectives",
    "bound.svg": "python docs/gallery/pictures.py bound",
    "score.png": "python docs/gallery/pictures.py score",
    "noise-levels.png": "python docs/gallery/pictures.py noise-levels",
    "low-density.png": "python docs/gallery/pictures.py low-density",
    "samplers.png": "python docs/gallery/pictures.py samplers",
    "chain.png": "python docs/gallery/pictures.py chain",
    "control.png": "python docs/gallery/pictures.py control",
    "digits-net.png": "zoo sample --model digits-net --solver heun --nfe 19 -n 64",
    "digits-tomczak.png": "zoo sample --model digits --sde ve-power:base=1.01 --solver euler-arrival --grid uniform --steps 19 -n 64",
    "errata.svg": "zoo study errata",
    "early-stopping.svg": "zoo study early-stopping",
    "fokker-planck.png": "zoo study fokker-planck --quick",
    "girsanov.svg": "zoo study girsanov",
    "huang.svg": "zoo study huang --quick",
    "huang-density.png": "zoo study huang-density --quick",
    "kappa.svg": "zoo study kappa",
    "langevin.png": "zoo study langevin",
    "likelihood.svg": "zoo study likelihood",
    "likelihood-weighting.svg": "zoo study likelihood-weighting",
    "ncsn.png": "zoo study ncsn",
    "ranking.svg": "zoo study ranking",
    "tomczak.png": "zoo study tomczak",
    "transport-tv.png": "zoo study transport-tv",
    "tv-lemma.svg": "zoo study tv-lemma --quick",
}


def run(command: str, file: Path) -> str:
    """Run a command of the pages in this process, writing ``file``; what it prints as JSON.

    Raises:
        RuntimeError: it printed nothing.

    """
    program, *rest = shlex.split(command)
    arguments = [*rest, "--out", str(file), "--json"]
    said = io.StringIO()
    with redirect_stdout(said):
        if program == "zoo":
            from solvers_zoo.cli.app import app

            app(args=arguments, prog_name="zoo", standalone_mode=False)
        else:
            from pictures import main as draw

            draw(arguments[1:])  # without the script's own name
    if not said.getvalue():
        raise RuntimeError(f"{command} printed nothing.")
    return said.getvalue()


def measured(facts: dict[str, Any]) -> dict[str, float]:
    """Name -> number, of a study's checks, a run's errors or a picture's figures."""
    if "checks" in facts:
        return {check["name"]: check["value"] for check in facts["checks"]}
    if "errors" in facts:
        names = {error["name"]: error["value"] for error in facts["errors"]}
        return {"NFE": facts["nfe"], **names, **{f"{e['name']}, exact samples": e["floor"] for e in facts["errors"]}}
    return dict(facts["figures"])


def shrink(path: Path) -> None:
    """Keep a .png in 256 colours, a large one in as many as its bytes allow, and an .svg without what an image on a page has no use for."""
    if path.suffix == ".svg":
        # labels for readers of the screen, who are given the page's own; digits below a tenth; the margins
        text = re.sub(r' (aria-\w+|role)="[^"]*"', "", path.read_text())
        text = re.sub(r' d="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), text)
        path.write_text(re.sub(r'width="([\d.]+)" height="([\d.]+)" viewBox="0 0 \1 \2"', _wider, text, count=1))
        return
    from PIL import Image

    drawn = Image.open(path)
    whole = drawn.convert("RGB")
    small = whole.copy()
    small.thumbnail((ACROSS, ACROSS), Image.Resampling.LANCZOS)
    for image in (whole, small):  # pixels drawn as squares take fewer bytes at their own size
        for colours in (256, 128, 96):
            if path.stat().st_size > MOST or (colours == 256 and image is whole and drawn.mode != "P"):
                image.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)


def _wider(found: re.Match[str]) -> str:
    """A margin at both sides: other fonts than those that the chart was laid out for may be wider."""
    width, height = float(found[1]) + 2 * MARGIN, found[2]
    return f'width="{width:g}" height="{height}" viewBox="{-MARGIN} 0 {width:g} {height}" style="background:#fff"'


def tidy(name: str) -> None:
    """Shrink a figure and the further charts of its study; those that no page shows are removed."""
    pages = "".join(page.read_text() for page in HERE.glob("*.md"))
    for path in (FOLDER / name, *FOLDER.glob(f"{Path(name).stem}-*{Path(name).suffix}")):
        if path.name in pages:
            shrink(path)
        elif path.name not in FIGURES:
            path.unlink()


def make(name: str) -> dict[str, Any]:
    """Make one figure, and those that come with it."""
    command = FIGURES[name]
    facts = json.loads(run(command, FOLDER / name))
    tidy(name)
    missed = [check["name"] for check in facts.get("checks", ()) if not check["holds"]]
    return {"command": command, "measured": measured(facts), "missed": missed}


def main(names: list[str]) -> None:
    """Make the figures named, or all."""
    FOLDER.mkdir(exist_ok=True)
    table = FOLDER / "measured.json"
    known = json.loads(table.read_text()) if table.exists() else {}
    for name in names or FIGURES:
        known[name] = make(name)
        kept = {key: known[key] for key in FIGURES if key in known}
        table.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
