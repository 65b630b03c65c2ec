// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <kernels/tile_engine.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace naive {

/// The tile registers of AMX as the Intel SDM describes them (LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TILERELEASE,
/// TDPBUSD, TDPBF16PS), palette 1, one set for each thread. Where the CPU would raise an exception, std::logic_error is
/// thrown.
class tile_unit {
 public:
  using name = offramp::nn::tile_register;

  static void configure(const offramp::nn::tile_configuration& configuration) {
    std::array<std::uint8_t, 64> bytes;
    std::memcpy(bytes.data(), &configuration, bytes.size());
    release();
    state& now = current();
    if (bytes[0] == 0) {
      return;  // the initial state
    }
    check(bytes[0] == 1, "a palette other than 1");
    for (std::size_t i = 1; i < bytes.size(); ++i) {
      const bool is_reserved = i < 16 || (i >= 32 && i < 48) || i >= 56;
      check(!is_reserved || bytes[i] == 0, "a reserved byte that is not 0");
    }
    for (std::size_t i = 0; i < now.registers.size(); ++i) {
      tile& changed = now.registers[i];
      changed.row_bytes = static_cast<std::size_t>(bytes[16 + 2 * i] | bytes[17 + 2 * i] << 8U);
      changed.rows = bytes[48 + i];
      check(changed.row_bytes <= most_row_bytes, "rows of more than 64 bytes");
      check(changed.rows <= most_rows, "more than 16 rows");
      check((changed.rows == 0) == (changed.row_bytes == 0), "a register with rows or columns alone");
    }
    now.is_configured = true;
    ++now.configurations;
  }

  static void release() {
    current().is_configured = false;
    current().registers = {};
  }

  template <name target>
  static void load(const void* memory, std::size_t stride) {
    tile& loaded = at(target);
    for (std::size_t row = 0; row < loaded.rows; ++row) {
      loaded.bytes[row] = {};
      std::memcpy(loaded.bytes[row].data(), static_cast<const std::byte*>(memory) + row * stride, loaded.row_bytes);
    }
  }

  template <name target>
  static void zero() {
    at(target).bytes = {};
  }

  template <name source>
  static void store(void* memory, std::size_t stride) {
    const tile& stored = at(source);
    for (std::size_t row = 0; row < stored.rows; ++row) {
      std::memcpy(static_cast<std::byte*>(memory) + row * stride, stored.bytes[row].data(), stored.row_bytes);
    }
  }

  template <name sums, name rows, name weights>
  static void multiply_int8() {
    const auto [target, left, right] = operands(sums, rows, weights);
    for (std::size_t m = 0; m < target.rows; ++m) {
      for (std::size_t n = 0; n < target.row_bytes / 4; ++n) {
        auto sum = target.get<std::uint32_t>(m, n);  // unsigned: the instruction wraps
        for (std::size_t k = 0; k < left.row_bytes; ++k) {
          const int product = int{left.get<std::uint8_t>(m, k)} * int{right.get<std::int8_t>(k / 4, 4 * n + k % 4)};
          sum += static_cast<std::uint32_t>(product);
        }
        target.set(m, n, sum);
      }
    }
  }

  /// Even and odd inputs of a row are summed apart from zero, then together, then with what was there.
  template <name sums, name rows, name weights>
  static void multiply_bfloat16() {
    const auto [target, left, right] = operands(sums, rows, weights);
    for (std::size_t m = 0; m < target.rows; ++m) {
      for (std::size_t n = 0; n < target.row_bytes / 4; ++n) {
        float even = 0.0F;
        float odd = 0.0F;
        for (std::size_t k = 0; k < left.row_bytes / 4; ++k) {
          even = multiply_add(left.bfloat16(m, 2 * k), right.bfloat16(k, 2 * n), even);
          odd = multiply_add(left.bfloat16(m, 2 * k + 1), right.bfloat16(k, 2 * n + 1), odd);
        }
        const float before = flushed(target.get<float>(m, n));
        target.set(m, n, flushed(before + flushed(even + odd)));
      }
    }
  }

  /// Products by this thread since the last call.
  static std::size_t take_products() { return std::exchange(current().products, 0); }
  /// Configurations by this thread since the last call.
  static std::size_t take_configurations() { return std::exchange(current().configurations, 0); }
  /// Whether this thread holds registers.
  static bool is_configured() { return current().is_configured; }

 private:
  static constexpr std::size_t most_rows = 16;
  static constexpr std::size_t most_row_bytes = 64;

  struct tile {
    std::size_t rows = 0;
    std::size_t row_bytes = 0;
    std::array<std::array<std::byte, most_row_bytes>, most_rows> bytes = {};

    template <class Value>
    [[nodiscard]] Value get(std::size_t row, std::size_t column) const {
      Value value;
      std::memcpy(&value, bytes[row].data() + column * sizeof value, sizeof value);
      return value;
    }
    template <class Value>
    void set(std::size_t row, std::size_t column, Value value) {
      std::memcpy(bytes[row].data() + column * sizeof value, &value, sizeof value);
    }
    [[nodiscard]] float bfloat16(std::size_t row, std::size_t column) const {
      const std::uint32_t bits = std::uint32_t{get<std::uint16_t>(row, column)} << 16U;
      float value = 0.0F;
      std::memcpy(&value, &bits, sizeof value);
      return flushed(value);
    }
  };

  struct state {
    bool is_configured = false;
    std::size_t configurations = 0;
    std::size_t products = 0;
    std::array<tile, 8> registers = {};
  };

  struct product_operands {
    tile& sums;
    const tile& rows;
    const tile& weights;
  };

  static state& current() {
    thread_local state of_this_thread;
    return of_this_thread;
  }

  static void check(bool holds, const char* otherwise) {
    if (!holds) {
      throw std::logic_error(std::string("tile unit: ") + otherwise);
    }
  }

  static tile& at(name which) {
    check(current().is_configured, "no configuration");
    tile& found = current().registers[static_cast<std::size_t>(which)];
    check(found.rows != 0, "a register that is not configured");
    return found;
  }

  static product_operands operands(name sums, name rows, name weights) {
    check(sums != rows && sums != weights && rows != weights, "one register twice");
    const product_operands found{at(sums), at(rows), at(weights)};
    check(found.sums.row_bytes % 4 == 0 && found.rows.row_bytes % 4 == 0, "part of a unit");
    check(found.sums.rows == found.rows.rows, "sums for another number of rows");
    check(found.sums.row_bytes == found.weights.row_bytes, "sums for another number of outputs");
    check(found.rows.row_bytes / 4 == found.weights.rows, "rows and weights of different length");
    ++current().products;
    return found;
  }

  static float flushed(float value) {
    return std::fabs(value) < std::numeric_limits<float>::min() ? std::copysign(0.0F, value) : value;
  }
  static float multiply_add(float a, float b, float sum) { return flushed(std::fma(a, b, sum)); }
};

}  // namespace naive
