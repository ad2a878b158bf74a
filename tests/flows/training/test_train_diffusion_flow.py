"""Training a diffusion prior as a Prefect flow: paths of a deployment."""

from __future__ import annotations

from pathlib import Path

from proxflow.flows.parameter_origin import Origin
from proxflow.flows.served_flows import SERVED


def test_a_deployment_names_images_from_its_file(tmp_path: Path) -> None:
    served = SERVED["train-diffusion"]
    given = {"images": ["chest/*.nii.gz", "p=a.npy"], "training": {"kind": "ct"}, "out": "made"}
    found = served.checked(served.load(), given, Origin(tmp_path, "serving.yaml", {}))
    assert found["images"] == [f"{tmp_path}/chest/*.nii.gz", f"p={tmp_path}/a.npy"]
    assert found["out"] == f"{tmp_path}/made"
