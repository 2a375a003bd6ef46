"""How a model changes given data: encoding and decoding, interpolation, a start from noised data."""
