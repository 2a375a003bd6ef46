"""One page that shows which solver won, by how much, how sure that is and how it was measured; charts as files."""

from solvers_zoo.bench.report.page import write_figures, write_report

__all__ = ["write_figures", "write_report"]
