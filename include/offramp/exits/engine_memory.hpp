// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/exits/schedule.hpp>
#include <offramp/nn/workspace.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// One visited exit of one text.
struct visit_record {
  std::size_t exit = 0;  // index into early_exit_model::answering
  std::vector<float> logits;
  std::vector<float> probabilities;
  std::optional<float> uncertainty;  // where the model has a gate
};

/// One text to be classified.
struct request {
  const encoding* tokens = nullptr;
  bool is_sampled = false;  // for an audit: goes on to the last exit once answered; never with a deadline
};

[[nodiscard]] inline std::size_t count_tokens(std::span<const request> texts) {
  std::size_t sum = 0;
  for (const request& text : texts) {
    sum += text.tokens->ids.size();
  }
  return sum;
}

/// What the last exit says of a text that was answered below it.
enum class audit_result { none, agrees, disagrees };

/// How one text ended.
struct outcome {
  std::size_t exit = 0;                   // the last one that could answer, index into early_exit_model::answering
  std::vector<float> probabilities = {};  // there; empty until an exit was visited
  stop_reason stopped = stop_reason::last_exit;
  audit_result audit = audit_result::none;
  std::optional<int> failed_layer = {};   // whose exit's logits were not finite: there is no answer
  std::vector<visit_record> visits = {};  // only where every visit is kept
  std::vector<float> logits = {};         // of the exit, where the policy asks for them
  std::vector<float> embedding = {};      // [hidden], likewise
};

/// One text that is still in the encoder: not answered yet, or on its way to the last exit for an audit.
struct active_text {
  std::size_t index = 0;  // into the batch
  gate_memory gate;
  bool is_sampled = false;
  bool is_answered = false;
  bool is_leaving = false;
};

/// What an engine writes to while it runs. Reused from call to call, so that a call of a size seen before allocates
/// nothing here.
struct engine_memory {
  std::vector<outcome> outcomes;
  std::vector<head_memory> heads;  // by index into the batch
  std::vector<active_text> active;
  std::vector<std::size_t> offsets;         // [active + 1], in tokens
  std::vector<std::size_t> first_offsets;   // 0, 1, 2, ...
  nn::aligned_vector<float> rows;           // [sum of tokens, hidden]
  nn::aligned_vector<float> first_rows;     // [active, hidden]
  nn::aligned_vector<float> before_pooler;  // [active, hidden]
  nn::aligned_vector<float> pooled;         // [active, hidden]
  std::vector<float> head_input;
  ngram_memory ngrams;
  std::vector<float> logits;          // [labels]
  std::vector<float> probabilities;   // [labels], of the same exit
  std::vector<exit_rate> exit_rates;  // by index into early_exit_model::answering
  nn::workspace scratch;

  /// Forgets the texts of the last call.
  void begin(std::size_t texts) {
    outcomes.resize(std::max(outcomes.size(), texts));
    heads.resize(std::max(heads.size(), texts));
    for (std::size_t i = 0; i < texts; ++i) {
      outcomes[i].probabilities.clear();
      outcomes[i].audit = audit_result::none;
      outcomes[i].failed_layer.reset();
      outcomes[i].visits.clear();
      outcomes[i].logits.clear();
      outcomes[i].embedding.clear();
      heads[i].pooled_layers.clear();
      heads[i].previous_logits.clear();
    }
    active.clear();
    offsets.assign(1, 0);
    first_offsets.assign(1, 0);
    scratch.keeps_key_value = false;
  }

  /// Makes the logits at hand the text's answer so far, and tells its gate whether the exit before gave the same.
  void calibrate(const labelling& labels, float temperature, active_text& text) {
    std::vector<float>& answered = outcomes[text.index].probabilities;
    probabilities.resize(logits.size());
    labels.calibrate(logits, temperature, probabilities);
    text.gate.repeats_answer = labels.agree(probabilities, answered);
    answered = probabilities;
  }

  /// Takes the texts out that are leaving: moves the rows, keys and values of the others together, in order.
  void compact(std::size_t hidden) {
    std::size_t kept = 0;
    std::size_t end = 0;
    for (std::size_t position = 0; position < active.size(); ++position) {
      const std::size_t begin = offsets[position];
      const std::size_t count = offsets[position + 1] - begin;
      if (active[position].is_leaving) {
        continue;
      }
      if (kept != position) {
        move_rows(rows, begin, end, count, hidden);
        if (scratch.keeps_key_value) {
          move_rows(scratch.key_value, begin, end, count, 2 * hidden);
        }
        active[kept] = active[position];
      }
      offsets[kept++] = end;
      end += count;
    }
    active.resize(kept);
    offsets.resize(kept + 1);
    offsets[kept] = end;
  }

  /// Memory that it takes, but for what a text's outcome owns.
  [[nodiscard]] std::size_t bytes() const noexcept {
    using nn::bytes_of;
    std::size_t sum = scratch.bytes() + bytes_of(outcomes) + bytes_of(heads) + bytes_of(active) + bytes_of(offsets) +
                      bytes_of(first_offsets) + bytes_of(rows) + bytes_of(first_rows) + bytes_of(before_pooler) +
                      bytes_of(pooled) + bytes_of(head_input) + bytes_of(logits) + bytes_of(probabilities) +
                      bytes_of(exit_rates) + ngrams.bytes();
    for (const head_memory& text : heads) {
      sum += bytes_of(text.pooled_layers) + bytes_of(text.previous_logits) + bytes_of(text.ngram_logits);
    }
    return sum;
  }

 private:
  static void move_rows(nn::aligned_vector<float>& rows, std::size_t from, std::size_t to, std::size_t count,
                        std::size_t width) {
    std::copy_n(rows.data() + from * width, count * width, rows.data() + to * width);
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
