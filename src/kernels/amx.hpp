// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tile_engine.hpp"

#include <cstdint>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// What `cpuid` and `xgetbv` say of tiles; zeros where the CPU has no such answer.
struct tile_answers {
  std::uint32_t leaf_1_ecx = 0;
  std::uint32_t leaf_7_edx = 0;
  std::uint64_t enabled_state = 0;  // XCR0
};

/// Whether the CPU multiplies int8 and bfloat16 tiles and the operating system saves their registers.
[[nodiscard]] bool offers_tiles(const tile_answers& answers) noexcept;

/// The tile instructions, whether or not this CPU has them; null where the library is not built for x86-64 Linux.
[[nodiscard]] const tile_engine* amx_instructions() noexcept;

/// The tiles of this CPU; null where it has none, or where the operating system does not give them to this process,
/// which the first call asks for. The answer stays the same ever after. Safe to call from several threads.
[[nodiscard]] const tile_engine* amx_tiles() noexcept;

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
