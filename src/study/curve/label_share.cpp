// SPDX-License-Identifier: Apache-2.0
#include "label_share.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/label_share.hpp>
#include <offramp/study/replay.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {

std::vector<label_share> share_by_label(const replay& texts, std::span<const std::string> labels,
                                        std::span<const exit_answer> answers) {
  const std::size_t last = texts.num_exits() - 1;
  std::vector<label_share> shares;
  for (const std::string& label : labels) {
    shares.push_back({label, 0, 0, 0, 0.0});
  }
  for (std::size_t text = 0; text < texts.num_texts(); ++text) {
    for (std::size_t label = 0; label < shares.size(); ++label) {
      if (texts.is_right_label(text, label)) {
        shares[label].texts += 1;
        shares[label].correct += texts.gives(answers[text].exit, text, label) ? 1U : 0U;
        shares[label].correct_at_full_depth += texts.gives(last, text, label) ? 1U : 0U;
        shares[label].mean_layer += texts.exits()[answers[text].exit].layer;
      }
    }
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
  if (labels.size() != logits.num_labels) {
    throw error(error_kind::invalid_argument, "share_by_label: " + std::to_string(labels.size()) +
                                                  " labels, expected the " + std::to_string(logits.num_labels) +
                                                  " of the logits");
  }
  return detail::share_by_label(texts, labels, texts.decide(policy));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
