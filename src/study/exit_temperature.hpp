// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/exit_logits.hpp>
#include <offramp/study/temperature.hpp>

#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The best temperature of one exit. Where the last exit's answers count as right, nothing says how sure of them it may
/// be itself: it keeps the temperature that it has.
[[nodiscard]] inline temperature_fit fit_exit_temperature(const exit_logits& logits, std::size_t exit) {
  const std::span<const float> values = logits.of_exit(exit);
  if (logits.is_labelled || exit + 1 < logits.exits.size()) {
    return fit_temperature(values, logits.label_ids, logits.num_labels);
  }
  const auto nll = [&](float temperature) {
    return negative_log_likelihood(values, logits.label_ids, logits.num_labels, temperature);
  };
  const float kept = logits.exits[exit].temperature;
  return {kept, false, nll(1.0F), nll(kept)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
