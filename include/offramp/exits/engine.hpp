// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/audit.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/early_exit_model.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/visit_plan.hpp>
#include <offramp/nn/encoder_layer.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// The ragged early-exit loop: embeds a batch of texts, runs layer after layer over the rows of those still unsure, and
/// takes every text out at the exit that answers it, or at the last one if an audit sampled it. One object serves one
/// call; the threads of its team share the work of each step.
class engine {
 public:
  /// `policy` was checked against the model. `memory` serves one engine at a time.
  engine(const early_exit_model& model, const exit_policy& policy, keep kept, engine_memory& memory, nn::team& team)
      : model_(model),
        policy_(policy),
        kept_(kept),
        plan_(model, policy, kept),
        memory_(memory),
        layers_(model.encoder, memory.scratch, team) {}

  /// Outcomes in the order of `texts`, which were checked against the encoder's embeddings and are not empty. They live
  /// in the memory until its next use, and may be moved from.
  std::span<outcome> run(std::span<const request> texts) {
    plan_.begin(texts);
    embed(texts);
    for (int layer = 1; layer <= plan_.last_layer() && !memory_.active.empty(); ++layer) {
      const auto start = clock::now();
      run_layer(layer);
      slowest_layer_ = std::max(slowest_layer_, clock::now() - start);
      if (!memory_.active.empty() && next_layer_is_late()) {
        stop_late_texts();
      }
    }
    return std::span(memory_.outcomes).first(texts.size());
  }

