"""Charts as files: .png, .svg and .pdf without a browser, and .html that needs no network."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from solvers_zoo.charts.bundle import bundle, script_json
from solvers_zoo.charts.theme import Scheme, theme
from solvers_zoo.errors import StorageError
from solvers_zoo.storage.files import replace, wrong_ending

if TYPE_CHECKING:
    import altair as alt

SUFFIXES = (".png", ".svg", ".pdf", ".html")

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="$policy"><title>$title</title>
<style>body{margin:24px;background:$ground}</style></head>
<body><div id="chart"></div><script>$bundle</script>
<script>vegaEmbed("#chart", $spec, {renderer: "svg", actions: {source: false, compiled: false, editor: false}})</script>
</body></html>
""")

#: A page of the zoo reads nothing but itself. Vega makes functions of its expressions, hence ``unsafe-eval``.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def save(
    chart: alt.TopLevelMixin | dict[str, Any], path: str | Path, *, scheme: Scheme = "light", scale: float = 2.0
) -> Path:
    """Write a chart to ``path``, .png, .svg, .pdf or .html; a file that is there is replaced in one stroke.

    Args:
        chart: an Altair chart, or a Vega-Lite specification.
        path: where to.
        scheme: ``light`` or ``dark``.
        scale: pixels of a .png for one of the chart.

    Raises:
        StorageError: another suffix, or a file that cannot be written.

    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise StorageError(wrong_ending(path, f"a chart is kept as {', '.join(SUFFIXES)}"))
    data = render(spec_of(chart, scheme), path.suffix, scale)
    replace(path, lambda file: file.write(data))
    return path


def spec_of(chart: alt.TopLevelMixin | dict[str, Any], scheme: Scheme = "light") -> dict[str, Any]:
    """The Vega-Lite specification of a chart, with the theme beneath what the chart itself sets."""
    spec: dict[str, Any] = dict(chart) if isinstance(chart, dict) else chart.to_dict()
    default = {"view": {"continuousHeight": 300, "continuousWidth": 300}}  # Altair's own
    own = spec.get("config", {})
    return {**spec, "config": theme(scheme) | ({} if own == default else own)}


def render(spec: dict[str, Any], suffix: str, scale: float = 2.0) -> bytes:
    """A specification as the bytes of a file of a suffix."""
    import vl_convert

    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=scale))
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    if suffix == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return _PAGE.substitute(
        policy=POLICY, title="Chart", ground=spec["config"]["background"], bundle=bundle(), spec=script_json(spec)
    ).encode()
