"""The experiments of the lectures and articles, repeated: each runs, draws its figure and checks what is claimed."""
