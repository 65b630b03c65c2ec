// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Highway's targets (HWY_AVX2 and so on, or-ed) that this CPU and operating system have. Safe from any thread.
[[nodiscard]] std::int64_t find_cpu_targets();

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
