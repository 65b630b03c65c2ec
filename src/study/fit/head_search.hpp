// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "exit_choice.hpp"
#include "fit_inputs.hpp"
#include "fit_texts.hpp"
#include "layer_features.hpp"

#include <offramp/nn/layer_runner.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/fit_options.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Looks for heads on the frozen encoder's layers: what each learns from is computed with as few passes as memory
/// allows.
class head_search {
 public:
  /// Borrows all. `texts` are read and answered, with targets of `num_labels`; `cuts` are those of a multi-label model.
  head_search(const bare_model& bare, const fit_texts& texts, std::size_t num_labels, std::span<const float> cuts,
              const fit_options& options, const runner& run, const fit_progress& report);

  /// Every head to choose from, those without a mix first: the best for each of `plain`, which go by ascending layer.
  [[nodiscard]] std::vector<head_choice> find(std::span<const pooled_layer> plain) const;

 private:
  /// The best head for each of these inputs.
  [[nodiscard]] std::vector<head_choice> choose_strengths(const nn::encoder& encoder,
                                                          std::span<const pooled_layer> wanted) const;

  /// A mix for each layer above the first that has a head without.
  [[nodiscard]] std::vector<pooled_layer> learn_mixes(const nn::encoder& encoder,
                                                      std::span<const head_choice> plain) const;

  void tell_heads(std::size_t done, std::size_t total) const;

  const bare_model& bare_;
  const fit_texts& texts_;
  const fit_options& options_;
  const runner& run_;
  const fit_progress& report_;
  choice_task task_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
