"""Check the object files of a build: ``python tools/check_objects.py build/DIRECTORY ...``.

An object of kernels holds code for one instruction set. What leaves it the linker may take for the
whole library, and what runs when it is loaded runs on every CPU; so whatever leaves is named in the
namespace of its instruction set, nothing runs by itself and nothing can be written to. Objects of
any architecture can be read.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, Symbol

#: What compilers call on their own for loops that copy or clear.
COPIES = {"memset", "memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}
#: x86-64-v2 has no fused multiply-add; libm's is exact, so that no bit depends on it.
FMA = {"fma", "fmaf"}
#: A constant whose value the kernels' compilers must not know (csrc/runtime/constants.hpp).
CONSTANTS = {"_ZN7numloss17kLeastExpArgumentE"}
#: What runs before or after main.
UNBIDDEN = (".init_array", ".fini_array", ".ctors", ".dtors", ".preinit_array")
IEEE = ("-ffp-contract=off", "-fno-lto")
#: Targets that handle what callers send, and how they are compiled.
HARD = ("runtime", "checks", "capi", "_core")
HARDENED = ("-fstack-protector-strong", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS")


def is_own(name: str, isa: str) -> bool:
    """Tell whether a name lies in the namespace of an instruction set.

    Names of templates begin with their own scope, whatever they are instantiated for; those of what
    lies within a function, such as lambdas, have a Z more.
    """
    return re.match(rf"_ZZ?NK?7numloss{len(isa)}{isa}", name) is not None


def allowed(isa: str, machine: str) -> set[str]:
    """Return the names an object of kernels may need from outside the kernels."""
    return COPIES | CONSTANTS | (FMA if (isa, machine) == ("baseline", "EM_X86_64") else set())


def symbol_faults(symbols: list[Symbol], isa: str, machine: str) -> Iterator[str]:
    """Yield what is wrong with the symbols that other objects see."""
    outside = [s for s in symbols if s["st_info"]["bind"] != "STB_LOCAL"]
    needed = {s.name for s in outside if s["st_shndx"] == "SHN_UNDEF" and not is_own(s.name, isa)}
    if surplus := needed - allowed(isa, machine):
        yield f"needs {sorted(surplus)}"
    leave = {s.name for s in outside if s["st_shndx"] != "SHN_UNDEF"}
    if shared := sorted(name for name in leave if not is_own(name, isa)):
        yield f"exports {shared}: the linker may mix instruction sets"


def section_faults(sections: list[Section], symbols: list[Symbol], isa: str) -> Iterator[str]:
    """Yield what is wrong with the sections."""
    # The symbol that a group, of which the linker keeps one copy, is named after.
    groups = [symbols[s["sh_info"]].name for s in sections if s["sh_type"] == "SHT_GROUP"]
    if shared := sorted(name for name in groups if not is_own(name, isa)):
        yield f"has sections that the linker keeps one copy of: {shared}"
    for section in sections:
        if section["sh_size"] == 0:
            continue
        if section.name.startswith(UNBIDDEN):
            yield f"runs code of its own when it is loaded ({section.name})"
        written = section["sh_flags"] & SH_FLAGS.SHF_WRITE
        # Tables of functions are written once, by the loader, and then read-only.
        if written and not section.name.startswith(".data.rel.ro"):
            yield f"has memory that can be written to ({section.name})"


def kernel_faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with an object of kernels."""
    isa = re.search(r"kernels_(\w+)\.dir", str(path))[1]
    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = list(elf.get_section_by_name(".symtab").iter_symbols())
        yield from symbol_faults(symbols, isa, elf["e_machine"])
        yield from section_faults(list(elf.iter_sections()), symbols, isa)


def command_faults(command: dict[str, str]) -> Iterator[str]:
    """Yield what is missing from how a file was compiled."""
    target = re.search(r"CMakeFiles/(\w+)\.dir", command["output"])[1]
    needed = IEEE if target.startswith("kernels_") else HARDENED if target in HARD else ()
    yield from (f"is compiled without {flag}" for flag in needed if flag not in command["command"])


def check(build: Path) -> list[str]:
    """Return what is wrong with a build, one line for each fault."""
    kernels = sorted(build.glob("**/kernels_*.dir/**/*.o"))
    faults = [] if kernels else [f"{build}: no objects of kernels"]
    faults += [f"{path}: {fault}" for path in kernels for fault in kernel_faults(path)]
    for command in json.loads((build / "compile_commands.json").read_text()):
        faults += [f"{command['output']}: {fault}" for fault in command_faults(command)]
    return faults


if __name__ == "__main__":
    faults = [fault for build in sys.argv[1:] for fault in check(Path(build))]
    sys.exit("\n".join(faults) or None)
