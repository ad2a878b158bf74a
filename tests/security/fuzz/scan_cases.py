"""Spoilt scan files of every form, opened and read as a run would."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from random import Random

import damage
import h5py
import numpy as np
import seeds

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.vetting import vet

TEXTS = (".json", ".csv", ".hdr", ".yaml")


class Canary:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self._path, "w")


class ScanCases:
    """Case ``n`` is the same in every run with the same seed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = seeds.write_seeds(folder / "seeds")
        self._secret = folder / "secret.h5"
        shutil.copy(folder / "seeds" / "fastmri" / "fast.h5", self._secret)
        vet.LEAST_SECONDS = 2

    def run(self, random: Random) -> str:
        """``read`` or ``refused``; any other error than a ScanError passes through."""
        seed = random.choice(self._paths)
        case = self._folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        shutil.copytree(seed.parent, case)
        self._spoil(case / seed.name, random)
        try:
            with open_scan(case / seed.name) as scan:
                scan.read([scan.info.n_items // 2])
            return "read"
        except ScanError as error:
            assert "\n" not in str(error) and str(error).isprintable(), repr(error)
            return "refused"

    def _spoil(self, path: Path, random: Random) -> None:
        hdf5 = h5py.is_hdf5(path)
        if random.random() < 0.02:
            self._plant_pickle(path, random)
        elif hdf5 and random.random() < 0.35:
            damage.spoil_structure(path, self._secret, random)
        else:
            file = random.choice(sorted(path.parent.iterdir()))
            spoil = (
                damage.spoil_text if file.suffix in TEXTS and random.random() < 0.7 else damage.spoil_bytes
            )
            file.write_bytes(spoil(file.read_bytes(), random))

    def _plant_pickle(self, path: Path, random: Random) -> None:
        content = np.array([Canary(self._folder / "unpickled")], object)
        target = path.with_suffix(random.choice((".npy", ".npz", path.suffix)))
        with target.open("wb") as file:
            if target.suffix == ".npz":
                np.savez(file, kspace=content, s=content, trajectory=content)
            elif target.suffix == ".npy":
                np.save(file, content, allow_pickle=True)
            else:
                pickle.dump(content, file)
        if target != path:
            path.unlink()
            target.rename(path)
