"""What a solver is: the interface, and bases for single steps, multistep, stages and adaptive steps."""
