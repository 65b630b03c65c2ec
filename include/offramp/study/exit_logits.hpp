// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/metrics.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What every exit of a model says to every text of a data set, before the temperature. Whatever threshold or
/// temperature is asked for later is computed from here, without running the encoder again.
struct exit_logits {
  std::size_t num_texts = 0;
  std::size_t num_labels = 0;
  std::vector<exit_info> exits;  ///< layer and current temperature of each exit, by ascending layer
  std::vector<int> label_ids;    ///< [texts], the right answers, else the last exit's; multi-label: empty
  std::vector<int> tokens;       ///< [texts], special tokens included
  std::vector<float> values;     ///< [exits, texts, labels]
  std::vector<float> uncertainties =
      {};  ///< [exits, texts], of the learned gate, 1 where it is not asked; empty: no gate
  /// False: the data have no labels. Then full depth counts as right, and whatever is called accuracy is agreement with
  /// it.
  bool is_labelled = true;
  std::vector<float> cuts = {};  ///< [labels] of a multi-label model (classifier::cuts()); else empty
  /// [texts, labels] of a multi-label model: 1 for the right labels, or those that the last exit gives; else 0.
  std::vector<std::uint8_t> label_sets = {};
  std::vector<std::int64_t> flops = {};  ///< [exits, texts], classifier::flops up to each exit; empty: not known

  /// The logits of one exit, [texts, labels].
  [[nodiscard]] std::span<const float> of_exit(std::size_t exit) const {
    const std::size_t size = num_texts * num_labels;
    return std::span(values).subspan(exit * size, size);
  }
  /// Those [labels] of one text.
  [[nodiscard]] std::span<const float> at(std::size_t exit, std::size_t text) const {
    return of_exit(exit).subspan(text * num_labels, num_labels);
  }
  /// Probabilities of these texts [texts, labels] beside the right answers; both borrowed.
  [[nodiscard]] labelled_probabilities judged(std::span<const float> probabilities) const {
    return {probabilities, label_ids, num_labels, cuts, label_sets};
  }
  /// What the gate says of one text; 1 without a gate and at an exit before the encoder, where it is not asked.
  [[nodiscard]] float uncertainty(std::size_t exit, std::size_t text) const {
    return uncertainties.empty() ? 1.0F : uncertainties[exit * num_texts + text];
  }
};

/// One full-depth pass over the data set. `report` hears of every finished chunk, on the calling thread. Throws what
/// classifier::classify_batch_every_exit throws.
[[nodiscard]] OFFRAMP_API exit_logits compute_exit_logits(const classifier& model, const dataset& data,
                                                          const runner& run = {}, const progress& report = {});

/// softmax(logits / temperature) of one exit for every text, [texts, labels], the sigmoid of each logit for multi-label
/// models; bit for bit what the engine computes.
[[nodiscard]] OFFRAMP_API std::vector<float> exit_probabilities(const exit_logits& logits, std::size_t exit,
                                                                float temperature);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
