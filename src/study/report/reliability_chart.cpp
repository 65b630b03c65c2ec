// SPDX-License-Identifier: Apache-2.0
#include "reliability_chart.hpp"

#include "chart_style.hpp"
#include "study/number_text.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/study/reliability_chart.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

std::string reliability_svg(std::span<const reliability_panel> panels) {
  const offramp::detail::default_floating_point environment;
  return detail::draw_reliability(panels).document(detail::reliability_description, detail::chart_style);
}

std::vector<exit_reliability> reliability_of_exits(const exit_logits& logits) {
  const offramp::detail::default_floating_point environment;
  std::vector<exit_reliability> exits;
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    const float temperature = logits.exits[exit].temperature;
    const std::vector<float> probabilities = exit_probabilities(logits, exit, temperature);
    const labelled_probabilities given = logits.judged(probabilities);
    exits.push_back({.layer = logits.exits[exit].layer,
                     .temperature = temperature,
                     .accuracy = accuracy(given),
                     .mean_confidence = mean_confidence(given),
                     .calibration_error = calibration_error(given),
                     .error_of_drawn_labels = expected_calibration_error_of_draws(given),
                     .length_correlation = correlate_ranks(confidences(given), logits.tokens),
                     .bins = reliability_bins(given)});
  }
  return exits;
}

reliability_panel panel_of(const exit_reliability& exit) {
  const offramp::detail::default_floating_point environment;
  return {"Layer " + std::to_string(exit.layer),
          "calibration error " + detail::fixed_number(exit.calibration_error, 3) + " (by chance " +
              detail::fixed_number(exit.error_of_drawn_labels, 3) + ")",
          exit.bins};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
