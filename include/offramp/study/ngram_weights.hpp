// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/version.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// Whether full depth may change its answers.
enum class full_depth_answers { fitted, kept };

/// Lets the exits behind layers hear the one before the encoder, whose n-grams tell some of what they overlook:
///     logits[exit] = own[exit] + weight[exit] * logits[0],   weight[exit] >= 0
/// a logarithmic opinion pool (Heskes, NIPS 1997) of two, as Zero Time Waste (Wolczyk et al., NeurIPS 2021) has one of
/// all earlier exits. A weight is the one that, with the temperature that fits it best, makes the right answers
/// likeliest; 0 where a likelihood-ratio test at 5 % takes the gain for chance. Replaces the weights that `logits` came
/// with, which stand in `exits`; temperatures stay and fit no longer. The last exit keeps its weight, and so its
/// answers, where that is asked for or its own answers count as right. Up to float32 rounding the engine computes the
/// same. Throws `invalid_argument` where the first exit is not before the encoder, and as fit_temperature does.
[[nodiscard]] OFFRAMP_API exit_logits fit_ngram_weights(exit_logits logits,
                                                        full_depth_answers last = full_depth_answers::fitted);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
