"""A Dask cluster of real processes on loopback: the same bytes, and nothing lost whatever dies."""

import socket
import subprocess
import sys
import threading
import time

import pytest
from test_sweep import content, plan_of

import kamsim.experiments.chunks as chunks
from kamsim.errors import KamsimError
from kamsim.experiments.executors import cluster_place, named_place
from kamsim.experiments.parts import PARTS
from kamsim.experiments.sweep import run_sweep

pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
POINTS = 150


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "SECONDS_PER_CHUNK", 0.0008)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster") / "whole"
    before, chunks.SECONDS_PER_CHUNK = chunks.SECONDS_PER_CHUNK, 0.0008
    run_sweep(plan_of(points=POINTS), folder, named_place("faults:pool", 2))
    chunks.SECONDS_PER_CHUNK = before
    return content(folder)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        arguments = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show")
        self.scheduler = self.start("scheduler", *arguments)
        self.workers = [self.worker() for _ in range(2)]

    def start(self, *words):
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def worker(self):
        return self.start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"
        )

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def place(self):
        """Place of the cluster, as soon as both workers have come."""
        until = time.monotonic() + 60
        while True:
            try:
                place = cluster_place(self.address)
            except KamsimError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
                continue
            if place.workers == 2:
                return place
            place.open().shutdown()
            time.sleep(0.2)


@pytest.fixture
def cluster(tmp_path):
    running = Cluster(tmp_path)
    yield running
    running.stop()


def after_first_parts(folder, act, parts=10):
    """Act as soon as some parts have been written."""

    def watch():
        until = time.monotonic() + 60
        while len(list(folder.glob(f"{PARTS}/part-*"))) < parts and time.monotonic() < until:
            time.sleep(0.002)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_cluster_gives_the_same_bytes(cluster, whole, tmp_path):
    stands = run_sweep(plan_of(points=POINTS), tmp_path / "s", cluster.place())
    assert (stands.done, stands.failed) == (stands.parts, 0)
    assert content(tmp_path / "s") == whole


def test_a_worker_killed_in_the_middle_loses_nothing(cluster, whole, tmp_path):
    folder, place = tmp_path / "s", cluster.place()
    watching = after_first_parts(folder, cluster.workers[0].kill)
    stands = run_sweep(plan_of(points=POINTS), folder, place)
    watching.join()
    assert cluster.workers[0].wait() != 0
    assert (stands.done, stands.failed) == (stands.parts, 0)
    assert content(folder) == whole


def test_a_lost_scheduler_is_said_and_the_store_goes_on(cluster, whole, tmp_path):
    folder, place = tmp_path / "s", cluster.place()
    watching = after_first_parts(folder, cluster.stop)
    with pytest.raises(KamsimError, match=r"was lost .*; what is done is kept: run the same command again"):
        run_sweep(plan_of(points=POINTS), folder, place)
    watching.join()
    assert 0 < len(list((folder / PARTS).glob("part-*"))) < POINTS
    stands = run_sweep(plan_of(points=POINTS), folder, named_place("faults:pool", 2))
    assert 0 < stands.computed < stands.parts
    assert content(folder) == whole


def test_nobody_at_the_address_is_said():
    with pytest.raises(KamsimError, match="no Dask scheduler answers there"):
        cluster_place(f"tcp://127.0.0.1:{free_port()}")
