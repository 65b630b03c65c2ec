// SPDX-License-Identifier: Apache-2.0
#include "study/curve/confusion.hpp"
#include "study/curve/label_share.hpp"
#include "study/curve/tally.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/evaluation.hpp>
#include <offramp/study/replay.hpp>

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

evaluation evaluate(const exit_logits& logits, std::span<const std::string> labels, const exit_policy& policy) {
  const offramp::detail::default_floating_point environment;
  if (labels.size() != logits.num_labels) {
    throw error(error_kind::invalid_argument, "evaluate: " + std::to_string(labels.size()) + " labels, expected the " +
                                                  std::to_string(logits.num_labels) + " of the logits");
  }
  const replay texts(logits);
  const std::vector<exit_answer> answers = texts.decide(policy);
  const std::vector<exit_answer> full = texts.decide(exit_policy::full_depth());
  const detail::tally empty(logits);
  const auto point_of = [&](const std::vector<exit_answer>& given) {
    return detail::point_of_exits(empty, logits.num_texts, [&](std::size_t text) { return given[text].exit; });
  };
  evaluation found{.early = point_of(answers),
                   .full = point_of(full),
                   .disagreement_95 = {},
                   .loss = {},
                   .by_label = {},
                   .confusion = {}};
  found.disagreement_95 = clopper_pearson(static_cast<std::int64_t>(found.early.disagreeing),
                                          static_cast<std::int64_t>(logits.num_texts), 0.95);
  if (logits.is_labelled) {
    found.loss = found.early.paired_loss();
    found.by_label = detail::share_by_label(texts, labels, answers);
    if (!texts.is_multi_label()) {
      found.confusion = detail::count_confusion(texts, answers);
    }
  }
  return found;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
