"""Numbers that the trainings of all networks have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

LearningRate = Annotated[float, Field(gt=0, le=1, description="Of AdamW, reached after 50 steps.")]
Decay = Annotated[
    float, Field(ge=0, le=1, description="Share of the steps, the last, over which the rate falls to 0.")
]
Precision = Annotated[
    Literal["auto", "bfloat16", "float32"],
    Field(description="Of the convolutions; auto: bfloat16 where the processor has it. Weights are float32."),
]
ImageSteps = Annotated[int, Field(ge=1, le=10_000_000)]
ImageBatch = Annotated[int, Field(ge=1, le=1024)]
ImageSizes = Annotated[
    tuple[Annotated[int, Field(ge=16, le=4096)], ...],
    Field(
        max_length=16,
        description="Pixels along the longer side to which images are brought, and then cut to side; side "
        "alone, which leaves images whole, if there are none.",
    ),
]
Validation = Annotated[
    tuple[str, ...],
    Field(description="Names of subjects not trained on; one in eight, drawn, if there are none."),
]
