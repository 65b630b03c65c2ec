// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/exit_temperature.hpp"

#include <offramp/study/exit_logits.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/metrics.hpp>

#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The exit with its temperature, and what that does, on these texts.
[[nodiscard]] inline fitted_exit calibrated(fitted_exit exit, const exit_logits& logits, std::size_t index) {
  exit.temperature = fit_exit_temperature(logits, index);
  const auto measure = [&](float temperature, auto metric) {
    const std::vector<float> probabilities = exit_probabilities(logits, index, temperature);
    return metric(logits.judged(probabilities));
  };
  const auto ece = [](const labelled_probabilities& given) { return calibration_error(given); };
  exit.dev_accuracy = measure(1.0F, [](const labelled_probabilities& given) { return accuracy(given); });
  exit.ece_before = measure(1.0F, ece);
  exit.ece_after = measure(exit.temperature.temperature, ece);
  return exit;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
