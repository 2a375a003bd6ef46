"""What a step costs besides the model's call: against the bare arithmetic, and against other libraries.

    python -m solvers_zoo.bench.overhead [--json | --markdown] [--solvers heun,dpmpp-2m] [--shape 64,3,32,32] [--repeats 50]

Two functions, which ``zoo bench --overhead`` calls:

    rows = measure(["heun"], shapes=[(64, 3, 32, 32)], peers=["k-diffusion"], repeats=50, progress=None)
    headings, lines = table(rows)      # words; ``row.record()`` is a row as plain values, ``markdown(rows)`` a page's table

Both sides run the same function as the model on grids of as many steps, and the time of the function alone is subtracted.
Noise costs nothing on either side: both are handed one ready tensor. The zoo's side is the whole of `sample`, counting and
coefficients included; a peer's is its own sampler, and for diffusers the loop of a pipeline. A step costs the difference of runs of
N + 5 steps and of 5, over N; what no step adds to is the start of a run (the zoo checks its arguments and its result once).

All parts are interleaved in one process on one thread, and time is the processor's, so that other work on the machine disturbs no
side. Beside the fastest of all runs stands the median of the rounds.

There are two floors. One pass is ``lerp``: state and output in, state out, the least that any step can cost. The second is
what the method's own arithmetic costs, a pass for every array that an update combines (`anatomy` counts them): ``lerp`` for two,
else ``mul``, ``add_``, ...

`host_reads` runs a solver on a device without values, where any look at them fails: what passes there does not make the
host wait for a GPU. Where there is one, `gpu` has torch's own check, the loop as one CUDA graph, and the same ratios.
"""

from solvers_zoo.bench.overhead.anatomy import Anatomy, anatomy
from solvers_zoo.bench.overhead.comparison import SHAPES, measure, setup_milliseconds
from solvers_zoo.bench.overhead.host import host_reads
from solvers_zoo.bench.overhead.pairs import OF_STEP, PAIRS, Pair
from solvers_zoo.bench.overhead.row import Cost, Row, markdown, table
from solvers_zoo.interop.libraries import (
    LIBRARIES,
    import_diffusers,
    import_k_diffusion,
    installed,
    replaced,
)

__all__ = [
    "LIBRARIES",
    "OF_STEP",
    "PAIRS",
    "SHAPES",
    "Anatomy",
    "Cost",
    "Pair",
    "Row",
    "anatomy",
    "host_reads",
    "import_diffusers",
    "import_k_diffusion",
    "installed",
    "markdown",
    "measure",
    "replaced",
    "setup_milliseconds",
    "table",
]
