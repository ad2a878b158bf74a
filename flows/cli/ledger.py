"""What the commands over past runs share: whose ledger, and how a run is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from proxflow.tasks.run_ledger import RunLedger
    from proxflow.tasks.run_record import RunRecord

Store = Annotated[
    Path | None,
    Parameter(
        name="--store",
        help="The store whose runs are meant; $PROXFLOW_STORE or the user's cache if not given.",
    ),
]
STYLES = {"running": "cyan", "done": "green", "failed": "red", "crashed": "red"}
WIDE = 200  # columns where the reader is a file or a program


def open_ledger(store: Path | None) -> RunLedger:
    """The ledger of a store, which need not exist; RequestError for a named one that is no store."""
    from proxflow.configs.runtime import default_store_root
    from proxflow.tasks.errors import RequestError
    from proxflow.tasks.run_ledger import RunLedger

    ledger = RunLedger(store or default_store_root())
    if store is not None and not ledger.folder.is_dir():
        raise RequestError(f"--store must be the folder of a store, with runs in it, got {store}")
    return ledger


def goes_by(record: RunRecord, name: str) -> bool:
    """Whether ``name`` means this run: the start of its id or of Prefect's, its folder, its recipe or
    Prefect's name."""
    ids = [record.id, record.origin.flow_run_id or ""]
    names = [record.recipe, record.origin.flow_run_name, Path(record.folder).name if record.folder else None]
    return name in names or any(one.startswith(name) for one in ids)
