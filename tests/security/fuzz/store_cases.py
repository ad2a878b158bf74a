"""Hostile artefacts and checkpoints: bytes spoilt, or sealed rightly around what must not be there."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from random import Random
from typing import Any

import damage
import h5py
import numpy as np

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.errors import DamagedArtefactError
from proxflow.data.store.seal import seal_of
from proxflow.data.store.store import ArtefactStore
from proxflow.data.vetting import vet
from proxflow.models.solvers.iteration import Iteration
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.stages.checkpoints import Finished, StageCheckpoints

KEY = "ab" + "0" * 38
IMAGE = np.arange(60.0).reshape(5, 4, 3)
TRACE, FIT = {"objective": [1.0, None]}, {"data_residual": 0.5}
DOCUMENTS: tuple[Any, ...] = (
    *("", "null", "[]", "{}", '{"a":', "[" * 5000, '{"a":' * 5000, "1" * 5000, "NaN", '"x"', "\xff"),
    *('{"key": 1}', '{"trace": [[1]], "of": {}}', '{"complete": false}'),
)


class StoreCases:
    """Each case is found whole, found damaged and made anew, or read to one of our errors."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secret = folder / "secret.h5"
        with h5py.File(self._secret, "w") as file:
            file["kspace"] = IMAGE
        vet.LEAST_SECONDS = 2
        logging.getLogger("proxflow").setLevel(logging.CRITICAL)

    def run(self, random: Random) -> str:
        """What became of an artefact or a checkpoint."""
        root = self._folder / "store"
        shutil.rmtree(root, ignore_errors=True)
        return self._artefact(root, random) if random.random() < 0.5 else self._checkpoint(root, random)

    def _artefact(self, root: Path, random: Random) -> str:
        def fill(writer: ArtefactWriter) -> dict[str, Any]:
            writer.write("image", IMAGE)
            writer.write("number", np.float32(3))
            writer.document("scan", {"labels": ["a"]})
            return {"stage": "ingest"}

        store = ArtefactStore(root)
        store.get_or_make("ingest", KEY, fill)
        store.release()
        resealed = self._spoil(store.path(KEY), random)
        try:
            ref, cached = store.get_or_make("ingest", KEY, fill)
            with store.open(ref) as artefact:
                read = artefact.array("image"), artefact.array("number"), artefact.document("scan")
            assert resealed or np.array_equal(read[0], IMAGE)
            return "artefact found" if cached else "artefact made again"
        except DamagedArtefactError:
            return "artefact refused"
        finally:
            store.release()

    def _checkpoint(self, root: Path, random: Random) -> str:
        machine = Machine("", 0, "cpu", 3600.0)
        context = StageContext("reconstruct:tv", {}, {}, {}, machine, root / "checkpoints" / KEY)
        kept = StageCheckpoints(context, 3)
        kept.keep_at_once(1, Finished(IMAGE, TRACE, FIT))
        report = Iteration(1, 9, 1.0, 0.5, 0.1)
        kept._save("state-1", [IMAGE, IMAGE], {"trace": [report]})
        path = context.checkpoints / random.choice(("item-1.h5", "state-1.h5"))
        resealed = self._spoil(path, random)
        if random.random() < 0.1:
            path.replace(path.with_name(path.name.replace("1", "2")))
            path = path.with_name(path.name.replace("1", "2"))
        item = int(path.stem[-1])
        found = kept.finished(item) if path.name.startswith("item") else kept.unfinished(item)
        assert found is not None or not path.exists()
        if found is not None and not resealed:
            assert np.array_equal(found[0] if path.name.startswith("item") else found.state[0], IMAGE)
        return "checkpoint thrown away" if found is None else "checkpoint found"

    def _spoil(self, path: Path, random: Random) -> bool:
        """Spoil the file in one way; whether it was sealed again."""
        if random.random() < 0.3:
            path.write_bytes(damage.spoil_bytes(path.read_bytes(), random))
            return False
        if random.random() < 0.4:
            path.write_bytes(damage.spoil_bytes(path.read_bytes(), random))
        elif random.random() < 0.3:
            self._other_document(path, random)
        else:
            damage.spoil_structure(path, self._secret, random)
        with path.open("r+b") as file:
            seal = seal_of(file)
            file.seek(0)
            file.write(seal)
        return True

    def _other_document(self, path: Path, random: Random) -> None:
        text = random.choice((*DOCUMENTS, json.dumps({"of": {"key": KEY}, "trace": "x", "fit": [1]})))
        with h5py.File(path, "r+") as file:
            if "provenance" in file.attrs:
                file.attrs[random.choice(("provenance", "digest", "complete"))] = text
                return
            del file["document"]
            file["document"] = np.frombuffer(text.encode("latin-1"), np.uint8)
