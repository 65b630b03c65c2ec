// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/exits/early_exit_model.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/schedule.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

enum class keep { last_visit, every_visit };

/// Which exits a call asks, and in which order it computes the rows that they read.
class visit_plan {
 public:
  visit_plan(const early_exit_model& model, const exit_policy& policy, keep kept)
      : model_(model),
        policy_(policy),
        kept_(kept),
        texts_may_leave_(may_leave_early(policy)),
        last_answer_(last_answer(model, policy)),
        deepest_exit_(last_answer_) {}

  /// Plans for these texts: those that an audit sampled go on to the model's last exit.
  void begin(std::span<const request> texts) {
    last_answer_ = last_answer(model_, policy_);
    deepest_exit_ = std::ranges::any_of(texts, &request::is_sampled) ? model_.last_exit() : last_answer_;
    limit_ = stop_reason::layer_limit;
  }

  /// No text goes beyond its first exit, because the deadline leaves no time; nothing else is computed for that layer.
  void end_at_first_exit() {
    if (last_answer_ > 0) {
      last_answer_ = deepest_exit_ = 0;
      limit_ = stop_reason::deadline;
    }
  }

  /// The layer where the last text leaves.
  [[nodiscard]] int last_layer() const { return model_.head_of(deepest_exit_).layer; }

  /// The head on a layer, if its answer can matter: a text may leave there, or has to, or later heads read its logits.
  [[nodiscard]] const head* head_on(int layer) const {
    const auto& heads = model_.heads.heads;
    const auto found = std::ranges::find(heads, layer, &head::layer);
    if (found == heads.end()) {
      return nullptr;
    }
    const bool is_needed = model_.heads.are_read_later(*found) || (found->exit && is_asked(*found->exit));
    return is_needed ? &*found : nullptr;
  }

  /// Whether a text leaves with the answer that it has just been given, and why.
  void decide(outcome& outcome, active_text& text) const {
    const bool is_last = outcome.exit == model_.last_exit();
    if (is_last) {
      outcome.stopped = stop_reason::last_exit;
      text.is_answered = true;
    } else if (is_satisfied(policy_, model_.heads.labels(), outcome.exit, outcome.probabilities, text.gate)) {
      outcome.stopped = stop_reason::confident;
      text.is_answered = true;
    } else if (outcome.exit == last_answer_) {
      outcome.stopped = limit_;
      text.is_answered = true;
    }
    text.is_leaving = text.is_answered && (is_last || !text.is_sampled);
  }

  /// For the layer of `exit`, which so many texts of so many tokens reach.
  [[nodiscard]] row_order order_of_rows(const head* exit, std::span<const exit_rate> rates, std::size_t texts,
                                        std::size_t tokens) const {
    const head* mixing = model_.heads.mixing_head();
    const bool reads_first_rows = exit != nullptr && exit->pooling == model::pooling::cls &&
                                  (mixing == nullptr || mixing->pooling == model::pooling::cls);
    if (!reads_first_rows) {
      return row_order::together;
    }
    if (exit->exit == deepest_exit_) {
      return model_.schedule == schedule::together ? row_order::together : row_order::first_rows_only;
    }
    const bool may_leave =
        exit->exit && (*exit->exit == last_answer_ || (texts_may_leave_ && *exit->exit < last_answer_));
    return choose_row_order(model_.schedule, may_leave ? rates[*exit->exit].value() : 0.0, texts, tokens);
  }

 private:
  static std::size_t last_answer(const early_exit_model& model, const exit_policy& policy) {
    std::size_t last = model.last_exit();
    while (last > 0 && policy.max_layer() && model.head_of(last).layer > *policy.max_layer()) {
      --last;
    }
    return last;
  }

  [[nodiscard]] bool is_asked(std::size_t exit) const {
    return exit == deepest_exit_ || exit == last_answer_ || kept_ == keep::every_visit ||
           (exit < last_answer_ && (texts_may_leave_ || policy_.deadline()));
  }

  const early_exit_model& model_;
  const exit_policy& policy_;
  keep kept_;
  bool texts_may_leave_;
  std::size_t last_answer_;
  std::size_t deepest_exit_;
  stop_reason limit_ = stop_reason::layer_limit;  // of texts that reach last_answer_
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
