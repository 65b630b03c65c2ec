// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <functional>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// Called during long work with how much of it is done, first with 0; may be empty. What it throws ends the work.
using progress = std::function<void(std::size_t done, std::size_t total)>;

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
