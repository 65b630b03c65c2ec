// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/study/replay.hpp>

#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {

[[nodiscard]] inline exit_answer answer_of(std::span<const float> probabilities, std::size_t exit) {
  const std::size_t label = exits::most_probable(probabilities);
  return {exit, static_cast<int>(label), probabilities[label]};
}

[[nodiscard]] inline exit_answer replay_text(const exit_logits& logits, const exit_policy& policy, std::size_t text,
                                             std::span<float> probabilities) {
  exits::gate_memory memory;
  const std::size_t last = logits.exits.size() - 1;
  for (std::size_t exit = 0;; ++exit) {
    exits::calibrate(logits.at(exit, text), logits.exits[exit].temperature, probabilities);
    const bool is_limit = policy.max_layer() && exit < last && logits.exits[exit + 1].layer > *policy.max_layer();
    if (exit == last || is_limit || exits::is_satisfied(policy, exit, probabilities, memory)) {
      return answer_of(probabilities, exit);
    }
  }
}

}  // namespace detail

OFFRAMP_INLINE std::vector<std::vector<exit_answer>> answers_of_exits(const exit_logits& logits) {
  std::vector<std::vector<exit_answer>> answers(logits.exits.size());
  std::vector<float> probabilities(logits.num_labels);
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    for (std::size_t text = 0; text < logits.num_texts; ++text) {
      exits::calibrate(logits.at(exit, text), logits.exits[exit].temperature, probabilities);
      answers[exit].push_back(detail::answer_of(probabilities, exit));
    }
  }
  return answers;
}

OFFRAMP_INLINE std::vector<exit_answer> replay(const exit_logits& logits, const exit_policy& policy) {
  exits::check_policy(policy, logits.exits.size(), logits.num_labels, logits.exits.front().layer);
  if (policy.deadline()) {
    throw error(error_kind::invalid_argument, "replay: the policy has a deadline, expected none");
  }
  std::vector<exit_answer> answers;
  std::vector<float> probabilities(logits.num_labels);
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    answers.push_back(detail::replay_text(logits, policy, text, probabilities));
  }
  return answers;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
