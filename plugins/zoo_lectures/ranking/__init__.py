"""The ranking of solvers on digits beside the published ones."""
