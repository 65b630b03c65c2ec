// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/call_meter.hpp>
#include <offramp/encoding.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/assignment.hpp>
#include <offramp/exits/audit.hpp>
#include <offramp/exits/early_exit_model.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/visit_plan.hpp>
#include <offramp/nn/layer_runner.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// The ragged early-exit loop: asks the exit before the encoder, where the model has one, embeds the texts that are
/// still unsure, runs layer after layer over their rows, and takes every text out at the exit that answers it, or at
/// the last one if an audit sampled it. One object serves one call; the threads of its team share the work of each
/// step.
class engine {
 public:
  /// `memory` serves one engine at a time. What `work` and `on_leave` refer to outlives the engine.
  engine(const early_exit_model& model, const assignment& work, leave_callback on_leave, engine_memory& memory,
         nn::team& team)
      : model_(model),
        work_(work),
        policy_(work.policy),
        on_leave_(on_leave),
        plan_(model, policy_, work.kept),
        memory_(memory),
        layers_(model.encoder, memory.scratch, team) {}

  /// Answers all of `texts`, which were checked against the encoder's embeddings and are not empty. Indices of outcomes
  /// are those of the texts.
  void run(std::span<const request> texts) {
    const auto call_start = clock::now();
    const int first_exit = model_.head_of(0).layer;
    texts_ = texts;
    plan_.begin(texts);
    begin();
    for (int layer = 0; layer <= plan_.last_layer() && !memory_.active.empty(); ++layer) {
      if (policy_.stop_token().stop_requested()) {
        stop_texts(stop_reason::cancelled);
        break;
      }
      if (layer == first_exit && next_layer_is_late()) {
        plan_.end_at_first_exit();
      }
      const auto start = clock::now();
      if (layer == 0) {
        enter();
      } else {
        run_layer(layer);
      }
      slowest_layer_ = std::max(slowest_layer_, clock::now() - start);
      if (work_.waiting != nullptr && layer == first_exit) {
        work_.waiting->reached_first_exit(count_tokens(texts), clock::now() - call_start);
      }
      if (!memory_.active.empty() && next_layer_is_late()) {
        stop_texts(stop_reason::deadline);
      }
    }
    if (work_.statistics != nullptr) {
      work_.statistics->encoding += clock::now() - call_start - work_.statistics->classifying;
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] std::size_t hidden() const { return model_.encoder.hidden; }
  [[nodiscard]] std::size_t tokens() const { return memory_.offsets.back(); }

  [[nodiscard]] const encoding& text_of(std::size_t position) const {
    return *texts_[memory_.active[position].index].tokens;
  }

  void begin() {
    memory_.begin(texts_.size());
    memory_.exit_rates.resize(model_.answering.size());
    for (std::size_t index = 0; index < texts_.size(); ++index) {
      memory_.active.push_back({.index = index, .gate = {}, .is_sampled = texts_[index].is_sampled});
      memory_.offsets.push_back(0);  // no rows yet
    }
  }

  /// Asks the exit before the encoder, where there is one, and embeds the texts that stay.
  void enter() {
    if (const head* exit = plan_.head_on(0)) {
      visit(exit, nullptr, memory_.offsets);
    }
    const std::size_t texts = memory_.active.size();
    for (std::size_t position = 0; position < texts; ++position) {
      memory_.offsets[position + 1] = memory_.offsets[position] + text_of(position).ids.size();
    }
    nn::grow(memory_.rows, tokens() * hidden());
    if (texts > 0) {
      layers_.embed(
          texts, [&](std::size_t position) -> const encoding& { return text_of(position); }, memory_.offsets,
          memory_.rows.data());
    }
  }

  /// Encodes one layer and asks its exit, where it has one.
  void run_layer(int number) {
    if (work_.statistics != nullptr) {
      work_.statistics->token_layers += static_cast<std::int64_t>(tokens());
    }
    const nn::encoder_layer& layer = model_.encoder.layer(static_cast<std::size_t>(number) - 1);
    const head* exit = plan_.head_on(number);
    const nn::linear* pooler = exit == nullptr ? nullptr : model_.heads.pooler_of(*exit);
    const nn::linear* next = pooler == nullptr ? model_.first_weights_above(number) : pooler;
    switch (plan_.order_of_rows(exit, memory_.exit_rates, memory_.active.size(), tokens())) {
      case row_order::together:
        layers_.run(layer, memory_.offsets, memory_.rows.data(), next);
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
    layers_.project_key_value(layer, memory_.rows.data(), memory_.offsets);
    nn::grow(memory_.first_rows, texts * hidden());
    memory_.first_offsets.resize(texts + 1);
    for (std::size_t position = 0; position < texts; ++position) {
      memory_.first_offsets[position + 1] = position + 1;
      std::copy_n(memory_.rows.data() + memory_.offsets[position] * hidden(), hidden(),
                  memory_.first_rows.data() + position * hidden());
    }
    layers_.finish_rows(layer, memory_.first_offsets, memory_.offsets, memory_.first_rows.data(), next);
  }

  void visit(const head* exit, const float* rows, std::span<const std::size_t> offsets) {
    const auto start = work_.statistics == nullptr ? clock::time_point() : clock::now();
    ask_all(exit, rows, offsets);
    if (work_.statistics != nullptr) {
      work_.statistics->classifying += clock::now() - start;
    }
    if (exit != nullptr) {
      leave();
    }
  }

  /// Asks the exit of the layer whose output is `rows`, and keeps what later exits need of that layer.
  void ask_all(const head* exit, const float* rows, std::span<const std::size_t> offsets) {
    if (exit == nullptr || !exit->ngrams) {
      pool_for(exit, rows, offsets);
    }
    for (std::size_t position = 0; exit != nullptr && position < memory_.active.size(); ++position) {
      ask(*exit, position);
    }
  }

  void pool_for(const head* exit, const float* rows, std::span<const std::size_t> offsets) {
    const head* mixing = model_.heads.mixing_head();
    if (mixing != nullptr) {
      pool_all(*mixing, rows, offsets);
      for (std::size_t position = 0; position < memory_.active.size(); ++position) {
        std::vector<float>& states = memory_of(position).pooled_layers;
        const std::span<const float> state = pooled(position);
        states.insert(states.end(), state.begin(), state.end());
      }
    }
    if (exit != nullptr && exit->mix.empty()) {
      pool_all(*exit, rows, offsets);
    }
  }

  /// The pooled states of all active texts, through the head's pooler where it has one.
  void pool_all(const head& head, const float* rows, std::span<const std::size_t> offsets) {
    const std::size_t texts = memory_.active.size();
    nn::grow(memory_.pooled, texts * hidden());
    const nn::linear* pooler = model_.heads.pooler_of(head);
    if (pooler == nullptr) {
      pool_each(head.pooling, layers_, rows, offsets, std::span(memory_.pooled).first(texts * hidden()));
    } else {
      nn::grow(memory_.before_pooler, texts * hidden());
      pool_each(head.pooling, layers_, rows, offsets, std::span(memory_.before_pooler).first(texts * hidden()));
      layers_.project(*pooler, memory_.before_pooler.data(), texts, memory_.pooled.data(), head.pooler_activation,
                      model_.first_weights_above(head.layer));
    }
    if (head.pooler_norm) {
      layers_.normalize(*head.pooler_norm, memory_.pooled.data(), texts);
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
    if (head.ngrams) {
      head.ngrams->apply(text_of(position), memory_.ngrams, memory_.logits);
      heads.ngram_logits = memory_.logits;
    } else {
      apply_head(head, pooled(position), heads, memory_.head_input, memory_.logits);
    }
    if (!text.is_answered && !all_finite(memory_.logits)) {
      memory_.outcomes[text.index].failed_layer = head.layer;
      text.is_answered = text.is_leaving = true;
      return;
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
      outcome.audit = compare(model_.heads.labels(), outcome, memory_.logits, head.temperature, memory_.probabilities);
      text.is_leaving = true;
    }
  }

  void answer(const head& head, std::size_t position) {
    active_text& text = memory_.active[position];
    outcome& outcome = memory_.outcomes[text.index];
    outcome.exit = *head.exit;
    memory_.calibrate(model_.heads.labels(), head.temperature, text);
    if (policy_.has_logits()) {
      outcome.logits = memory_.logits;
    }
    if (policy_.has_embedding() && !head.ngrams) {
      outcome.embedding.assign(memory_.head_input.data(), memory_.head_input.data() + hidden());
    }
    std::optional<float> said_by_gate;
    if (model_.heads.gate && !head.ngrams) {
      said_by_gate = text.gate.uncertainty = uncertainty(*model_.heads.gate, pooled(position));
    }
    if (work_.kept == keep::every_visit) {
      outcome.visits.push_back({outcome.exit, memory_.logits, outcome.probabilities, said_by_gate});
    }
    plan_.decide(outcome, text);
    memory_.exit_rates[outcome.exit].count(text.is_leaving);
  }

  /// Also when it would take the time that waiting texts need to their first exits.
  [[nodiscard]] bool next_layer_is_late() const {
    if (!policy_.deadline()) {
      return false;
    }
    const auto others = work_.waiting == nullptr ? clock::duration{0} : work_.waiting->needed();
    return clock::now() + slowest_layer_ + others > *policy_.deadline();
  }

  /// Takes out the texts that have an answer, or, when cancelled, all.
  void stop_texts(stop_reason why) {
    for (active_text& text : memory_.active) {
      outcome& outcome = memory_.outcomes[text.index];
      const bool is_leaving = why == stop_reason::cancelled || !outcome.probabilities.empty();
      if (is_leaving && !text.is_answered) {
        outcome.stopped = why;
      }
      text.is_leaving = is_leaving;
    }
    leave();
  }

  /// Hands on and takes out the texts that are leaving.
  void leave() {
    for (const active_text& text : memory_.active) {
      if (text.is_leaving) {
        on_leave_(text.index, memory_.outcomes[text.index]);
      }
    }
    memory_.compact(hidden());
  }

  std::span<const request> texts_;
  const early_exit_model& model_;
  const assignment& work_;
  const exit_policy& policy_;
  leave_callback on_leave_;
  visit_plan plan_;
  engine_memory& memory_;
  nn::layer_runner layers_;
  clock::duration slowest_layer_{0};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
