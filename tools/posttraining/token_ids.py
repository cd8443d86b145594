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


def write(folder, work, calibration=1024, test=200, length=128, seed=0):
    """calibration.npz and test.npz of the sentences that the seed draws."""
    tokenizer = WordPiece(packages.VOCABULARY.path(work).read_text(encoding="utf-8"))
    drawn = sentences.splits(work, seed, test, calibration)
    for name, lines in zip(("test", "calibration"), drawn):
        named = arrays([tokenizer.encode(line, length) for line in lines])
        folder.mkdir(parents=True, exist_ok=True)
        write_npz(folder / f"{name}.npz", **named)
        print(f"{folder / name}.npz: {len(lines)} sentences, {int(named['attention_mask'].sum())} "
              f"tokens, padded to {named['input_ids'].shape[1]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/make-token-ids")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--calibration", type=int, default=1024, metavar="N")
    parser.add_argument("--test", type=int, default=200, metavar="N")
    parser.add_argument("--length", type=int, default=128, metavar="TOKENS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".build/posttraining"))
    given = parser.parse_args()
    write(given.folder, given.work, given.calibration, given.test, given.length, given.seed)
