"""Programs on many machines, over Ray: `look_at` checks a cluster, `ClusterEngine` runs programs there.

`engine` and `pool` are what runs in the caller's process, `dispatch` decides which program runs where, `driver` is a
process that speaks to Ray (`process` starts it, `messages` is what the two say), and `node` is what runs on each node.
Only `driver` imports Ray.
"""

from bigcodebench_tasks.execution.cluster.dispatch import NodeUse
from bigcodebench_tasks.execution.cluster.engine import Cluster, ClusterEngine, cluster_address, look_at

__all__ = ["Cluster", "ClusterEngine", "NodeUse", "cluster_address", "look_at"]
