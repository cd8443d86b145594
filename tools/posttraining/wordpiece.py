"""BERT's tokenizer for uncased vocabularies. (Devlin et al. 2019; Wu et al. 2016, section 4.1.)"""

import unicodedata


class WordPiece:
    """Ids of a text's pieces: each word from the left by the longest piece that the vocabulary has."""

    LONGEST_WORD = 100

    def __init__(self, vocabulary):
        """`vocabulary` has one piece a line; its id is the line's number, from 0."""
        self.ids = {piece: i for i, piece in enumerate(vocabulary.split("\n")) if piece}

    def encode(self, text, length):
        """[CLS], the text's pieces and [SEP]: at most `length` ids."""
        pieces = [piece for word in words(text) for piece in self.pieces(word)]
        return [self.ids["[CLS]"], *pieces[:length - 2], self.ids["[SEP]"]]

    def pieces(self, word):
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.ids:
                    found.append(self.ids[piece])
                    start = end
                    break
            else:
                return [self.ids["[UNK]"]]
        return found if len(word) <= self.LONGEST_WORD else [self.ids["[UNK]"]]


def words(text):
    """Lower-case words without accents; punctuation and ideographs stand alone."""
    text = "".join(separated(c) for c in text if not is_dropped(c))
    text = unicodedata.normalize("NFD", text.lower())
    spaced = (f" {c} " if is_punctuation(c) else c for c in text if unicodedata.category(c) != "Mn")
    return "".join(spaced).split()


def separated(c):
    if c.isspace():
        return " "
    return f" {c} " if is_ideograph(ord(c)) else c


def is_dropped(c):
    if c in "\t\n\r":
        return False
    return c in "\0\ufffd" or unicodedata.category(c).startswith("C")


def is_punctuation(c):
    if c.isascii():
        return not c.isalnum() and not c.isspace()
    return unicodedata.category(c).startswith("P")


def is_ideograph(code):
    return any(low <= code <= high for low, high in (
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
        (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)))
