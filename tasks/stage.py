"""Stages: what a call to one is, and how one is executed over the store.

A stage is a function that reads artefacts and fills a new one. Both callers, the plain command line and
the Prefect flow, hand the same ``StageCall`` to ``execute``, so keys and results cannot differ.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.keys import stage_key
from proxflow.data.store.outside_files import OutsideFiles
from proxflow.data.store.store import ArtefactStore, Ref
from proxflow.tasks.byte_counts import track_bytes
from proxflow.tasks.calls import Machine, StageCall, StageContext, StageOutcome
from proxflow.tasks.device_slot import device_slot
from proxflow.tasks.granted_memory import in_memory
from proxflow.tasks.item_costs import Cost, total_cost
from proxflow.tasks.memory import track_peak
from proxflow.tasks.provenance import NUMERICAL, PRESENTATION, machine_text, source_digest, versions
from proxflow.tasks.reporting import reporter

log = logging.getLogger("proxflow.stages")

STAGES = {
    "ingest": "proxflow.tasks.stages.ingest:ingest",
    "prepare": "proxflow.tasks.stages.prepare:prepare",
    "calibrate": "proxflow.tasks.stages.calibrate:calibrate",
    "reconstruct": "proxflow.tasks.stages.reconstruct:reconstruct",
    "hold_out": "proxflow.tasks.stages.hold_out:hold_out",
    "evaluate": "proxflow.tasks.stages.evaluate:evaluate",
    "report": "proxflow.tasks.stages.report:report",
}


StageFunction = Callable[[StageContext, ArtefactWriter], None]


def execute(call: StageCall, machine: Machine, store: ArtefactStore) -> StageOutcome:
    """The artefact of ``call``, from the store or computed now.

    Raises ScanError where a file outside the store changed between its digest and the end of reading it.
    """
    began = time.monotonic()
    files = _outside_files(call, machine)
    key = _key(call, machine, files)

    def make_within(granted: Machine) -> tuple[Ref, bool]:
        def make(writer: ArtefactWriter) -> dict[str, Any]:
            reporter().stage_started(call.label)
            with files.unchanged():
                return _compute(call, granted, store, key, writer)

        return store.get_or_make(call.label, key, make, lambda: _waiting(call.label))

    ref, cached = in_memory(call.label, machine, make_within)
    return _outcome(call.label, ref, cached, store, began)


def find(call: StageCall, machine: Machine, store: ArtefactStore) -> StageOutcome | None:
    """The artefact of ``call`` if the store has it."""
    began = time.monotonic()
    ref = store.find(call.label, call_key(call, machine))
    return None if ref is None else _outcome(call.label, ref, True, store, began)


def execute_elsewhere(call: StageCall, machine: Machine) -> StageOutcome:
    """``execute`` on a worker, which sees the same store."""
    store = ArtefactStore(machine.store_path, machine.store_limit)
    try:
        return execute(call, machine, store)
    finally:
        store.release()


def _outcome(label: str, ref: Ref, cached: bool, store: ArtefactStore, began: float) -> StageOutcome:
    with store.open(ref) as artefact:
        made = artefact.provenance
    outcome = StageOutcome(
        label,
        ref,
        cached,
        made["seconds"],
        made["peak_memory_bytes"],
        made["device"],
        time.monotonic() - began,
        made["bytes_read"],
        made["bytes_written"],
        made["file_bytes"],
    )
    how = "found in the store" if cached else "computed"
    event = {"stage": label} | outcome.figures()
    log.info("stage %s %s, key %s", label, how, ref.key, extra={"event": event})
    reporter().stage_finished(outcome)
    return outcome


def call_key(call: StageCall, machine: Machine) -> str:
    """The key of a call's artefact on this machine."""
    return _key(call, machine, _outside_files(call, machine))


def _outside_files(call: StageCall, machine: Machine) -> OutsideFiles:
    paths = {name: Path(path) for name, path in call.files.items()}
    return OutsideFiles(paths, Path(machine.store_root) / "file-digests")


def _key(call: StageCall, machine: Machine, files: OutsideFiles) -> str:
    digests = {name: ref.digest for name, ref in call.inputs.items()}
    digests |= {f"file:{name}": content for name, content in files.digests.items()}
    source = source_digest(PRESENTATION if call.stage == "report" else NUMERICAL)
    config = {"config": call.config, "device": machine.device.partition(":")[0]}
    return stage_key(call.stage, config, digests, source=source)


def _compute(
    call: StageCall, machine: Machine, store: ArtefactStore, key: str, writer: ArtefactWriter
) -> dict[str, Any]:
    module, _, name = STAGES[call.stage].partition(":")
    function: StageFunction = getattr(import_module(module), name)
    started, began, peak, counts = datetime.now(UTC), time.monotonic(), track_peak(), track_bytes()
    with ExitStack() as stack:
        context = opened_context(call, machine, store, key, stack)
        log.info("stage %s begins", call.label, extra={"event": {"stage": call.label, "key": key}})
        try:
            function(context, writer)
        except DamagedArtefactError:
            log.warning("an input of stage %s broke while it was read", call.label)
            raise
        file_bytes = sum(path.stat().st_size for path in context.files.values() if path.is_file())
    writer.flush()  # what HDF5 still holds belongs to the bytes written
    cost = Cost(time.monotonic() - began, peak(), *counts()) + total_cost(store.checkpoint_folder(key))
    return {
        "stage": call.stage,
        "label": call.label,
        "config": call.config,
        "inputs": {name: ref.key for name, ref in call.inputs.items()},
        "files": call.files,
        "started": started.isoformat(timespec="seconds"),
        **asdict(cost),
        "file_bytes": file_bytes,
        "device": machine.device,
        "machine": machine_text(),
        "versions": versions(),
        "source": source_digest(),
    }


def opened_context(
    call: StageCall, machine: Machine, store: ArtefactStore, key: str, stack: ExitStack
) -> StageContext:
    """The call's inputs opened and its device taken, until ``stack`` lets go of them."""
    stack.enter_context(device_slot(machine.device, lambda device: _device_busy(call.label, device)))
    inputs = {name: stack.enter_context(store.open(ref)) for name, ref in call.inputs.items()}
    files = {name: Path(path) for name, path in call.files.items()}
    return StageContext(call.label, call.config, inputs, files, machine, store.checkpoint_folder(key))


def _device_busy(label: str, device: str) -> None:
    log.info("%s waits for %s, which another run uses", label, device)
    reporter().stage_waiting(label)


def _waiting(label: str) -> None:
    log.info("stage %s is being computed by another process, waiting for it", label)
    reporter().stage_waiting(label)
