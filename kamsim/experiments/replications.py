"""The table of all replications of a comparison, written row group by row group."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamsim.errors import KamsimError
from kamsim.experiments.files import naming
from kamsim.types import Floats

if TYPE_CHECKING:
    import pandas as pd


REPLICATIONS = "replications.parquet"
COLUMNS = ["replication", "scenario", "measure", "value"]
# Replications in a row group of the Parquet file; the file's bytes depend on it, so it never follows the chunks.
ROW_GROUP = 512


@contextmanager
def replications_file(
    folder: Path, scenarios: Sequence[str], measures: Sequence[str]
) -> Iterator[Callable[[Floats], None]]:
    """Parquet file of every replication; gives a function that writes the next block of it.

    A block has shape (replications, scenarios, measures); all but the last hold `ROW_GROUP` replications. Rows are
    replication, scenario, measure, value; NaN stays NaN.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, (pa.int32(), name, name, pa.float64()), strict=True)))
    scenario_names, measure_names = pa.array(scenarios, pa.string()), pa.array(measures, pa.string())
    first = 0

    def write(block: Floats) -> None:
        nonlocal first
        if first % ROW_GROUP or not 0 < len(block) <= ROW_GROUP:
            raise ValueError(f"all blocks but the last must hold {ROW_GROUP} replications")
        replication, scenario, measure = np.indices(block.shape, dtype=np.int32).reshape(3, -1)
        columns = [
            pa.array(replication + np.int32(first)),
            pa.DictionaryArray.from_arrays(pa.array(scenario), scenario_names),
            pa.DictionaryArray.from_arrays(pa.array(measure), measure_names),
            pa.array(np.ascontiguousarray(block).reshape(-1)),
        ]
        writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=block.size)
        first += len(block)

    with (
        (folder / REPLICATIONS).open("wb") as file,  # Arrow itself opens only names that are UTF-8
        pq.ParquetWriter(
            file, schema, compression="zstd", use_dictionary=COLUMNS[1:3], write_page_checksum=True
        ) as writer,
    ):
        yield write


def read_replications(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read every replication of a run, as `replications_in_batches`, at once."""
    import pandas as pd

    parts = list(replications_in_batches(path))
    return pd.concat(parts, ignore_index=True)


def replications_in_batches(path: str | os.PathLike[str]) -> Iterator["pd.DataFrame"]:
    """Read the replications of a run, `ROW_GROUP` at a time, so that memory does not grow with the run.

    From its folder or its Parquet file, as replication, scenario, measure (both categorical), value; an error where
    there is no such file, or its bytes are not those that were written.
    """
    import pyarrow.parquet as pq

    file = Path(path) / REPLICATIONS if Path(path).is_dir() else Path(path)
    try:
        with pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True) as content:
            if content.schema_arrow.names != COLUMNS:
                raise ValueError
            for group in range(content.num_row_groups):
                table = content.read_row_group(group, use_threads=False)
                table.validate(full=True)
                yield table.to_pandas(use_threads=False)
    except Exception as error:  # a reader of rotten bytes may stumble over anything, and all of it says the same
        if isinstance(error, OSError) and error.errno:
            with naming(file, "read"):
                raise
        raise KamsimError(f"{file}: is damaged, or no Parquet file of replications") from None
