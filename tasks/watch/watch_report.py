"""The combined report of a watched folder, from the records of all passes and all watchers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from proxflow.data.store.keys import canonical_json, digest
from proxflow.tasks.batch.batch import Batch
from proxflow.tasks.batch.batch_files import JSON_NAME, PAGE_NAME, write_batch
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.watch.watch_state import Record, WatchState

ID_SHOWN = 8  # hexadecimal digits of a scan's ID, where a name does not tell scans apart


@dataclass(frozen=True)
class WatchReport:
    """What the combined report says beside the scans."""

    out: Path
    title: str
    recipe: str
    source: str
    command: str

    @property
    def page(self) -> Path:
        """Where the report lies."""
        return self.out / PAGE_NAME

    def update(self, state: WatchState, outcomes: Sequence[ScanOutcome], seconds: float) -> None:
        """Write it if anything changed since it was last written, by whichever watcher.

        ``outcomes`` are those of this pass, over ``seconds``; those without a record are shown as well.
        """
        left = [outcome for outcome in outcomes if outcome.state in ("left", "interrupted")]
        with state.reporting():
            stamp = digest(canonical_json([state.stamp(), [outcome.to_json() for outcome in left]]).encode())
            note = state.root / "reported.json"
            with suppress(FileNotFoundError, ValueError):
                if json.loads(note.read_text()) == stamp and (self.out / JSON_NAME).exists():
                    return
            shown = shown_outcomes(state, state.records())
            done = sum(outcome.state == "done" for outcome in outcomes)
            batch = Batch(self.title, self.recipe, self.source, self.command, (*left, *shown), seconds, done)
            write_batch(self.out, batch)
            note.write_text(json.dumps(stamp))


def shown_outcomes(state: WatchState, records: Sequence[Record]) -> list[ScanOutcome]:
    """What a person wants to see of the records, the last one first.

    A failure that was mended since is left out: another content came under the name, or the file turned out
    to be part of a scan. A scan that was replaced stays, with its ID behind the name.
    """
    parts = {file for record in records for file in record.files if file != record.name}
    outcomes = []
    for record in records:
        current = state.latest(record.name) in (None, record.id)
        if current and record.name not in parts:
            outcomes.append(record.outcome)
        elif record.outcome.state == "done":
            outcomes.append(replace(record.outcome, name=f"{record.name} ({record.id[:ID_SHOWN]})"))
    return outcomes
