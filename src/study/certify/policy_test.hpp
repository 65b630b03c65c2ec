// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

/// What every kind of certification shares.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Steps of a path of thresholds, and of a search for one, from 1 to 0.
inline constexpr int threshold_steps = 1000;

[[nodiscard]] inline float threshold_at(int step) {
  return static_cast<float>(threshold_steps - step) / static_cast<float>(threshold_steps);
}

[[noreturn]] inline void refuse_certification(const std::string& what) {
  throw error(error_kind::invalid_argument, "certification: " + what);
}

/// Throws unless both lie between 0 and 1.
inline void check_promise(double epsilon, double delta) {
  if (!(epsilon > 0.0 && epsilon < 1.0) || !(delta > 0.0 && delta < 1.0)) {
    refuse_certification("epsilon " + offramp::detail::number_text(epsilon) + ", delta " +
                         offramp::detail::number_text(delta) + ", expected both between 0 and 1");
  }
}

/// Throws also for a loss that asks for labels of texts that have none.
inline void check_certifiable(const replay& texts, certified_loss loss, double epsilon, double delta) {
  check_promise(epsilon, delta);
  if (!texts.is_labelled() && loss != certified_loss::disagreement) {
    refuse_certification("the texts have no labels, and only disagreement with full depth asks for none");
  }
}

/// Whether the exit's answer to the text is a loss.
[[nodiscard]] inline bool is_lost(const replay& texts, std::size_t text, std::size_t exit, certified_loss loss) {
  switch (loss) {
    case certified_loss::disagreement:
      return !texts.agrees(exit, text);
    case certified_loss::accuracy_drop:
      return !texts.is_right(exit, text) && texts.is_right(texts.num_exits() - 1, text);
    case certified_loss::error:
      return !texts.is_right(exit, text);
  }
  return true;
}

/// A policy whose losses on the texts add up to `losses`.
[[nodiscard]] inline tested_policy test_policy(const replay& texts, const exit_policy& policy, std::int64_t losses,
                                               double delta) {
  const auto n = static_cast<std::int64_t>(texts.num_texts());
  double layers = 0.0;
  for (const exit_answer& answer : texts.decide(policy)) {
    layers += texts.exits()[answer.exit].layer;
  }
  return {policy, losses, static_cast<double>(losses) / static_cast<double>(n), clopper_pearson_upper(losses, n, delta),
          layers / static_cast<double>(n)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
