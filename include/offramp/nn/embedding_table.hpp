// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/nn/rounding.hpp>
#include <offramp/nn/weight_memory.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// A matrix whose rows are read one at a time, in the type that it is stored in: a table of all words is the largest
/// part of a small model, and few of its rows are ever used. The same numbers as multiplied out to float32. Not on the
/// heap: once so large a block is freed, the C library serves others like it from memory that it never gives back.
class embedding_table {
 public:
  struct float32_rows {
    weight_vector<float> values;

    [[nodiscard]] float value(std::size_t /*row*/, std::size_t index) const { return values[index]; }
    [[nodiscard]] std::size_t bytes() const noexcept { return values.size() * sizeof(float); }
  };
  struct bfloat16_rows {
    weight_vector<std::uint16_t> values;

    [[nodiscard]] float value(std::size_t /*row*/, std::size_t index) const { return from_bfloat16(values[index]); }
    [[nodiscard]] std::size_t bytes() const noexcept { return values.size() * sizeof(std::uint16_t); }
  };
  struct float16_rows {
    weight_vector<std::uint16_t> values;

    [[nodiscard]] float value(std::size_t /*row*/, std::size_t index) const { return from_float16(values[index]); }
    [[nodiscard]] std::size_t bytes() const noexcept { return values.size() * sizeof(std::uint16_t); }
  };
  /// value = int8 * scale of the row.
  struct int8_rows {
    weight_vector<std::int8_t> values;
    weight_vector<float> scales;

    [[nodiscard]] float value(std::size_t row, std::size_t index) const {
      return static_cast<float>(values[index]) * scales[row];
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return values.size() + scales.size() * sizeof(float); }
  };
  using rows = std::variant<float32_rows, bfloat16_rows, float16_rows, int8_rows>;

  embedding_table() = default;
  /// Values are row-major, [rows, columns].
  embedding_table(rows stored, std::size_t columns) : rows_(std::move(stored)), columns_(columns) {}

  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return std::visit([](const auto& stored) { return stored.bytes(); }, rows_);
  }

  /// Writes a row, [columns]. It is one of the table's.
  void copy_row(std::size_t row, float* target) const {
    std::visit(
        [&](const auto& stored) {
          for (std::size_t j = 0; j < columns_; ++j) {
            target[j] = stored.value(row, row * columns_ + j);
          }
        },
        rows_);
  }

 private:
  rows rows_;
  std::size_t columns_ = 0;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
