#include "variables.hpp"

#include <cstdlib>

namespace numloss {

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? trimmed(value) : "";
}

}  // namespace numloss
