// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/exit_logits.hpp>
#include <offramp/study/fit.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The same without the first exit.
[[nodiscard]] exit_logits without_first_exit(exit_logits logits);

/// What the first exit, which stands before the encoder, saves on these texts.
[[nodiscard]] encoder_saving measure_saving(const exit_logits& logits, double most_loss);

/// Whether that is a hundredth of the layers or more.
[[nodiscard]] inline bool is_worth_it(const encoder_saving& saving) {
  return saving.mean_layer <= 0.99 * saving.mean_layer_without;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
