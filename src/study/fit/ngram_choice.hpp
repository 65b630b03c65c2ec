// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fit_texts.hpp"
#include "ngram_fit.hpp"

#include <offramp/exits/ngrams.hpp>
#include <offramp/model/model_parts.hpp>
#include <offramp/model/safetensors_writer.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/fit.hpp>

#include <cstddef>
#include <limits>
#include <span>
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

/// The head over n-grams of the shape in `options`, its strength chosen on dev; `cuts` are those of a multi-label
/// model.
[[nodiscard]] ngram_choice choose_ngrams(const offramp::detail::text_reader& reader, const fit_texts& texts,
                                         std::size_t num_labels, std::span<const float> cuts,
                                         const fit_options& options, const runner& run);

/// The tensors of a head, named as behind "exits.0.".
[[nodiscard]] std::vector<model::named_tensor> describe_ngrams(const exits::ngram_head& head);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
