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

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
