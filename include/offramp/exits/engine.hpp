// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/nn/encoder_layer.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// Everything that turns token ids into answers. Immutable, shared by all calls.
struct early_exit_model {
  nn::encoder encoder;
  head_set heads;
  /// Which heads may answer, by index into heads.heads, ascending; never empty.
  std::vector<std::size_t> answering;
};

/// One visited exit of one text.
struct visit {
  std::size_t exit = 0;  // index into early_exit_model::answering
  std::vector<float> logits;
  std::vector<float> probabilities;
};

/// How one text ended: the exits it visited (the last one only, unless all were asked for), and why it stopped there.
struct outcome {
  std::vector<visit> visits;
  stop_reason stopped = stop_reason::last_exit;
};

enum class keep { last_visit, every_visit };

/// The ragged early-exit loop: embeds a batch of texts, runs layer after layer over the rows of those still unsure, and
/// takes every text out at the exit that answers it. One object serves one call on one thread.
class engine {
 public:
  /// `policy` was checked against the model.
  engine(const early_exit_model& model, const exit_policy& policy, keep kept)
      : model_(model), policy_(policy), kept_(kept), last_exit_(last_exit(model, policy)) {}

  /// Outcomes in the order of `texts`, which were checked against the encoder's embeddings and are not empty.
  std::vector<outcome> run(std::span<const encoding> texts) {
    outcomes_.assign(texts.size(), {});
    embed(texts);
    const int last_layer = head_of(last_exit_).layer;
    for (int layer = 1; layer <= last_layer && !active_.empty(); ++layer) {
      const auto start = clock::now();
      encode(layer);
      remember_pooled_states();
      visit_exits(layer);
      slowest_layer_ = std::max(slowest_layer_, clock::now() - start);
      if (!active_.empty() && next_layer_is_late()) {
        stop_late_texts();
      }
    }
    return std::move(outcomes_);
  }

 private:
  using clock = std::chrono::steady_clock;

  /// One text that has not been answered yet.
  struct active_text {
    std::size_t index = 0;  // into the batch
    head_memory heads;
    gate_memory gate;
    bool is_answered = false;
  };

  static std::size_t last_exit(const early_exit_model& model, const exit_policy& policy) {
    std::size_t last = 0;
    for (std::size_t exit = 0; exit < model.answering.size(); ++exit) {
      if (model.heads.heads[model.answering[exit]].layer <= policy.max_layer().value_or(1 << 30)) {
        last = exit;
      }
    }
    return last;
  }

  [[nodiscard]] const head& head_of(std::size_t exit) const { return model_.heads.heads[model_.answering[exit]]; }

  [[nodiscard]] float* rows_of(std::size_t position) { return rows_.data() + offsets_[position] * model_.encoder.hidden; }
  [[nodiscard]] std::size_t tokens_of(std::size_t position) const { return offsets_[position + 1] - offsets_[position]; }

  void embed(std::span<const encoding> texts) {
    const std::size_t hidden = model_.encoder.hidden;
    active_.clear();
    offsets_.assign(1, 0);
    for (std::size_t index = 0; index < texts.size(); ++index) {
      active_.push_back({.index = index, .heads = {}, .gate = {}, .is_answered = false});
      offsets_.push_back(offsets_.back() + texts[index].ids.size());
    }
    rows_.resize(offsets_.back() * hidden);
    for (std::size_t index = 0; index < texts.size(); ++index) {
      model_.encoder.embeddings.apply(texts[index], rows_of(index));
    }
  }

  void encode(int layer) {
    const auto index = static_cast<std::size_t>(layer) - 1;
    nn::apply_layer(model_.encoder, model_.encoder.layers[index], offsets_, rows_.data(), scratch_);
  }

