// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/study/replay.hpp>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

replay::replay(const exit_logits& logits)
    : exits_(logits.exits),
      num_labels_(logits.num_labels),
      label_ids_(logits.label_ids),
      is_labelled_(logits.is_labelled),
      uncertainties_(logits.uncertainties) {
  for (std::size_t exit = 0; exit < exits_.size(); ++exit) {
    probabilities_.push_back(exit_probabilities(logits, exit, exits_[exit].temperature));
  }
}

exit_answer replay::answer(std::size_t exit, std::size_t text) const {
  const std::span<const float> row = probabilities(exit, text);
  const std::size_t label = exits::most_probable(row);
  return {exit, static_cast<int>(label), row[label]};
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
      return exits::is_satisfied(policy, exit, probabilities(exit, text), memory);
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
