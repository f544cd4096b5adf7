"""Processes that serve one port are replaced where they die, unless that is of no use."""

import os
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess

import pytest

from refport import processes
from refport.processes import Processes
from refport.server import HostFailed


def test_processes_that_end_as_they_begin_are_not_begun_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(processes, "BREATH_SECONDS", 0.01)
    begun: list[int] = []

    def start(place: int) -> SpawnProcess:
        begun.append(place)
        process = get_context("spawn").Process(target=os._exit, args=(3,), name=f"host {place}")
        process.start()
        return process

    with pytest.raises(HostFailed):
        Processes(1, start).run()

    assert [0, 0, 0] == begun
    assert 3 == len([record for record in caplog.records if "host 0 ended" in record.message])
