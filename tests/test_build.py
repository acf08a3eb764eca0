"""How the extension module and libnumloss are linked: what leaves them, what an attacker finds.

Objects of a build, which an installation does not have, are read by tools/check_objects.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS, ENUM_DT_FLAGS_1
from tools.mutate import FAULTS

import numloss
from numloss import _core

ROOT = Path(__file__).parents[1]
BUILT_WITH_OPENMP = "openmp" in _core.config()["threadings"]


EXTENSION, LIBRARY = Path(_core.__file__), Path(numloss.get_library())


@pytest.fixture(scope="module", params=[EXTENSION, LIBRARY], ids=["extension", "library"])
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def elf(path: Path) -> Iterator[ELFFile]:
    with path.open("rb") as file:
        yield ELFFile(file)


@pytest.fixture(scope="module")
def dynamic(elf: ELFFile) -> DynamicSegment:
    return next(x for x in elf.iter_segments() if isinstance(x, DynamicSegment))


def tags(dynamic: DynamicSegment, name: str) -> list[int | str]:
    found = [tag for tag in dynamic.iter_tags() if tag.entry.d_tag == name]
    texts = {"DT_NEEDED": "needed", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
    return [getattr(tag, texts[name]) if name in texts else tag.entry.d_val for tag in found]


def names(elf: ELFFile, defined: bool) -> set[str]:
    """Return the symbols that the module shows to others, or needs of them."""
    symbols = list(elf.get_section_by_name(".dynsym").iter_symbols())
    return {s.name for s in symbols if s.name and (s["st_shndx"] != "SHN_UNDEF") == defined}


def test_the_extension_exports_its_entry_alone():
    with EXTENSION.open("rb") as file:
        assert names(ELFFile(file), defined=True) == {"PyInit__core"}


def test_nothing_needs_the_mathematics_of_others(path, elf):
    """But for fma on CPUs without one: every bit of exp and log is ours."""
    libm = {"exp", "expm1", "exp2", "log", "log1p", "log2", "pow", "tanh", "sqrt", "fma"}
    libm |= {f"{name}f" for name in libm} | {f"{name}l" for name in libm}
    emulates = path == LIBRARY and elf["e_machine"] == "EM_X86_64"
    assert names(elf, defined=False) & libm == ({"fma", "fmaf"} if emulates else set())


def test_nothing_is_needed_but_the_system(path, dynamic):
    """OpenMP's library only in a build with the option for it."""
    system = ("libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libpthread.so", "ld-linux")
    system += ("libdl.so",)  # before glibc 2.34
    needed = [name for name in tags(dynamic, "DT_NEEDED") if not name.startswith(system)]
    if path == EXTENSION:
        assert needed == [LIBRARY.name]
    else:
        openmp = [name.startswith(("libgomp", "libomp")) for name in needed]
        assert openmp == [True] * BUILT_WITH_OPENMP


@pytest.mark.plain_build
def test_functions_are_bound_before_they_are_called(elf, dynamic):
    """So that the table of their addresses can be, and is, read-only from loading on."""
    flags = tags(dynamic, "DT_FLAGS")[0], tags(dynamic, "DT_FLAGS_1")[0]
    assert flags[0] & ENUM_DT_FLAGS["DF_BIND_NOW"]
    assert flags[1] & ENUM_DT_FLAGS_1["DF_1_NOW"]
    kept = next(x for x in elf.iter_segments() if x["p_type"] == "PT_GNU_RELRO")
    table = elf.get_section_by_name(".got")
    assert kept["p_vaddr"] <= table["sh_addr"]
    assert table["sh_addr"] + table["sh_size"] <= kept["p_vaddr"] + kept["p_memsz"]
    assert elf.get_section_by_name(".got.plt") is None


def test_no_memory_can_be_written_and_executed(elf):
    segments = list(elf.iter_segments())
    assert [x["p_flags"] for x in segments if x["p_type"] == "PT_GNU_STACK"] == [
        P_FLAGS.PF_R | P_FLAGS.PF_W
    ]
    both = P_FLAGS.PF_W | P_FLAGS.PF_X
    assert [x for x in segments if x["p_flags"] & both == both] == []


@pytest.mark.plain_build
def test_code_is_not_changed_when_it_is_loaded(dynamic):
    assert tags(dynamic, "DT_TEXTREL") == []
    assert not tags(dynamic, "DT_FLAGS")[0] & ENUM_DT_FLAGS["DF_TEXTREL"]


def test_libraries_are_looked_for_where_the_system_or_the_wheel_has_them(dynamic):
    paths = tags(dynamic, "DT_RPATH") + tags(dynamic, "DT_RUNPATH")
    assert [path for path in paths if not path.startswith("$ORIGIN")] == []


@pytest.mark.plain_build
def test_stacks_are_guarded(elf):
    assert "__stack_chk_fail" in names(elf, defined=False)


def test_one_version_for_all():
    """The recipe of conda has it again, as rattler-build reads no TOML."""
    recipe = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text()
    version, abi = numloss.__version__, LIBRARY.name.rpartition(".")[2]
    assert f'  version: "{version}"\n  abi: "{abi}"\n' in recipe


def test_every_seeded_fault_has_its_line():
    """What tools/mutate.py would break stands where it looks for it, once."""
    for fault in FAULTS:
        assert (ROOT / fault.file).read_text().count(fault.text) == 1, fault.name
