// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>

#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Multiply-adds that only some of the CPUs of one Highway target have.
struct optional_products {
  bool int8 = false;      ///< four int8 at once: arm64's sdot
  bool bfloat16 = false;  ///< two bfloat16 at once: vdpbf16ps, arm64's bfdot
};

/// What this CPU has and `avoid` does not name. Asks the operating system; safe from any thread.
[[nodiscard]] optional_products find_optional_products(std::span<const instruction_set> avoid);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
