// SPDX-License-Identifier: Apache-2.0
// The one file that calls the Highway library. The kernels are compiled from its headers in a namespace of ours, where
// that library's functions are not.
#include "cpu_targets.hpp"

#include <hwy/targets.h>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

std::int64_t find_cpu_targets() { return hwy::SupportedTargets(); }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
