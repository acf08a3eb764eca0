// What runtime and kernels both compile must be inlined wherever it is called: of the copies of a
// function that does not vanish the linker keeps one, which may be that of an instruction set that
// the CPU does not have.
#pragma once

#define NUMLOSS_INLINE [[gnu::always_inline]] inline
