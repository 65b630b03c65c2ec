// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/gate.hpp>
#include <offramp/exits/head.hpp>
#include <offramp/exits/schedule.hpp>
#include <offramp/nn/workspace.hpp>
#include <offramp/prediction.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// One visited exit of one text.
struct visit_record {
  std::size_t exit = 0;  // index into early_exit_model::answering
  std::vector<float> logits;
  std::vector<float> probabilities;
};

/// How one text ended.
struct outcome {
  std::size_t exit = 0;              // the last one visited, index into early_exit_model::answering
  std::vector<float> probabilities;  // there; empty until an exit was visited
  stop_reason stopped = stop_reason::last_exit;
  std::vector<visit_record> visits;  // only where every visit is kept
};

/// One text that has not been answered yet.
struct active_text {
  std::size_t index = 0;  // into the batch
  head_memory heads;
  gate_memory gate;
  bool is_answered = false;
};

/// What an engine writes to while it runs. Reused from call to call, so that a call of a size seen before allocates
/// nothing here.
struct engine_memory {
  std::vector<outcome> outcomes;
  std::vector<active_text> active;
  std::vector<std::size_t> offsets;         // [active + 1], in tokens
  std::vector<std::size_t> first_offsets;   // 0, 1, 2, ...
  nn::aligned_vector<float> rows;           // [sum of tokens, hidden]
  nn::aligned_vector<float> first_rows;     // [active, hidden]
  nn::aligned_vector<float> before_pooler;  // [active, hidden]
  nn::aligned_vector<float> pooled;         // [active, hidden]
  std::vector<float> head_input;
  std::vector<float> logits;          // [labels]
  std::vector<exit_rate> exit_rates;  // by index into early_exit_model::answering
  nn::workspace scratch;

  /// Forgets the texts of the last call.
  void begin(std::size_t texts) {
    outcomes.resize(std::max(outcomes.size(), texts));
    for (std::size_t i = 0; i < texts; ++i) {
      outcomes[i].probabilities.clear();
      outcomes[i].visits.clear();
    }
    active.clear();
    offsets.assign(1, 0);
    first_offsets.assign(1, 0);
  }
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
