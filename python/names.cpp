// SPDX-License-Identifier: Apache-2.0
// What the enumerations of C++ are called in Python.
#include "module.hpp"

namespace offramp_python {

const char* name_of(offramp::stop_reason reason) {
  switch (reason) {
    case offramp::stop_reason::confident:
      return "confident";
    case offramp::stop_reason::last_exit:
      return "last_exit";
    case offramp::stop_reason::deadline:
      return "deadline";
    case offramp::stop_reason::layer_limit:
      return "layer_limit";
    default:
      return "cancelled";
  }
}

const char* name_of(offramp::certified_loss loss) {
  switch (loss) {
    case offramp::certified_loss::disagreement:
      return "disagreement";
    case offramp::certified_loss::accuracy_drop:
      return "accuracy_drop";
    default:
      return "error";
  }
}

offramp::numeric_format format_of(std::string_view name) {
  if (name == "float32") {
    return offramp::numeric_format::float32;
  }
  if (name == "bfloat16") {
    return offramp::numeric_format::bfloat16;
  }
  if (name == "int8") {
    return offramp::numeric_format::int8;
  }
  throw nb::value_error("a format is \"float32\", \"bfloat16\" or \"int8\"");
}

offramp::certified_loss loss_of(std::string_view name) {
  using enum offramp::certified_loss;
  for (const auto loss : {disagreement, accuracy_drop, error}) {
    if (name == name_of(loss)) {
      return loss;
    }
  }
  throw nb::value_error("a loss is \"disagreement\", \"accuracy_drop\" or \"error\"");
}

}  // namespace offramp_python
