// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// The arithmetic of the linear layers. This version runs float32; the others are refused as `unsupported`.
enum class numeric_format { float32, bfloat16, int8 };

/// How classifier::load prepares a model.
struct load_options {
  numeric_format format = numeric_format::float32;
  /// Layers whose exits may answer; empty: all of the model's. Heads in between still run where a later one needs them.
  std::vector<int> exits;
  /// Longest text in tokens, special tokens included; default: what the model directory says.
  std::optional<int> max_tokens;
};

/// One file of a model in memory, under its plain file name. The bytes are needed during classifier::load only.
struct model_file {
  std::string_view name;
  std::span<const std::byte> bytes;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