  // A head that mixes sees the pooled states of all layers so far, also of those without an exit.
  void remember_pooled_states() {
    const auto mixing = std::find_if(model_.heads.heads.begin(), model_.heads.heads.end(),
                                     [](const head& candidate) { return !candidate.mix.empty(); });
    if (mixing == model_.heads.heads.end()) {
      return;
    }
    for (std::size_t position = 0; position < active_.size(); ++position) {
      const std::vector<float> state =
          pooled_state(model_.heads, *mixing, rows_of(position), tokens_of(position), model_.encoder.hidden);
      std::vector<float>& states = active_[position].heads.pooled_layers;
      states.insert(states.end(), state.begin(), state.end());
    }
  }

  void visit_exits(int layer) {
    const auto& heads = model_.heads.heads;
    const auto found = std::find_if(heads.begin(), heads.end(), [&](const head& h) { return h.layer == layer; });
    if (found == heads.end()) {
      return;
    }
    const auto index = static_cast<std::size_t>(found - heads.begin());
    const auto answering = std::find(model_.answering.begin(), model_.answering.end(), index);
    for (std::size_t position = 0; position < active_.size(); ++position) {
      std::vector<float> logits = checked_logits(*found, position);
      if (answering != model_.answering.end()) {
        ask_gate(static_cast<std::size_t>(answering - model_.answering.begin()), std::move(logits), active_[position]);
      }
    }
    compact();
  }

  [[nodiscard]] std::vector<float> checked_logits(const head& head, std::size_t position) {
    std::vector<float> logits = apply_head(model_.heads, head, rows_of(position), tokens_of(position),
                                           model_.encoder.hidden, active_[position].heads);
    if (!std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); })) {
      throw error(error_kind::bad_model, "the logits of the exit on layer " + std::to_string(head.layer) +
                                             " are not finite, expected finite numbers");
    }
    return logits;
  }

  void ask_gate(std::size_t exit, std::vector<float> logits, active_text& text) {
    outcome& outcome = outcomes_[text.index];
    if (kept_ == keep::last_visit) {
      outcome.visits.clear();
    }
    std::vector<float> probabilities = calibrated_probabilities(logits, head_of(exit).temperature);
    outcome.visits.push_back({exit, std::move(logits), std::move(probabilities)});
    if (exit + 1 == model_.answering.size()) {
      outcome.stopped = stop_reason::last_exit;
      text.is_answered = true;
    } else if (is_satisfied(policy_, exit, outcome.visits.back().probabilities, text.gate)) {
      outcome.stopped = stop_reason::confident;
      text.is_answered = true;
    } else if (exit == last_exit_) {
      outcome.stopped = stop_reason::layer_limit;
      text.is_answered = true;
    }
  }

  // Moves the rows of the texts that go on together, in order.
  void compact() {
    const std::size_t hidden = model_.encoder.hidden;
    std::vector<std::size_t> offsets(1, 0);
    std::vector<active_text> going_on;
    for (std::size_t position = 0; position < active_.size(); ++position) {
      if (active_[position].is_answered) {
        continue;
      }
      const float* source = rows_of(position);
      if (float* target = rows_.data() + offsets.back() * hidden; target != source) {
        std::copy_n(source, tokens_of(position) * hidden, target);
      }
      offsets.push_back(offsets.back() + tokens_of(position));
      going_on.push_back(std::move(active_[position]));
    }
    offsets_ = std::move(offsets);
    active_ = std::move(going_on);
  }

  [[nodiscard]] bool next_layer_is_late() const {
    return policy_.deadline() && clock::now() + slowest_layer_ > *policy_.deadline();
  }

  void stop_late_texts() {
    for (active_text& text : active_) {
      if (!outcomes_[text.index].visits.empty()) {
        outcomes_[text.index].stopped = stop_reason::deadline;
        text.is_answered = true;
      }
    }
    compact();
  }

  const early_exit_model& model_;
  const exit_policy& policy_;
  keep kept_;
  std::size_t last_exit_;
  std::vector<outcome> outcomes_;
  std::vector<active_text> active_;
  std::vector<std::size_t> offsets_;  // [active + 1], in tokens
  std::vector<float> rows_;           // [sum of tokens, hidden]
  nn::workspace scratch_;
  clock::duration slowest_layer_{0};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
