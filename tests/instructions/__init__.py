"""Instructions that a call of each kernel takes, held against stored ones: ``make instructions``.

Times on a shared machine say nothing of a few per cent; Valgrind's count of instructions is the
same in every run. Counted are the runtime and the kernels of instruction set v3 (Valgrind knows no
AVX-512), on one thread, without Python: tests/native/replay.cpp repeats calls recorded here. Beside
all instructions the packed arithmetic among them is counted: what no way of issuing the others
could spare.

The counts hold for one release of a compiler, which the baseline names. Those of another one are
printed, but cannot be judged.
"""
