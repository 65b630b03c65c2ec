// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// The range of temperatures that a model may have.
inline constexpr float lowest_temperature = 1e-3F;
inline constexpr float highest_temperature = 1e3F;

/// The temperature that makes one exit's probabilities fit the right answers best.
struct temperature_fit {
  float temperature = 1.0F;
  /// The best temperature lies at or beyond the end of the range: at the lowest when every answer is right, at the
  /// highest when the logits say less than nothing.
  bool at_bound = false;
  double nll_before = 0.0;  ///< at temperature 1
  double nll_after = 0.0;   ///< at `temperature`, never above nll_before
};

/// Minimises the mean negative log-likelihood of the right answers under softmax(logits / temperature) (Guo et al.,
/// 2017). It is convex in 1/temperature, so the minimum is found by Newton steps, bisecting where one would leave the
/// bracket; the same logits always give the same bits. Where the temperature makes no difference, because every text
/// has equal logits, it is 1. Throws `invalid_argument` for no texts, sizes that contradict each other, label ids out
/// of range and logits that are not finite.
[[nodiscard]] OFFRAMP_API temperature_fit fit_temperature(std::span<const float> logits /* [texts, labels] */,
                                                          std::span<const int> label_ids /* [texts] */,
                                                          std::size_t num_labels);

/// The mean of -ln softmax(logits / temperature)[right answer] in nats, by log-sum-exp: finite also where a probability
/// is 0 in float32. With `class_weights` the mean in which a text counts as much as its label does. Throws as
/// fit_temperature does, and for class weights that are not one for each label.
[[nodiscard]] OFFRAMP_API double negative_log_likelihood(
    std::span<const float> logits /* [texts, labels] */, std::span<const int> label_ids /* [texts] */,
    std::size_t num_labels, float temperature,
    std::span<const double> class_weights /* [labels], or empty: all 1 */ = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
