// SPDX-License-Identifier: Apache-2.0
// For x86-64 Linux alone.
#pragma once

#include "tile_unit.hpp"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include <ucontext.h>

namespace naive {

/// While one lives, the tile instructions that this CPU refuses run on naive::tile_unit: the signal that they raise is
/// caught, and the instruction decoded (VEX encoding; Intel SDM volume 2, section 2.3), run and skipped. What the model
/// refuses ends the process. At most one at a time.
class tile_emulator {
 public:
  tile_emulator() {
    struct sigaction action = {};
    action.sa_sigaction = &run_refused;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
  }
  ~tile_emulator() { sigaction(SIGILL, &before_, nullptr); }
  tile_emulator(const tile_emulator&) = delete;
  tile_emulator& operator=(const tile_emulator&) = delete;

 private:
  using name = offramp::nn::tile_register;
  using registers = greg_t (&)[NGREG];

  struct instruction {
    unsigned opcode = 0;
    unsigned prefix = 0;  // which of none, 66, F3 and F2 the encoding implies
    unsigned reg = 0;     // the operands that ModRM and VEX.vvvv name
    unsigned rm = 0;
    unsigned vvvv = 0;
    bool has_memory = false;
    std::uintptr_t base = 0;
    std::size_t index = 0;
    std::size_t length = 0;
  };

  static std::uintptr_t value_of(registers all, unsigned number) {
    constexpr int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<std::uintptr_t>(all[order[number]]);
  }

  /// The instruction at `code` if it has the three-byte VEX prefix of the map that all tile instructions are in.
  static std::optional<instruction> decode(const std::uint8_t* code, registers all) {
    if (code[0] != 0xC4 || (code[1] & 0x1FU) != 2) {
      return std::nullopt;
    }
    const auto extension = [&](unsigned bit) { return (code[1] >> bit & 1U) == 0 ? 8U : 0U; };
    const unsigned mode = code[4] >> 6U;
    instruction found{.opcode = code[3],
                      .prefix = code[2] & 3U,
                      .reg = (code[4] >> 3U & 7U) | extension(7),
                      .rm = (code[4] & 7U) | extension(5),
                      .vvvv = ~(code[2] >> 3U) & 15U,
                      .has_memory = mode != 3,
                      .length = 5};
    if (!found.has_memory) {
      return found;
    }
    const bool is_relative = mode == 0 && (code[4] & 7U) == 5;
    if ((code[4] & 7U) == 4) {
      const unsigned scaled = code[found.length++];
      if (mode == 0 && (scaled & 7U) == 5) {
        return std::nullopt;  // an address without a base, which no compiler makes of a pointer
      }
      const unsigned index = (scaled >> 3U & 7U) | extension(6);
      found.index = index == 4 ? 0 : value_of(all, index) << (scaled >> 6U);
      found.base = value_of(all, (scaled & 7U) | extension(5));
    } else if (!is_relative) {
      found.base = value_of(all, found.rm);
    }
    if (mode == 1) {
      found.base += static_cast<std::uintptr_t>(static_cast<std::int8_t>(code[found.length]));
      found.length += 1;
    } else if (mode == 2 || is_relative) {
      std::int32_t displacement = 0;
      std::memcpy(&displacement, code + found.length, sizeof displacement);
      found.base += static_cast<std::uintptr_t>(displacement);
      found.length += sizeof displacement;
    }
    if (is_relative) {
      found.base += reinterpret_cast<std::uintptr_t>(code) + found.length;
    }
    return found;
  }

  /// Calls each<r>() for the register of that number.
  template <class Each>
  static void with_register(unsigned number, const Each& each) {
    [&]<int... r>(std::integer_sequence<int, r...>) {
      (void)((number == r && (each.template operator()<static_cast<name>(r)>(), true)) || ...);
    }
    (std::make_integer_sequence<int, 8>());
  }

  template <class Multiply>
  static void with_operands(const instruction& what, const Multiply& multiply) {
    with_register(what.reg, [&]<name sums>() {
      with_register(what.rm, [&]<name rows>() {
        with_register(what.vvvv, [&]<name weights>() { multiply.template operator()<sums, rows, weights>(); });
      });
    });
  }

  static bool run(const instruction& what) {
    auto* memory = reinterpret_cast<std::byte*>(what.base);
    const unsigned key = what.opcode << 4U | what.prefix << 1U | (what.has_memory ? 1U : 0U);
    switch (key) {
      case 0x491:  // ldtilecfg
        tile_unit::configure(*reinterpret_cast<const offramp::nn::tile_configuration*>(memory + what.index));
        return true;
      case 0x490:  // tilerelease
        tile_unit::release();
        return true;
      case 0x496:  // tilezero
        with_register(what.reg, []<name target>() { tile_unit::zero<target>(); });
        return true;
      case 0x4B7:  // tileloadd
        with_register(what.reg, [&]<name target>() { tile_unit::load<target>(memory, what.index); });
        return true;
      case 0x4B5:  // tilestored
        with_register(what.reg, [&]<name source>() { tile_unit::store<source>(memory, what.index); });
        return true;
      case 0x5E2:  // tdpbusd
        with_operands(what,
                      []<name sums, name rows, name weights>() { tile_unit::multiply_int8<sums, rows, weights>(); });
        return true;
      case 0x5C4:  // tdpbf16ps
        with_operands(
            what, []<name sums, name rows, name weights>() { tile_unit::multiply_bfloat16<sums, rows, weights>(); });
        return true;
      default:
        return false;
    }
  }

  static void run_refused(int /*signal*/, siginfo_t* /*info*/, void* context) noexcept {
    registers all = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* code = reinterpret_cast<const std::uint8_t*>(all[REG_RIP]);
    const std::optional<instruction> what = decode(code, all);
    if (!what.has_value() || !run(*what)) {
      std::abort();
    }
    all[REG_RIP] += static_cast<greg_t>(what->length);
  }

  struct sigaction before_ = {};
};

}  // namespace naive
