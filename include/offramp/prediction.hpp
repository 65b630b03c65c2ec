// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

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
};

/// The answer for one text.
struct prediction {
  std::string label;                 ///< name of the class
  int label_id = 0;                  ///< index into classifier::labels(), the lowest of the most probable
  float confidence = 0.0F;           ///< bit for bit probabilities[label_id]
  std::vector<float> probabilities;  ///< one per label, after the temperature
  int layer = 0;                     ///< encoder layer whose exit answered, from 1
  int tokens = 0;                    ///< tokens the encoder saw, special tokens included
  bool truncated = false;            ///< the text was longer than max_tokens
  stop_reason stopped = stop_reason::last_exit;

  bool operator==(const prediction&) const = default;
};

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
