#include "constants.hpp"

namespace numloss {

const Reals kLeastExpArgument = kExpZeros;

}  // namespace numloss
