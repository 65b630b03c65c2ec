// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

#include <offramp/offramp.hpp>

#include <typeinfo>

answer ask_header_only(const char* directory, const char* text) {
  const auto model = offramp::classifier::load(directory);
  const offramp::prediction p = model.classify(text);
  return {p.label, p.confidence, typeid(model).name()};
}
