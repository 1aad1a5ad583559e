"""A Dask cluster: connected to, and asked how long it takes to hand out a task."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evoml.core.errors import SettingError
from evoml.evaluation.surroundings import error_text

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0  # to reach a scheduler, or to reach it again
WORKER_SECONDS = 60.0  # to wait for the first worker, or for another one when all are gone
PROBES = 32  # empty tasks, to see how long handing out takes


def connect(cluster: Any, n_workers: int) -> tuple[Client, list[Any]]:
    """Return a client for a cluster, and what is to be closed with it: nothing if the client was there before."""
    try:
        from distributed import Client, LocalCluster, get_client
    except ImportError as error:
        raise SettingError("a Dask cluster needs the package distributed: pip install 'evoml[dask]'") from error
    if cluster is None:
        with suppress(ValueError):
            cluster = get_client()
    if cluster is None:
        # In this process, for the evaluations have processes of their own; so no script needs a guard.
        local = LocalCluster(
            n_workers=1, threads_per_worker=n_workers, processes=False, memory_limit=0, dashboard_address="127.0.0.1:0"
        )
        client = Client(local, set_as_default=False)
        return client, [client, local]
    if isinstance(cluster, str):
        try:
            client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SettingError(
                f"no Dask scheduler answers at {cluster!r} ({error_text(error)}); give the address that `dask scheduler`"
                " shows when it starts, such as tcp://host:8786"
            ) from error
        return client, [client]
    if not isinstance(cluster, Client) or cluster.asynchronous:
        raise SettingError(f"the executor must be a name, an address or a synchronous dask Client, got {cluster!r}")
    if cluster.status != "running":
        raise SettingError(f"the Dask client {cluster!r} is {cluster.status}; connect it again")
    return cluster, []


def seconds_per_task(client: Client) -> float:
    """Return the seconds that handing out one task takes, from empty ones.

    Raises SettingError if there is no worker. A cluster that grows when there is something to do is given time for it.
    """
    name = f"evoml-probe-{uuid.uuid4().hex}"
    try:
        client.submit(_nothing, key=(name, PROBES), pure=False).result(WORKER_SECONDS)
    except TimeoutError as error:
        raise SettingError(
            f"the Dask cluster at {address_of(client)} has no worker that is free within {WORKER_SECONDS:g} s; start workers"
        ) from error
    except Exception as error:
        raise SettingError(
            f"the workers of the Dask cluster at {address_of(client)} cannot run evoml ({error_text(error)}); install it there"
        ) from error
    began = time.perf_counter()
    client.gather([client.submit(_nothing, key=(name, number), pure=False) for number in range(PROBES)])
    return (time.perf_counter() - began) / PROBES


def _nothing() -> None:
    pass


def address_of(client: Client) -> str:
    """Return the address of the scheduler."""
    return str(getattr(client.scheduler, "address", "an unknown address"))
