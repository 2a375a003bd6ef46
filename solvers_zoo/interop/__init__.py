"""Other libraries' networks as models of the zoo, and solvers of the zoo in other libraries' loops."""
