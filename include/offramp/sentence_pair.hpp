// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Two texts judged together. Views: both texts must outlive the call they are given to.
struct sentence_pair {
  std::string_view premise;
  std::string_view hypothesis;
};

/// What a model expects to classify: one text, or premise and hypothesis.
enum class input_kind { single, pair };

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
