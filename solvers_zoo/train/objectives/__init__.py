"""The losses that training minimises: denoising, sliced and explicit score matching, flow matching and others."""
