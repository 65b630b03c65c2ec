// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/version.hpp>

#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// One diagram: how often answers of some confidence are right.
struct reliability_panel {
  std::string title;                  ///< as in "Layer 3"
  std::string note;                   ///< a short second line, as in "calibration error 0.021"
  std::vector<reliability_bin> bins;  ///< by ascending confidence
};

/// A picture of the panels side by side, as a file of its own that knows light and dark: for every bin the accuracy
/// over the mean confidence with Wilson's 95 % interval, the diagonal of a perfectly calibrated exit, and at the foot
/// how the texts spread over the confidences. Any bytes are valid titles and notes.
[[nodiscard]] OFFRAMP_API std::string reliability_svg(std::span<const reliability_panel> panels);

/// How well one exit's confidence matches its accuracy.
struct exit_reliability {
  int layer = 0;
  float temperature = 1.0F;
  double accuracy = 0.0;
  double mean_confidence = 0.0;
  double calibration_error = 0.0;      ///< expected calibration error, default_bins of equal width
  double error_of_drawn_labels = 0.0;  ///< what that would be on these texts for a perfectly calibrated exit
  /// Spearman's rank correlation of confidence and length in tokens: below 0 where long texts are the harder ones. 0
  /// where one of the two is the same for all.
  double length_correlation = 0.0;
  std::vector<reliability_bin> bins;
};

/// Of every exit over all texts, with the temperatures in `logits`.
[[nodiscard]] OFFRAMP_API std::vector<exit_reliability> reliability_of_exits(const exit_logits& logits);
[[nodiscard]] OFFRAMP_API reliability_panel panel_of(const exit_reliability& exit);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
