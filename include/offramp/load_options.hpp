// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// The arithmetic of the linear layers; everything else is float32.
///   float32   as trained
///   bfloat16  weights and inputs rounded to bfloat16, sums in float32
///   int8      weights rounded to 8 bits per output, inputs per row while they are computed, sums in int32
/// The header-only target runs float32 alone and refuses the others as `unsupported`.
enum class numeric_format { float32, bfloat16, int8 };

/// Instructions that a CPU may have beyond its architecture's first version. Each includes the ones before it of the
/// same architecture.
enum class instruction_set {
  avx2,         ///< with FMA
  avx512,       ///< F, BW, DQ, VL
  avx512_vnni,  ///< with int8 dot products, AVX's as well, and what else Ice Lake has
  avx512_bf16,  ///< with bfloat16 dot products
  amx,          ///< with tile registers, which Linux gives to a process that asks: the first load that uses them does
  arm_dotprod,  ///< arm64's int8 dot products (Armv8.2 and later)
  arm_bf16,     ///< arm64's bfloat16 dot products (Armv8.6 and later)
};

/// When a layer with an exit computes the [CLS] rows that the exit reads: before the layer's other rows, which texts
/// that leave there then never need, or together with them. It changes no result.
///   by_cost    first where the rows that are likely saved outweigh reading weights twice; the last layer has no others
///   cls_first  first at every exit that pools [CLS]
///   together   all rows of every layer that runs
enum class schedule { by_cost, cls_first, together };

/// What happens where a model is used in a way that works, but that it was not made for.
enum class reaction { warn, refuse };

/// How classifier::load prepares a model.
struct load_options {
  numeric_format format = numeric_format::float32;
  /// Layers whose exits may answer, 0 being before the encoder; empty: all of the model's. Heads in between still run
  /// where a later one needs them.
  std::vector<int> exits = {};
  /// Instruction sets not to use although the CPU has them, each with the ones after it; `unsupported` from load where
  /// the library itself was compiled for one of them. A bfloat16 model's results differ in their last bits with
  /// avx512_bf16, which Intel's CPUs use together with amx alone, and again with amx; an int8 model's with amx where
  /// texts have more than 32 tokens, by their attention alone.
  std::vector<instruction_set> avoid = {};
  /// When to compute [CLS] rows first.
  offramp::schedule schedule = offramp::schedule::by_cost;
  /// Longest text in tokens, special tokens included; default: what the model directory says.
  std::optional<int> max_tokens = {};
  /// Where an exit has no temperature of its own for `format`: another one's, with a warning in info(), or
  /// `invalid_argument` from load.
  reaction missing_temperature = reaction::warn;
  /// Single texts for a model that was trained on pairs, and pairs for one trained on single texts: classified, with a
  /// warning in info() where the model expects pairs; or `invalid_argument` from the call. Encodings of the caller's
  /// own are not asked, nor models that do not say what they were trained on.
  reaction other_input = reaction::warn;
};

/// Called while a model loads with how many parts are ready, first with 0; a layer is a part. One call at a time, on
/// any of the threads that load; what it throws ends the loading.
using load_progress = std::function<void(std::size_t done, std::size_t total)>;

/// One file of a model in memory, under its plain file name. The bytes are needed during classifier::load only.
struct model_file {
  std::string_view name;
  std::span<const std::byte> bytes;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
