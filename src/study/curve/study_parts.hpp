// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/study/curve_study.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/sweep_rule.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <string>

/// What every study of a model is put together from.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What the logits say without a clock: no picks, times and labels yet.
[[nodiscard]] curve_study begin_study(const classifier& model, const std::string& model_name, const dataset& data,
                                      const exit_logits& logits, const sweep_rule& rule);

/// Adds what single texts say, once picks and times are known: by label, examples, and where readers can stop.
void add_texts(curve_study& study, const classifier& model, const dataset& data, const exit_logits& logits,
               std::size_t num_examples);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
