// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace offramp_bench {

/// `count` inputs of exactly `tokens` tokens: the model's own first and last special token around random ids of its
/// vocabulary, the same on every run. `tokens` is at least 2.
[[nodiscard]] std::vector<offramp::encoding> random_inputs(const offramp::classifier& model, std::size_t count,
                                                           std::size_t tokens);

}  // namespace offramp_bench
