// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Why a text went no deeper.
enum class stop_reason {
  confident,    ///< the policy's rule was satisfied
  last_exit,    ///< it reached the last exit, which always answers
  deadline,     ///< the next exit could not be reached before the policy's deadline
  layer_limit,  ///< it reached the last exit at or below the policy's max_layer
  cancelled,    ///< a stop was requested of the policy's stop token
};

/// The answer for one text. One that is cancelled before its first exit has none: its label is empty, label_id and
/// layer are -1, probabilities are empty, and tokens is 0 where it had not been tokenized.
///
/// A multi-label model (classifier::cuts() is not empty) gives any number of labels: `label_ids` are all of them,
/// `label` their names with commas between, `label_id` the most probable of them, -1 where none is given.
struct prediction {
  std::string label;  ///< name of the class
  int label_id = 0;   ///< index into classifier::labels(), the lowest of the most probable
  /// Bit for bit probabilities[label_id]; multi-label: that of the least sure decision, the lowest of max(p, 1 - p).
  float confidence = 0.0F;
  std::vector<float> probabilities;  ///< one per label, after the temperature
  int layer = 0;                     ///< encoder layer whose exit answered, from 1; 0: before the encoder
  int tokens = 0;                    ///< tokens the encoder saw, special tokens included
  bool truncated = false;            ///< the text was longer than max_tokens
  stop_reason stopped = stop_reason::last_exit;
  std::vector<float> logits = {};     ///< of the exit that answered, before the temperature; by policy.with_logits()
  std::vector<float> embedding = {};  ///< [hidden], the pooled state its classifier read; by policy.with_embedding(),
                                      ///< empty before the encoder
  std::vector<int> label_ids = {};    ///< multi-label: the labels whose probability is above their cut, ascending

  bool operator==(const prediction&) const = default;
};

/// One class of a prediction.
struct ranked_label {
  int label_id = 0;  ///< index into classifier::labels()
  float probability = 0.0F;

  bool operator==(const ranked_label&) const = default;
};

/// The `count` most probable classes, given or not, or all if there are fewer: the most probable first, of equals the
/// lower label_id.
[[nodiscard]] OFFRAMP_API std::vector<ranked_label> top_k(const prediction& answer, std::size_t count);

/// What one exit says of a text, whether or not a policy would let it answer.
struct exit_output {
  /// Before the temperature, one per label.
  std::vector<float> logits;
  /// Equal to what classify returns when a full-depth policy has this exit's layer as max_layer.
  prediction answer;
  /// How unsure the model's learned gate says this exit is, from 0 to 1; nothing without a gate.
  std::optional<float> uncertainty = {};

  bool operator==(const exit_output&) const = default;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/exits/top_k.hpp>
#endif
