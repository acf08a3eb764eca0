"""Damage files of every format, and evaluate them: ``damaged_files.py [N] [SEED]``.

Of each format, N mutants have bytes flipped, cut out, repeated or replaced. The command must report
or refuse each in one line, exit with 0, 1 or 2, within bounded time and memory; nothing else may
come out of it, no traceback and no signal. Mutants run in children, a hundred in each.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

BATCH = 100
SECONDS, MEGABYTES = 20, 3000
OPTIONS = {
    "npy": ["-p", "0", "-t", "2"],
    "field.npy": [],
    "fortran.npy": ["-p", "0,1", "-t", "2"],
    "npz": ["--by", "g"],
    "csv": ["--by", "g"],
    "csv.gz": ["--by", "g"],
    "vector.csv": [],
    "tsv": ["--positive", "1"],
    "parquet": ["--by", "g"],
    "list.parquet": [],
    "nls": [],
}


def originals(folder: Path) -> dict[str, bytes]:
    """Return a small sound file of every format."""
    rng = np.random.default_rng(0)
    score, label = rng.normal(size=200), rng.integers(0, 2, 200)
    group = rng.choice(["a", "b", "ü"], 200)
    files = {name: folder / f"sound.{name}" for name in OPTIONS}
    np.save(files["npy"], np.stack([score, score, label], axis=1))
    np.save(files["fortran.npy"], np.asfortranarray(np.stack([score, score, label], axis=1)))
    np.save(files["field.npy"], np.rec.fromarrays([score, label], names="score,label"))
    np.savez_compressed(files["npz"], score=score, label=label, g=group)
    rows = [f'{s},{t},"{g}"' for s, t, g in zip(score, label, group, strict=True)]
    text = "\n".join(["score,label,g", *rows, ""]).encode()
    files["csv"].write_bytes(text)
    files["csv.gz"].write_bytes(gzip.compress(text))
    files["tsv"].write_bytes(text.replace(b",", b"\t"))
    vectors = [f'"[{s}, {-s}]",{t}' for s, t in zip(score, label, strict=True)]
    files["vector.csv"].write_bytes("\n".join(["logits,label", *vectors, ""]).encode())
    table = pa.table({"score": score, "label": label, "g": group})
    pyarrow.parquet.write_table(table, files["parquet"], row_group_size=70)
    lists = pa.table({"logits": np.stack([score, -score], axis=1).tolist(), "label": label})
    pyarrow.parquet.write_table(lists, files["list.parquet"])
    from numloss import Evaluation

    evaluation = Evaluation(["mse", "mae"], by="g")
    evaluation.update(score, label.astype(float), groups=group)
    files["nls"].write_bytes(evaluation.to_bytes())
    return {name: path.read_bytes() for name, path in files.items()}


def mutants(sound: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield damaged copies."""
    draw = random.Random(seed)
    for _ in range(count):
        data = bytearray(sound)
        for _ in range(draw.choice([1, 1, 2, 5, 20])):
            at = draw.randrange(len(data)) if data else 0
            kind = draw.randrange(6)
            if kind == 0:
                data[at : at + 1] = bytes([draw.randrange(256)])
            elif kind == 1 and data:
                data[at] ^= 1 << draw.randrange(8)
            elif kind == 2:
                del data[at : at + draw.choice([1, 4, 50])]
            elif kind == 3:
                data[at:at] = data[at : at + draw.choice([1, 4, 50])]
            elif kind == 4:
                data[at : at + 4] = draw.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b'"', b"\n\n"])
            else:
                end = len(data) if draw.random() < 0.2 else at + 2
                del data[at:end]
        yield bytes(data)


def run_one(name: str, path: Path) -> str | None:
    """Evaluate a file; return what is wrong with the answer."""
    from numloss import cli

    command = ["show", str(path)]
    if name != "nls":
        loss = "cross_entropy" if name in ("vector.csv", "list.parquet", "fortran.npy") else "mse"
        command = ["evaluate", str(path), "-l", loss, *OPTIONS[name]]
    out, err = io.StringIO(), io.StringIO()
    start = time.monotonic()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(command)
    except BaseException:
        return traceback.format_exc()
    took = time.monotonic() - start
    lines = [line for line in err.getvalue().splitlines() if ": warning: " not in line]
    if code not in (0, 1, 2) or len(lines) != (code != 0):
        return f"exit {code} and {len(lines)} lines: {err.getvalue()[:500]}"
    return f"{took:.1f} s" if took > SECONDS else None


def run_batch(name: str, batch: list[bytes], path: Path, log: Path) -> None:
    """Run mutants in this process; what is wrong goes to the log."""
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    for index, data in enumerate(batch):
        path.write_bytes(data)
        log.write_text(str(index))
        if wrong := run_one(name, path):
            log.write_text(f"{index}\n{wrong}")
            os._exit(9)
    os._exit(0)


def main(count: int, seed: int) -> int:
    """Run all formats; return how many mutants were answered wrongly."""
    wrong = 0
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        for name, sound in originals(folder).items():
            left = list(mutants(sound, count, seed))
            while left:
                batch, log = left[:BATCH], folder / "log"
                path = folder / f"damaged.{name}"
                child = os.fork()
                if child == 0:
                    run_batch(name, batch, path, log)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                done = len(batch)
                # The words of `end_on_abort` are an answer, too.
                if status != 0:
                    text = log.read_text()
                    done = int(text.partition("\n")[0]) + 1
                    if status != 1:
                        wrong += 1
                        kept = Path(tempfile.gettempdir()) / f"wrong-{wrong}.{name}"
                        kept.write_bytes(batch[done - 1])
                        print(f"{name}: child ended with {status}; {kept}\n{text}")
                left = left[done:]
            print(f"{name}: {count} mutants", flush=True)
    return wrong


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]] + [0] * 2
    sys.exit(min(main(arguments[0] or 200, arguments[1]), 1))
