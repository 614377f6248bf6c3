"""Programs on many machines, over Ray: `check_nodes` checks a cluster, `ClusterEngine` runs programs on it.

`dispatch` decides which program runs where, `engine` sends programs, `connection` is all that calls Ray, and `node` is
what runs on each node. Ray is imported when it is needed, because it is an extra.
"""

from bigcodebench_tasks.execution.cluster.connection import check_nodes, cluster_address
from bigcodebench_tasks.execution.cluster.dispatch import NodeUse
from bigcodebench_tasks.execution.cluster.engine import ClusterEngine

__all__ = ["ClusterEngine", "NodeUse", "check_nodes", "cluster_address"]
