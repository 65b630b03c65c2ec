// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/error.hpp>
#include <offramp/exit_policy.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/exits/engine_memory.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/schedule.hpp>
#include <offramp/nn/encoder_layer.hpp>
#include <offramp/nn/team.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// Everything that turns token ids into answers. Immutable, shared by all calls.
struct early_exit_model {
  nn::encoder encoder;
  head_set heads;
  /// Which heads may answer, by index into heads.heads, ascending; never empty.
  std::vector<std::size_t> answering;
  offramp::schedule schedule = offramp::schedule::by_cost;
};

enum class keep { last_visit, every_visit };

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
        memory_(memory),
        layers_(model.encoder, memory.scratch, team),
        last_exit_(last_exit(model, policy)),
        deepest_exit_(last_exit_),
        texts_may_leave_(may_leave_early(policy)) {}

  /// Outcomes in the order of `texts`, which were checked against the encoder's embeddings and are not empty. They live
  /// in the memory until its next use, and may be moved from.
  std::span<outcome> run(std::span<const request> texts) {
    if (std::any_of(texts.begin(), texts.end(), [](const request& text) { return text.is_sampled; })) {
      deepest_exit_ = model_.answering.size() - 1;
    }
    embed(texts);
    const int last_layer = head_of(deepest_exit_).layer;
    for (int layer = 1; layer <= last_layer && !memory_.active.empty(); ++layer) {
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
    const head* exit = head_on(number);
    const nn::linear* pooler = exit == nullptr ? nullptr : model_.heads.pooler_of(*exit);
    const nn::linear* next = pooler == nullptr ? first_weights_above(number) : pooler;
    layers_.project_key_value(layer, memory_.rows.data(), tokens());
    switch (order_of_rows(exit)) {
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
                              first_weights_above(number));
        }
        break;
    }
  }

  [[nodiscard]] const nn::linear* first_weights_above(int layer) const {
    const auto index = static_cast<std::size_t>(layer);
    return index < model_.encoder.depth ? &model_.encoder.layer(index).key_value : nullptr;
  }

  /// The head on a layer, if its answer can matter: a text may leave there, or has to, or later heads read its logits.
  [[nodiscard]] const head* head_on(int layer) const {
    const auto& heads = model_.heads.heads;
    const auto found = std::find_if(heads.begin(), heads.end(), [&](const head& h) { return h.layer == layer; });
    if (found == heads.end()) {
      return nullptr;
    }
    const std::size_t exit = answering_index(*found);
    const bool may_answer =
        exit == deepest_exit_ || exit == last_exit_ || (exit < last_exit_ && (texts_may_leave_ || policy_.deadline()));
    const bool is_kept = exit < model_.answering.size() && kept_ == keep::every_visit;
    return may_answer || is_kept || model_.heads.append_logits ? &*found : nullptr;
  }

  [[nodiscard]] row_order order_of_rows(const head* exit) const {
    const head* mixing = model_.heads.mixing_head();
    const bool reads_first_rows = exit != nullptr && exit->pooling == model::pooling::cls &&
                                  (mixing == nullptr || mixing->pooling == model::pooling::cls);
    if (!reads_first_rows) {
      return row_order::together;
    }
    if (exit == &head_of(deepest_exit_)) {
      return model_.schedule == offramp::schedule::together ? row_order::together : row_order::first_rows_only;
    }
    const std::size_t index = answering_index(*exit);
    const bool may_leave = index == last_exit_ || (texts_may_leave_ && index < last_exit_);
    const double leaving = may_leave ? memory_.exit_rates[index].value() : 0.0;
    return choose_row_order(model_.schedule, leaving, memory_.active.size(), tokens());
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
    leave();
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
                      first_weights_above(head.layer));
    }
  }

  [[nodiscard]] head_memory& memory_of(std::size_t position) const {
    return memory_.heads[memory_.active[position].index];
  }

  [[nodiscard]] std::span<const float> pooled(std::size_t position) const {
    return {memory_.pooled.data() + position * hidden(), hidden()};
  }

  [[nodiscard]] std::size_t answering_index(const head& head) const {
    const auto index = static_cast<std::size_t>(&head - model_.heads.heads.data());
    const auto found = std::find(model_.answering.begin(), model_.answering.end(), index);
    return found == model_.answering.end() ? model_.heads.heads.size()
                                           : static_cast<std::size_t>(found - model_.answering.begin());
  }

  /// Head, temperature, gate.
  void ask(const head& head, std::size_t position) {
    active_text& text = memory_.active[position];
    head_memory& heads = memory_of(position);
    memory_.logits.resize(model_.heads.num_labels);
    apply_head(head, pooled(position), heads, memory_.head_input, memory_.logits);
    if (!text.is_answered && !logits_are_finite()) {
      throw error(error_kind::bad_model, "the logits of the exit on layer " + std::to_string(head.layer) +
                                             " are not finite, expected finite numbers");
    }
    if (model_.heads.append_logits) {
      for (const float logit : memory_.logits) {
        heads.previous_logits.push_back(logit / head.temperature);
      }
    }
    const std::size_t exit = answering_index(head);
    if (exit >= model_.answering.size()) {
      return;  // a head that later ones need, but that may not answer
    }
    if (text.is_answered) {
      compare(head, text);
    } else {
      answer(head, exit, position);
    }
  }

  [[nodiscard]] bool logits_are_finite() const {
    return std::all_of(memory_.logits.begin(), memory_.logits.end(), [](float logit) { return std::isfinite(logit); });
  }

  void answer(const head& head, std::size_t exit, std::size_t position) {
    active_text& text = memory_.active[position];
    outcome& outcome = memory_.outcomes[text.index];
    outcome.exit = exit;
    outcome.probabilities.resize(memory_.logits.size());
    calibrate(memory_.logits, head.temperature, outcome.probabilities);
    std::optional<float> said_by_gate;
    if (model_.heads.gate) {
      said_by_gate = text.gate.uncertainty = uncertainty(*model_.heads.gate, pooled(position));
    }
    if (kept_ == keep::every_visit) {
      outcome.visits.push_back({exit, memory_.logits, outcome.probabilities, said_by_gate});
    }
    decide(outcome, text);
    memory_.exit_rates[exit].count(text.is_leaving);
  }

  void decide(outcome& outcome, active_text& text) const {
    const bool is_last = outcome.exit + 1 == model_.answering.size();
    if (is_last) {
      outcome.stopped = stop_reason::last_exit;
      text.is_answered = true;
    } else if (is_satisfied(policy_, outcome.exit, outcome.probabilities, text.gate)) {
      outcome.stopped = stop_reason::confident;
      text.is_answered = true;
    } else if (outcome.exit == last_exit_) {
      outcome.stopped = stop_reason::layer_limit;
      text.is_answered = true;
    }
    text.is_leaving = text.is_answered && (is_last || !text.is_sampled);
  }

  /// Of a text that was answered at an earlier exit: whether the last exit gives the same label.
  void compare(const head& head, active_text& text) {
    if (&head != &head_of(deepest_exit_)) {
      return;
    }
    outcome& outcome = memory_.outcomes[text.index];
    outcome.audit = audit_result::disagrees;
    if (logits_are_finite()) {
      memory_.audited.resize(memory_.logits.size());
      calibrate(memory_.logits, head.temperature, memory_.audited);
      if (most_probable(memory_.audited) == most_probable(outcome.probabilities)) {
        outcome.audit = audit_result::agrees;
      }
    }
    text.is_leaving = true;
  }

  /// Takes the texts out that are done: moves the rows, keys and values of the others together, in order.
  void leave() {
    std::vector<active_text>& active = memory_.active;
    std::vector<std::size_t>& offsets = memory_.offsets;
    std::size_t kept = 0;
    std::size_t end = 0;
    for (std::size_t position = 0; position < active.size(); ++position) {
      const std::size_t begin = offsets[position];
      const std::size_t count = offsets[position + 1] - begin;
      if (active[position].is_leaving) {
        continue;
      }
      if (kept != position) {
        move_rows(memory_.rows, begin, end, count, hidden());
        move_rows(memory_.scratch.key_value, begin, end, count, 2 * hidden());
        active[kept] = active[position];
      }
      offsets[kept++] = end;
      end += count;
    }
    active.resize(kept);
    offsets.resize(kept + 1);
    offsets[kept] = end;
  }

  static void move_rows(nn::aligned_vector<float>& rows, std::size_t from, std::size_t to, std::size_t count,
                        std::size_t width) {
    std::copy_n(rows.data() + from * width, count * width, rows.data() + to * width);
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
    leave();
  }

  const early_exit_model& model_;
  const exit_policy& policy_;
  keep kept_;
  engine_memory& memory_;
  nn::layer_runner layers_;
  std::size_t last_exit_;     // where every text is answered at the latest
  std::size_t deepest_exit_;  // where the last text leaves, which an audit may take beyond
  bool texts_may_leave_;
  clock::duration slowest_layer_{0};
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
