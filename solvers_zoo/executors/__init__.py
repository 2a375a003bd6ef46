"""Where many tasks run: here, in processes of their own, or wherever a plugin brings them."""

from solvers_zoo.executors.attempt import attempt as attempt
from solvers_zoo.executors.base import Executor as Executor
from solvers_zoo.executors.base import Failure as Failure
from solvers_zoo.executors.parcel import BEGUN as BEGUN
from solvers_zoo.executors.parcel import carry_out as carry_out
from solvers_zoo.executors.parcel import one_thread as one_thread
from solvers_zoo.executors.parcel import open_result as open_result
from solvers_zoo.executors.parcel import pack_items as pack_items
from solvers_zoo.executors.parcel import pack_task as pack_task
from solvers_zoo.executors.tries import Tries as Tries
