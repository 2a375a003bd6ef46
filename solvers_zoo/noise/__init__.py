"""Where random numbers come from: each has an address (seed, stream, sample, step, call), in any batch."""
