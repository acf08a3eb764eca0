"""Every check of what a user passes, and every message. Nothing here computes a loss.

The kernels take most arguments as they are; what comes here is what they could not take, to be
converted, or refused with a message that names the argument, what was needed and what came.
"""

from numloss._validate.arrays import (
    array,
    elementwise,
    is_boolean,
    is_integer_array,
    is_number,
    is_real,
    refuse_change,
)
from numloss._validate.classes import (
    class_count,
    class_numbers,
    class_table,
    label_counts,
    labels,
    rowwise,
)
from numloss._validate.domains import (
    ANY,
    SIGNED,
    UNIT,
    UNIT_BOTH,
    Domain,
    refuse_domain,
    refuse_target,
)
from numloss._validate.keywords import (
    call,
    refuse_arguments,
)
from numloss._validate.parameters import (
    below_one,
    boolean,
    fraction,
    generator,
    integer,
    nonnegative,
    one_of,
    positive,
    positive_integer,
    thread_count,
)

__all__ = [
    "ANY",
    "SIGNED",
    "UNIT",
    "UNIT_BOTH",
    "Domain",
    "array",
    "below_one",
    "boolean",
    "call",
    "class_count",
    "class_numbers",
    "class_table",
    "elementwise",
    "fraction",
    "generator",
    "integer",
    "is_boolean",
    "is_integer_array",
    "is_number",
    "is_real",
    "label_counts",
    "labels",
    "nonnegative",
    "one_of",
    "positive",
    "positive_integer",
    "refuse_arguments",
    "refuse_change",
    "refuse_domain",
    "refuse_target",
    "rowwise",
    "thread_count",
]
