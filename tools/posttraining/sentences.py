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


def split(work, seed, count):
    """`count` sentences that the seed draws, and all others in an order that it draws."""
    sentences = read(work)
    if count > len(sentences):
        raise ValueError(f"there are {len(sentences)} sentences, {count} are asked for")
    order = np.random.default_rng(seed).permutation(len(sentences))
    drawn = [sentences[i] for i in order]
    return drawn[:count], drawn[count:]
