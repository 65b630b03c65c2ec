// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ngram_fit.hpp"

#include <offramp/exits/ngrams.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/fit.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A head before the encoder and how well it did, its weights rounded.
struct ngram_choice {
  exits::ngram_head head;
  double strength = 0;
  double train_accuracy = 0;
  double dev_nll = std::numeric_limits<double>::infinity();
  bool is_optimal = true;

  /// As an exit on layer 0 that is not calibrated yet.
  [[nodiscard]] fitted_exit fitted() const {
    fitted_exit exit;
    exit.strength = strength;
    exit.train_accuracy = train_accuracy;
    exit.is_optimal = is_optimal;
    return exit;
  }
};

/// The head over n-grams of that shape, its strength chosen on dev.
[[nodiscard]] ngram_choice choose_ngrams(const offramp::detail::text_reader& reader, const dataset& train,
                                         const dataset& dev, std::size_t num_labels, const exits::ngram_shape& shape,
                                         const runner& run);

/// The tensors of a head that stands in `exits.safetensors` under that name.
[[nodiscard]] std::vector<model::named_tensor> describe_ngrams(const exits::ngram_head& head, const std::string& name);

/// The largest share of texts that may leave at the first exit, the surest first, such that its answers are right at
/// least as often as those of the last exit to the same texts; of every size that holds a hundredth of the texts more.
[[nodiscard]] double share_as_right(const exit_logits& logits);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
