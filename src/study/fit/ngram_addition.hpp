// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fit_model.hpp"
#include "study/exit_files.hpp"

#include <offramp/model/files.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/fit_options.hpp>
#include <offramp/study/known_texts.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A model with one more exit, before the encoder.
struct ngram_addition {
  exit_files files;
  fit_outcome outcome;  // the new exit alone
};

/// Fits an exit before the encoder of a model whose exits.json describes others; these stay as they are, bit for bit.
/// Certificates stay too, and hold where the new exit is left out. What no longer speaks of all exits is dropped, with
/// a warning: how they were calibrated, and a default policy with a threshold for each exit.
/// `known` are the texts that the model knows.
[[nodiscard]] ngram_addition add_ngrams(const model::file_set& model, known_texts known, const fit_files& files,
                                        const fit_options& options, const fit_purpose& purpose, const runner& run,
                                        const fit_progress& report);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
