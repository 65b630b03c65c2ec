// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/binomial.hpp>
#include <offramp/study/paired_difference.hpp>
#include <offramp/study/sweep_rule.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// The texts that one exit answers.
struct exit_share {
  int layer = 0;  ///< of the encoder, from 1; 0: before it
  std::size_t texts = 0;
  std::size_t correct = 0;
  double mean_confidence = 0.0;  ///< 0 when it answers none

  /// Share of them that is right; 0 when it answers none.
  [[nodiscard]] double accuracy() const noexcept {
    return texts == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(texts);
  }
  bool operator==(const exit_share&) const = default;
};

/// How a data set is answered by one policy, or by a way of choosing exits that is none. Counts are exact. An answer of
/// a multi-label model is right, or another, by all its labels together.
struct operating_point {
  std::optional<threshold_range> thresholds;  ///< that give exactly these answers; nothing where none does

  std::size_t texts = 0;
  std::size_t correct = 0;
  double accuracy = 0.0;
  interval accuracy_95;           ///< Wilson's interval of the accuracy, 95 %
  double macro_f1 = 0.0;          ///< mean over the labels that occur among right or given answers
  double micro_f1 = 0.0;          ///< over all labels together: the accuracy, but for multi-label models
  double mean_layer = 0.0;        ///< encoder layers run, on average over the texts
  double layer_speedup = 0.0;     ///< layer of the last exit / mean_layer; infinity where that is 0
  double mean_flops = 0.0;        ///< floating-point operations (classifier::flops) per text; 0 where not known
  double flops_speedup = 0.0;     ///< those at full depth / mean_flops; 0 where not known
  std::size_t lost = 0;           ///< texts answered wrong that full depth answers right ...
  std::size_t gained = 0;         ///< ... and the other way round
  std::size_t disagreeing = 0;    ///< texts with another label than the last exit gives them
  double disagreement = 0.0;      ///< their share
  double random_accuracy = 0.0;   ///< expected accuracy when the same exits are dealt to the texts at random: same cost
  std::vector<exit_share> exits;  ///< one per exit of the model

  /// The texts that leave before the last exit, as one share (its layer is 0): is their confidence what it promises?
  [[nodiscard]] exit_share early() const;

  /// The accuracy at full depth less that here, on the same texts: what both get wrong is no noise in it. Throws as
  /// compare_paired.
  [[nodiscard]] paired_difference paired_loss(double confidence = 0.95) const {
    return compare_paired(
        {static_cast<std::int64_t>(texts), static_cast<std::int64_t>(lost), static_cast<std::int64_t>(gained)},
        confidence);
  }

  bool operator==(const operating_point&) const = default;
};

inline exit_share operating_point::early() const {
  exit_share all;
  double confidence = 0.0;
  for (std::size_t exit = 0; exit + 1 < exits.size(); ++exit) {
    all.texts += exits[exit].texts;
    all.correct += exits[exit].correct;
    confidence += exits[exit].mean_confidence * static_cast<double>(exits[exit].texts);
  }
  all.mean_confidence = all.texts == 0 ? 0.0 : confidence / static_cast<double>(all.texts);
  return all;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
