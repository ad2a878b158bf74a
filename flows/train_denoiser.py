"""The Prefect flow that trains a denoiser: the plain command's weights, with its progress in the UI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.states import Completed
from pydantic import WithJsonSchema

from proxflow.flows.artifacts import picture
from proxflow.flows.denoiser_plan import (
    CHECKPOINT_SECONDS,
    DEVICE,
    USUAL,
    DenoiserPlan,
    plan_train_denoiser,
)
from proxflow.flows.denoiser_training_run import FinishedDenoiser, bar, launch_denoiser_training
from proxflow.flows.form_schema import NUMBER, TEXTS, denoiser_numbers
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.many_run import scans_text
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.progress_bars import ProgressBars, artifact_key
from proxflow.flows.recorded_run import introduce, refused
from proxflow.flows.report_server import report_link
from proxflow.flows.task_runs import count_task_run
from proxflow.flows.told import hand_over, told
from proxflow.tasks.denoiser_training.train import TrainingWatcher

LINES, NUMBERS, SECONDS = map(WithJsonSchema, (TEXTS, denoiser_numbers(), NUMBER))
T = TypeVar("T")


@flow(name="train-denoiser", persist_result=False, validate_parameters=False)
def train_denoiser(
    images: Annotated[Any, LINES] = None,
    training: Annotated[Any, NUMBERS] = USUAL,
    device: str = DEVICE,
    checkpoint_seconds: Annotated[Any, SECONDS] = CHECKPOINT_SECONDS,
    out: str = "",
    command: str = "",
) -> Any:
    """Train a network that removes noise from single images, for methods with a denoiser.

    The result is a file of weights that a recipe's reconstruct.denoiser names, a card with what was measured
    on subjects kept apart, and pictures. With a folder, a training that was stopped goes on where it was.

    Args:
        images: NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM series,
            or patterns such as /data/chest/*.nii.gz, on the machine that serves; SUBJECT=FILE says whose
            images they are.
        training: What kind of images they are, and how the network is trained.
        device: auto, cpu, cuda or cuda:N.
        checkpoint_seconds: A training that is killed loses as much at most.
        out: Folder for the result; runs/TIME-denoiser-KIND if empty.
        command: What does the same on the command line; made up if empty.
    """
    form = dict(locals())
    return told(lambda: _trained(form))


def _trained(form: Mapping[str, Any]) -> Any:
    """The flow's final state; its artifacts where the server listens."""
    with refused():
        plan = plan_train_denoiser(form)
    introduce(f"{plan.name} {scans_text(plan.sources)}", ["train-denoiser", plan.config.kind])
    tell("started")
    finished = _launched(plan, Path(form["out"]) if form["out"] else None)
    hand_over(finished)
    tell(f"done after {finished.seconds:.0f} s of training, {finished.weights.resolve()}")
    if server_listens():
        _publish(finished, plan)
    return Completed(message=f"Weights: {finished.weights.resolve()}", data=finished)


def _launched(plan: DenoiserPlan, out: Path | None) -> FinishedDenoiser:
    watcher = DenoiserProgress(plan.name, bar.get())
    try:
        return launch_denoiser_training(plan, out=out, watcher=watcher, origin=flow_origin(), part=as_task)
    finally:
        watcher.close()


def as_task(name: str, work: Callable[[], T]) -> T:
    """``work()`` as a task run of the present flow, in its thread; what it gives stays in this process."""
    given: list[T] = []
    count_task_run(name)

    @task(name=name, persist_result=False)
    def part() -> None:
        given.append(work())

    part()
    return given[0]


class DenoiserProgress:
    """Passes everything on to ``watcher``, and draws the training as a progress artifact."""

    def __init__(self, name: str, watcher: TrainingWatcher) -> None:
        self._name, self._watcher = name, watcher
        self._bars = ProgressBars()
        self._n_steps, self._gain = 1, ""

    def began(self, step: int, n_steps: int) -> None:
        self._n_steps = n_steps
        self._watcher.began(step, n_steps)
        self._bars.begin(self._name, step / n_steps)
        self._bars.show(self._name, 100 * step / n_steps, f"begins at step {step} of {n_steps}")

    def stepped(self, step: int, loss: float) -> None:
        self._watcher.stepped(step, loss)
        text = f"step {step} of {self._n_steps}, loss {loss:.2e}{self._gain}"
        if step < self._n_steps:
            self._bars.follow(self._name, step / self._n_steps, text)
        else:
            self._bars.show(self._name, 100.0, text)

    def judged(self, step: int, psnr: Sequence[tuple[float, float]]) -> None:
        self._watcher.judged(step, psnr)
        gains = ", ".join(f"{after - before:+.2f}" for before, after in psnr)
        self._gain = f", gain {gains} dB at step {step}"

    def close(self) -> None:
        """Let what is on its way arrive, unless the server is gone."""
        self._bars.close()


def _publish(finished: FinishedDenoiser, plan: DenoiserPlan) -> None:
    """The gains as a table, and the card with pictures, as artifacts of the present flow run."""
    rows = [
        {
            "noise, of the peak": level,
            "noisy dB": round(before, 2),
            "denoised dB": round(after, 2),
            "gain dB": round(after - before, 2),
        }
        for level, before, after in finished.psnr
    ]
    told_of = f"PSNR of {plan.name} on subjects kept apart"
    create_table_artifact(table=rows, key=artifact_key("gains", plan.name), description=told_of)
    words = "images kept apart: clean, then noisy and denoised by turns"
    parts = [
        finished.card.read_text("utf-8"),
        f"## {words.capitalize()}\n",
        picture(finished.folder / "examples.png", words),
        f"\nWeights: `{finished.weights.resolve()}`",
    ]
    key = artifact_key("card", plan.name)
    create_markdown_artifact(markdown="\n".join(parts), key=key, description=f"Card of {plan.name}")
    if link := report_link(finished.weights):
        create_link_artifact(
            link=link,
            link_text="Download the weights",
            key=artifact_key("weights", plan.name),
            description=str(finished.weights.resolve()),
        )
