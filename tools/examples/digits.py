#!/usr/bin/env python3
"""Runs a model of digits through libsparrow with ctypes: nothing is compiled or installed.

  tools/examples/digits.py LIBSPARROW.so MODEL.sparrow IMAGE.f32     64 float32 numbers, 8 x 8
"""
import array
import ctypes
import sys

FLOAT32 = 1


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1020)]


class Tensor(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("rank", ctypes.c_int32), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    library = ctypes.CDLL(sys.argv[1])
    error = Error()

    def check(status):
        if status:
            sys.exit(error.message.decode())

    model, context = ctypes.c_void_p(), ctypes.c_void_p()
    check(library.sparrow_model_open(sys.argv[2].encode(), ctypes.byref(model), ctypes.byref(error)))
    check(library.sparrow_context_create(model, None, ctypes.byref(context), ctypes.byref(error)))
    pixels = array.array("f")
    with open(sys.argv[3], "rb") as file:
        pixels.frombytes(file.read())
    address, count = pixels.buffer_info()
    image = Tensor(FLOAT32, 4, (ctypes.c_int64 * 4)(1, 1, 8, 8), address, count * pixels.itemsize)
    scores = Tensor()
    check(library.sparrow_run(context, ctypes.byref(image), 1, ctypes.byref(scores), 1, ctypes.byref(error)))
    values = ctypes.cast(scores.data, ctypes.POINTER(ctypes.c_float))[:scores.size // 4]
    best = max(range(len(values)), key=values.__getitem__)
    print(f"{best} ({values[best]:.5g})")
    library.sparrow_context_destroy(context)
    library.sparrow_model_close(model)


main()