 private:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] std::size_t hidden() const { return model_.encoder.hidden; }
  [[nodiscard]] std::size_t tokens() const { return memory_.offsets.back(); }

  void embed(std::span<const request> texts) {
    memory_.begin(texts.size());
    memory_.exit_rates.resize(model_.answering.size());
    for (std::size_t index = 0; index < texts.size(); ++index) {
      memory_.active.push_back({.index = index, .gate = {}, .is_sampled = texts[index].is_sampled});
      memory_.offsets.push_back(memory_.offsets.back() + texts[index].tokens->ids.size());
    }
    nn::grow(memory_.rows, tokens() * hidden());
    layers_.embed(
        texts.size(), [&](std::size_t index) -> const encoding& { return *texts[index].tokens; }, memory_.offsets,
        memory_.rows.data());
  }

  /// Encodes one layer and asks its exit, where it has one.
  void run_layer(int number) {
    const nn::encoder_layer& layer = model_.encoder.layer(static_cast<std::size_t>(number) - 1);
    const head* exit = plan_.head_on(number);
    const nn::linear* pooler = exit == nullptr ? nullptr : model_.heads.pooler_of(*exit);
    const nn::linear* next = pooler == nullptr ? model_.first_weights_above(number) : pooler;
    layers_.project_key_value(layer, memory_.rows.data(), tokens());
    switch (plan_.order_of_rows(exit, memory_.exit_rates, memory_.active.size(), tokens())) {
      case row_order::together:
        layers_.finish_rows(layer, memory_.offsets, memory_.offsets, memory_.rows.data(), next);
        visit(exit, memory_.rows.data(), memory_.offsets);
        break;
      case row_order::first_rows_only:
        finish_first_rows(layer, next);
        visit(exit, memory_.first_rows.data(), memory_.first_offsets);
        break;
      case row_order::first_rows_first:
        finish_first_rows(layer, next);
        visit(exit, memory_.first_rows.data(), memory_.first_offsets);
        if (!memory_.active.empty()) {
          layers_.finish_rows(layer, memory_.offsets, memory_.offsets, memory_.rows.data(),
                              model_.first_weights_above(number));
        }
        break;
    }
  }

  /// Finishes the layer for the first row of each active text, in a copy.
  void finish_first_rows(const nn::encoder_layer& layer, const nn::linear* next) {
    const std::size_t texts = memory_.active.size();
    nn::grow(memory_.first_rows, texts * hidden());
    memory_.first_offsets.resize(texts + 1);
    for (std::size_t position = 0; position < texts; ++position) {
      memory_.first_offsets[position + 1] = position + 1;
      std::copy_n(memory_.rows.data() + memory_.offsets[position] * hidden(), hidden(),
                  memory_.first_rows.data() + position * hidden());
    }
    layers_.finish_rows(layer, memory_.first_offsets, memory_.offsets, memory_.first_rows.data(), next);
  }

  /// Asks the exit of the layer whose output is `rows`, and keeps what later exits need of that layer.
  void visit(const head* exit, const float* rows, std::span<const std::size_t> offsets) {
    const head* mixing = model_.heads.mixing_head();
    if (mixing != nullptr) {
      pool_all(*mixing, rows, offsets);
      for (std::size_t position = 0; position < memory_.active.size(); ++position) {
        std::vector<float>& states = memory_of(position).pooled_layers;
        const std::span<const float> state = pooled(position);
        states.insert(states.end(), state.begin(), state.end());
      }
    }
    if (exit == nullptr) {
      return;
    }
    if (exit->mix.empty()) {
      pool_all(*exit, rows, offsets);
    }
    for (std::size_t position = 0; position < memory_.active.size(); ++position) {
      ask(*exit, position);
    }
    memory_.compact(hidden());
  }

  /// The pooled states of all active texts, through the head's pooler where it has one.
  void pool_all(const head& head, const float* rows, std::span<const std::size_t> offsets) {
    const std::size_t texts = memory_.active.size();
    nn::grow(memory_.pooled, texts * hidden());
    const nn::linear* pooler = model_.heads.pooler_of(head);
    nn::grow(memory_.before_pooler, texts * hidden());
    float* target = pooler == nullptr ? memory_.pooled.data() : memory_.before_pooler.data();
    for (std::size_t position = 0; position < texts; ++position) {
      pool(head.pooling, rows + offsets[position] * hidden(), offsets[position + 1] - offsets[position],
           std::span(target + position * hidden(), hidden()));
    }
    if (pooler != nullptr) {
      layers_.project(*pooler, target, texts, memory_.pooled.data(), head.pooler_activation,
                      model_.first_weights_above(head.layer));
    }
  }

  [[nodiscard]] head_memory& memory_of(std::size_t position) const {
    return memory_.heads[memory_.active[position].index];
  }

  [[nodiscard]] std::span<const float> pooled(std::size_t position) const {
    return {memory_.pooled.data() + position * hidden(), hidden()};
  }

  /// Head, temperature, gate.
  void ask(const head& head, std::size_t position) {
    active_text& text = memory_.active[position];
    head_memory& heads = memory_of(position);
    memory_.logits.resize(model_.heads.num_labels);
    apply_head(head, pooled(position), heads, memory_.head_input, memory_.logits);
    if (!text.is_answered && !all_finite(memory_.logits)) {
      throw error(error_kind::bad_model, "the logits of the exit on layer " + std::to_string(head.layer) +
                                             " are not finite, expected finite numbers");
    }
    if (model_.heads.append_logits) {
      for (const float logit : memory_.logits) {
        heads.previous_logits.push_back(logit / head.temperature);
      }
    }
    if (!head.exit) {
      return;  // later heads need it, but it may not answer
    }
    if (!text.is_answered) {
      answer(head, position);
    } else if (*head.exit == model_.last_exit()) {  // an audit sampled it
      outcome& outcome = memory_.outcomes[text.index];
      outcome.audit = compare(outcome, memory_.logits, head.temperature, memory_.audited);
      text.is_leaving = true;
    }
  }

  void answer(const head& head, std::size_t position) {
    active_text& text = memory_.active[position];
    outcome& outcome = memory_.outcomes[text.index];
    outcome.exit = *head.exit;
    outcome.probabilities.resize(memory_.logits.size());
    calibrate(memory_.logits, head.temperature, outcome.probabilities);
    std::optional<float> said_by_gate;
    if (model_.heads.gate) {
      said_by_gate = text.gate.uncertainty = uncertainty(*model_.heads.gate, pooled(position));
    }
    if (kept_ == keep::every_visit) {
      outcome.visits.push_back({outcome.exit, memory_.logits, outcome.probabilities, said_by_gate});
    }
    decide(outcome, text);
    memory_.exit_rates[outcome.exit].count(text.is_leaving);
  }

  void decide(outcome& outcome, active_text& text) const {
    const bool is_last = outcome.exit == model_.last_exit();
    if (is_last) {
      outcome.stopped = stop_reason::last_exit;
      text.is_answered = true;
    } else if (is_satisfied(policy_, outcome.exit, outcome.probabilities, text.gate)) {
      outcome.stopped = stop_reason::confident;
      text.is_answered = true;
    } else if (outcome.exit == plan_.last_answer()) {
      outcome.stopped = stop_reason::layer_limit;
      text.is_answered = true;
    }
    text.is_leaving = text.is_answered && (is_last || !text.is_sampled);
  }

  [[nodiscard]] bool next_layer_is_late() const {
    return policy_.deadline() && clock::now() + slowest_layer_ > *policy_.deadline();
  }

  void stop_late_texts() {
    for (active_text& text : memory_.active) {
      if (outcome& outcome = memory_.outcomes[text.index]; !outcome.probabilities.empty()) {
        outcome.stopped = stop_reason::deadline;
        text.is_leaving = true;
      }
    }
    memory_.compact(hidden());
  }

  const early_exit_model& model_;
  const exit_policy& policy_;
  keep kept_;
  visit_plan plan_;
  engine_memory& memory_;
  nn::layer_runner layers_;
  clock::duration slowest_layer_{0};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
