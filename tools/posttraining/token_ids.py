"""Writes token ids of sentences for text encoders; see tools/make-token-ids."""

import argparse
import pathlib
import sys

import numpy as np

import packages
import sentences
from wordpiece import WordPiece

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))
from digits import write_npz  # noqa: E402


def arrays(encoded):
    """The three inputs of a BERT encoder, int64 [sentences, tokens], padded to the longest."""
    length = max(len(ids) for ids in encoded)
    ids = np.zeros((len(encoded), length), np.int64)
    mask = np.zeros_like(ids)
    for row, found in enumerate(encoded):
        ids[row, :len(found)] = found
        mask[row, :len(found)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def running_text(tokenizer, lines, count, length):
    """`count` rows of exactly `length` ids, of sentences one after the other. No place is padding, which
    would weigh as much as words in what is learned of a layer's inputs."""
    rows, pieces = [], []
    for line in lines:
        start, *own, end = tokenizer.encode(line, len(line) + 2)
        pieces += own
        if len(pieces) >= length - 2:
            rows.append([start, *pieces[:length - 2], end])
            pieces = []
            if len(rows) == count:
                return rows
    raise ValueError(f"the sentences fill {len(rows)} rows of {length} tokens, {count} are asked for")


def write(folder, work, calibration=4608, test=200, length=128, fill=28, seed=0):
    """test.npz, sentences that the seed draws, and calibration.npz, running text of the others."""
    if min(length, fill) < 3:
        raise ValueError("rows have at least 3 tokens: two are marks of start and end")
    tokenizer = WordPiece(packages.VOCABULARY.path(work).read_text(encoding="utf-8"))
    tested, others = sentences.split(work, seed, test)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("test", [tokenizer.encode(line, length) for line in tested]),
                       ("calibration", running_text(tokenizer, others, calibration, fill))):
        named = arrays(rows)
        write_npz(folder / f"{name}.npz", **named)
        print(f"{folder / name}.npz: {len(rows)} rows of up to {named['input_ids'].shape[1]} tokens, "
              f"{int(named['attention_mask'].sum())} in all")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/make-token-ids")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--calibration", type=int, default=4608, metavar="N")
    parser.add_argument("--fill", type=int, default=28, metavar="TOKENS")
    parser.add_argument("--test", type=int, default=200, metavar="N")
    parser.add_argument("--length", type=int, default=128, metavar="TOKENS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".build/posttraining"))
    given = parser.parse_args()
    try:
        write(given.folder, given.work, given.calibration, given.test, given.length, given.fill,
              given.seed)
    except ValueError as reason:
        sys.exit(f"make-token-ids: {reason}")
