"""Natural English sentences: newspaper editorials, and reviews of products and films."""

import tarfile

import numpy as np

import packages

# What raters scored in Hutto and Gilbert 2014 (VADER): an id, a score and a sentence a line.
FILES = ["nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets"]
SHORTEST, LONGEST = 20, 400


def read(work):
    """All distinct sentences of between SHORTEST and LONGEST characters, in the files' order."""
    found = {}
    with tarfile.open(packages.SENTENCES.path(work)) as archive:
        for name in FILES:
            member = archive.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            for line in member.read().decode("utf-8", "replace").splitlines():
                sentence = " ".join(line.split("\t")[-1].split())
                if SHORTEST <= len(sentence) <= LONGEST:
                    found.setdefault(sentence)
    return list(found)


def splits(work, seed, *counts):
    """Disjoint lists of so many sentences each, drawn by the seed."""
    sentences = read(work)
    order = np.random.default_rng(seed).permutation(len(sentences))
    if sum(counts) > len(order):
        raise ValueError(f"there are {len(order)} sentences, {sum(counts)} are asked for")
    drawn, start = [], 0
    for count in counts:
        drawn.append([sentences[i] for i in order[start:start + count]])
        start += count
    return drawn
