"""Trials on workers: shards of a hypothesis go out, draws are asked for, outcomes come back.

The modules behind these names are loaded on use: dask is heavy, and most sessions have no workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.shards.cluster import Cluster as Cluster
    from pytest_velo.shards.elsewhere import TrialsElsewhere as TrialsElsewhere
    from pytest_velo.shards.fleet import Fleet as Fleet
    from pytest_velo.shards.messages import Hello as Hello
    from pytest_velo.shards.prints import prints_of as prints_of

__getattr__ = lazily(
    __name__,
    {
        "Cluster": "cluster",
        "Fleet": "fleet",
        "Hello": "messages",
        "TrialsElsewhere": "elsewhere",
        "prints_of": "prints",
    },
)
