// SPDX-License-Identifier: Apache-2.0
// What the enumerations of C++ are called in Python: as everywhere, with underscores.
#include "module.hpp"

#include <algorithm>

namespace offramp_python {

std::string loss_name(offramp::certified_loss loss) {
  std::string name(offramp::name_of(loss));
  std::ranges::replace(name, '-', '_');
  return name;
}

offramp::numeric_format format_of(std::string_view name) {
  if (const auto format = offramp::numeric_format_named(name)) {
    return *format;
  }
  throw offramp::error(offramp::error_kind::invalid_argument, "a format is \"float32\", \"bfloat16\" or \"int8\"");
}

offramp::certified_loss loss_of(std::string_view name) {
  using enum offramp::certified_loss;
  for (const auto loss : {disagreement, accuracy_drop, error}) {
    if (name == loss_name(loss)) {
      return loss;
    }
  }
  throw offramp::error(offramp::error_kind::invalid_argument,
                       "a loss is \"disagreement\", \"accuracy_drop\" or \"error\"");
}

}  // namespace offramp_python
