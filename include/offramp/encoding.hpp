// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstdint>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Token ids as a model sees them: special tokens included, truncated to the model's max_tokens, never padded.
struct encoding {
  std::vector<std::int32_t> ids;
  /// Segment of each token: 0 for the first text, 1 for the second of a pair. Empty stands for all 0.
  std::vector<std::int32_t> type_ids;
  /// Tokens were cut off to respect max_tokens.
  bool truncated = false;
  /// Of what was cut off a single text, the next ids, where the model has an exit before the encoder that reads more
  /// than max_tokens: as many as it reads. No layer of the encoder sees them.
  std::vector<std::int32_t> cut_ids = {};

  bool operator==(const encoding&) const = default;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
