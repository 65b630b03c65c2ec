// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail {

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), with Stafford's constants. Part of the file format,
/// by the n-grams' buckets, and of which texts an audit samples.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t bits) noexcept {
  bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
  bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
  return bits ^ (bits >> 31U);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::detail
