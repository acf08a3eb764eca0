"""Environment variables: what they may say, with blanks around it, and how others are refused."""

import pytest
from processes import run

import numloss

CONFIG = numloss.show_config(mode="dict")
#: Better ones last, whether this CPU has them or not.
NAMES = ["baseline", "v3", "v4"]
SHOW = "import numloss; print(numloss.show_config(mode='dict')[{!r}])"


def config(key, **environment):
    return run(SHOW.format(key), **environment).removesuffix("\n")


def refusal(**environment):
    """Return the message of the import that fails."""
    with pytest.raises(AssertionError) as caught:
        run("import numloss", **environment)
    return str(caught.value).splitlines()[-1]


def best_up_to(name):
    return [isa for isa in CONFIG["isas"] if NAMES.index(isa) <= NAMES.index(name)][-1]


def test_instruction_set_is_the_best_unless_one_is_asked_for():
    assert config("isa", NUMLOSS_ISA="") == config("isa", NUMLOSS_ISA="  ") == CONFIG["isas"][-1]
    for isa in CONFIG["isas"]:
        assert config("isa", NUMLOSS_ISA=isa) == isa


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["<={}", " <= {}\t"])
def test_best_instruction_set_up_to_one(text, name):
    assert config("isa", NUMLOSS_ISA=text.format(name)) == best_up_to(name)


def test_blanks_around_a_value():
    assert config("isa", NUMLOSS_ISA=" baseline ") == "baseline"
    assert config("threads", NUMLOSS_NUM_THREADS="3 ") == "3"
    assert config("threads", NUMLOSS_NUM_THREADS="\t3") == "3"
    assert config("threads", NUMLOSS_NUM_THREADS=" ", OMP_NUM_THREADS="3") == "3"
    assert config("threading", NUMLOSS_THREADING=" own ") == "own"


def test_openmps_list_for_nested_teams_gives_its_first_number():
    assert config("threads", NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS="3,2") == "3"
    assert config("threads", NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS=" 3 , 2") == "3"


@pytest.mark.parametrize("isa", ["v9", "AVX2", "<=v9", "<=", "<v4", "v3 v4", "baseline,v3"])
def test_unknown_instruction_set_names_the_choices(isa):
    assert refusal(NUMLOSS_ISA=isa) == (
        f"ImportError: NUMLOSS_ISA must be one of {', '.join(CONFIG['isas'])} on this CPU, or "
        f"<=baseline, <=v3, <=v4 for the best up to that one, got '{isa}'"
    )


def test_instruction_set_that_the_cpu_does_not_have_is_refused():
    for name in set(NAMES) - set(CONFIG["isas"]):
        assert refusal(NUMLOSS_ISA=name).endswith(f"got '{name}'")


@pytest.mark.parametrize(
    "count", ["0", "4097", "two", "1.5", "-1", "+1", "2 3", "0x2", "99999999999999999999"]
)
def test_unusable_number_of_threads_is_refused(count):
    assert refusal(NUMLOSS_NUM_THREADS=count) == (
        f"ImportError: NUMLOSS_NUM_THREADS must be a whole number from 1 to 4096, got '{count}'"
    )


@pytest.mark.parametrize("threading", ["x", "OpenMP", "own,openmp"])
def test_unknown_threading_names_the_choices(threading):
    assert refusal(NUMLOSS_THREADING=threading) == (
        f"ImportError: NUMLOSS_THREADING must be own or openmp, got '{threading}'"
    )


def test_openmp_is_refused_by_a_build_without_it():
    if "openmp" in CONFIG["threadings"]:
        assert config("threading", NUMLOSS_THREADING="openmp") == "openmp"
    else:
        assert refusal(NUMLOSS_THREADING="openmp") == (
            "ImportError: NUMLOSS_THREADING must be own in this build, got 'openmp'; build with "
            "the CMake option NUMLOSS_OPENMP=ON for it"
        )


def test_threads_are_the_librarys_own_unless_asked():
    assert config("threading", NUMLOSS_THREADING="") == "own"


def test_values_that_are_not_ours_to_refuse():
    assert run("import numloss; assert numloss.num_threads() >= 1", OMP_NUM_THREADS="x") == ""
