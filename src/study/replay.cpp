// SPDX-License-Identifier: Apache-2.0
#include "study/right_answers.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/study/replay.hpp>

#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

replay::replay(const exit_logits& logits)
    : exits_(logits.exits),
      num_texts_(logits.num_texts),
      num_labels_(logits.num_labels),
      cuts_(logits.cuts),
      label_ids_(logits.label_ids),
      label_sets_(logits.label_sets),
      is_labelled_(logits.is_labelled),
      uncertainties_(logits.uncertainties) {
  if (cuts_.empty() ? label_ids_.size() != num_texts_ : label_sets_.size() != num_texts_ * num_labels_) {
    throw error(error_kind::invalid_argument,
                "exit_logits: the right answers are not those of " + std::to_string(num_texts_) + " texts");
  }
  for (std::size_t exit = 0; exit < exits_.size(); ++exit) {
    probabilities_.push_back(exit_probabilities(logits, exit, exits_[exit].temperature));
  }
  const exits::labelling labels(cuts_);
  const std::size_t last = exits_.size() - 1;
  for (std::size_t exit = 0; exit < exits_.size(); ++exit) {
    const labelled_probabilities given = logits.judged(probabilities_[exit]);
    std::vector<std::uint8_t>& right = is_right_.emplace_back();
    std::vector<std::uint8_t>& agreeing = agrees_.emplace_back();
    for (std::size_t text = 0; text < num_texts_; ++text) {
      right.push_back(detail::is_right(given, text) ? 1 : 0);
      agreeing.push_back(labels.agree(probabilities(exit, text), probabilities(last, text)) ? 1 : 0);
    }
  }
}

exit_answer replay::answer(std::size_t exit, std::size_t text) const {
  const std::span<const float> row = probabilities(exit, text);
  return {exit, static_cast<int>(exits::most_probable(row)), exits::labelling(cuts_).confidence(row)};
}

bool replay::gives(std::size_t exit, std::size_t text, std::size_t label) const {
  return exits::labelling(cuts_).gives(probabilities(exit, text), label);
}

bool replay::is_right_label(std::size_t text, std::size_t label) const {
  return detail::is_right_label({{}, label_ids_, num_labels_, cuts_, label_sets_}, text, label);
}

std::vector<exit_answer> replay::decide(const exit_policy& policy) const {
  const offramp::detail::default_floating_point environment;
  exits::check_policy(policy, num_exits(), num_labels_, exits_.front().layer);
  if (policy.deadline()) {
    throw error(error_kind::invalid_argument, "exit_policy: a deadline cannot be replayed");
  }
  if (uncertainties_.empty()) {
    exits::refuse_learned(policy);
  }
  if (is_multi_label()) {
    exits::refuse_exclusive(policy);
  }
  const exits::labelling labels(cuts_);
  std::size_t last = num_exits() - 1;
  while (policy.max_layer() && exits_[last].layer > *policy.max_layer()) {
    --last;
  }
  std::vector<exit_answer> answers(num_texts());
  for (std::size_t text = 0; text < answers.size(); ++text) {
    exits::gate_memory memory;
    const auto may_leave = [&](std::size_t exit) {
      if (!uncertainties_.empty()) {
        memory.uncertainty = uncertainties_[exit * num_texts() + text];
      }
      memory.repeats_answer = exit > 0 && labels.agree(probabilities(exit, text), probabilities(exit - 1, text));
      return exits::is_satisfied(policy, labels, exit, probabilities(exit, text), memory);
    };
    std::size_t exit = 0;
    while (exit < last && !may_leave(exit)) {
      ++exit;
    }
    answers[text] = answer(exit, text);
  }
  return answers;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
