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
  std::uint32_t most_palettes = 0;  // leaf 1D
  std::uint32_t palette_1_eax = 0;  // leaf 1D, palette 1: bytes of all registers and of one
  std::uint32_t palette_1_ebx = 0;  // bytes of a row, registers
  std::uint32_t palette_1_ecx = 0;  // rows
  std::uint32_t products_ebx = 0;   // leaf 1E: what a product takes of rows and of their bytes
};

/// Whether the CPU multiplies int8 and bfloat16 tiles, in registers of the sizes that a tile_configuration sets, and
/// the operating system saves them. Hypervisors are known to show the instructions without the registers.
[[nodiscard]] bool offers_tiles(const tile_answers& answers) noexcept;

/// The tile instructions, whether or not this CPU has them; null where the library is not built for x86-64 Linux.
[[nodiscard]] const tile_engine* amx_instructions() noexcept;

/// The tiles of this CPU; null where it has none, or where the operating system does not give them to this process,
/// which the first call asks for. The answer stays the same ever after. Safe to call from several threads.
[[nodiscard]] const tile_engine* amx_tiles() noexcept;

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
