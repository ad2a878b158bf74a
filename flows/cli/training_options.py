"""Options that several commands share which train networks."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

Images = Annotated[
    tuple[str, ...],
    Parameter(
        help="NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM series; "
        "SUBJECT=FILE says whose it is."
    ),
]
ScanKind = Annotated[
    Literal["ct", "mri"],
    Parameter(help="Hounsfield units, for real images; magnitudes, for complex images with a phase."),
]
Validate = Annotated[
    str | None,
    Parameter(help="Subjects not trained on, separated by commas; one in eight, drawn, if not given."),
]
Sizes = Annotated[
    str,
    Parameter(
        help="Pixels along the longer side to which images are brought, and then cut to --side; --side "
        "alone, which leaves images whole, if not given."
    ),
]
SideOfEighths = Annotated[
    int, Parameter(help="Pixels along the side of what the network sees, a multiple of 8.")
]
Decay = Annotated[
    float, Parameter(help="Share of the steps, the last, over which the learning rate falls to 0.")
]
Average = Annotated[
    float, Parameter(help="Of the weights over the steps, whose moving average is what is kept.")
]
Start = Annotated[str, Parameter(help="File of weights of the same network to begin with.")]
Precision = Annotated[
    Literal["auto", "bfloat16", "float32"],
    Parameter(help="Of the convolutions; auto: bfloat16 where the processor has it."),
]
TrainingDevice = Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")]
CheckpointSeconds = Annotated[float, Parameter(help="A training that is killed loses as much at most.")]
