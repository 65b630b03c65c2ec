// SPDX-License-Identifier: Apache-2.0
#include "label_share.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/study/label_share.hpp>
#include <offramp/study/replay.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {

std::vector<label_share> share_by_label(const exit_logits& logits, std::span<const std::string> labels,
                                        std::span<const exit_answer> answers, std::span<const exit_answer> full) {
  std::vector<label_share> shares;
  for (const std::string& label : labels) {
    shares.push_back({label, 0, 0, 0, 0.0});
  }
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    const int right = logits.label_ids[text];
    label_share& share = shares.at(static_cast<std::size_t>(right));
    share.texts += 1;
    share.correct += answers[text].label_id == right ? 1U : 0U;
    share.correct_at_full_depth += full[text].label_id == right ? 1U : 0U;
    share.mean_layer += logits.exits[answers[text].exit].layer;
  }
  for (label_share& share : shares) {
    share.mean_layer /= share.texts == 0 ? 1.0 : static_cast<double>(share.texts);
  }
  return shares;
}

}  // namespace detail

std::vector<label_share> share_by_label(const exit_logits& logits, std::span<const std::string> labels,
                                        const exit_policy& policy) {
  const offramp::detail::default_floating_point environment;
  const replay texts(logits);
  return detail::share_by_label(logits, labels, texts.decide(policy), texts.decide(exit_policy::full_depth()));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
