"""What a page needs to draw charts by itself: the libraries of Vega, and text that no page can be broken out of."""

from __future__ import annotations

import functools
import json


@functools.cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script for an HTML page; about 0.9 MB, of vl-convert, no network."""
    import vl_convert

    # in a function: the bundle's own short names would be everybody's
    return _inert(f"(() => {{{vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')}\n}})();")


def script_json(value: object) -> str:
    """JSON for the inside of a script element: nothing in it can end the element, or open a comment in it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _inert(script: str) -> str:
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
