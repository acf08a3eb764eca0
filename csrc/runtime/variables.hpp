// Environment variables, as the library reads them.
#pragma once

#include <string>

namespace numloss {

// The value of a variable without the blanks before and after it; empty if it is not set.
std::string variable(const char* name);
// The text without the blanks before and after it.
std::string trimmed(const std::string& text);

}  // namespace numloss
