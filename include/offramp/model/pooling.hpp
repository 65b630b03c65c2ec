// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

enum class pooling { cls, mean };  ///< the [CLS] row, or the mean of all rows

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
