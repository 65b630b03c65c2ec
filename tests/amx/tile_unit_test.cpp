// SPDX-License-Identifier: Apache-2.0
// The model of the tile registers itself: it refuses what a CPU refuses, and computes what the manual says.
#include "reference/tile_unit.hpp"

#include <kernels/tile_engine.hpp>

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace tile_unit_test {

namespace nn = offramp::nn;
using naive::tile_unit;
using enum nn::tile_register;

class tile_unit_test : public testing::Test {
 protected:
  void SetUp() override { tile_unit::release(); }
  void TearDown() override { tile_unit::release(); }

  [[nodiscard]] static nn::tile_configuration configuration() { return nn::tile_configurations[31]; }

  alignas(64) std::array<std::uint32_t, 16 * 16> memory_ = {};
};

TEST_F(tile_unit_test, refuses_everything_without_a_configuration) {
  EXPECT_THROW(tile_unit::load<upper_rows>(memory_.data(), 64), std::logic_error);
  EXPECT_THROW(tile_unit::store<upper_left>(memory_.data(), 64), std::logic_error);
  EXPECT_THROW((tile_unit::multiply_int8<upper_left, upper_rows, left_weights>()), std::logic_error);
  EXPECT_THROW((tile_unit::multiply_bfloat16<upper_left, upper_rows, left_weights>()), std::logic_error);
  tile_unit::configure(configuration());
  EXPECT_NO_THROW(tile_unit::load<upper_rows>(memory_.data(), 64));
  tile_unit::release();
  EXPECT_THROW(tile_unit::load<upper_rows>(memory_.data(), 64), std::logic_error);
}

TEST_F(tile_unit_test, refuses_configurations_beyond_the_palette) {
  auto changed = configuration();
  changed.palette = 2;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
  changed = configuration();
  changed.rows[0] = 17;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
  changed = configuration();
  changed.row_bytes[3] = 68;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
  changed = configuration();
  changed.rows[2] = 0;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
  changed = configuration();
  changed.reserved[5] = 1;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
  changed = configuration();
  changed.rows[8] = 1;
  EXPECT_THROW(tile_unit::configure(changed), std::logic_error);
}

TEST_F(tile_unit_test, refuses_products_of_registers_that_do_not_fit) {
  tile_unit::configure(nn::tile_configurations[19]);  // 16 + 4 rows
  EXPECT_NO_THROW((tile_unit::multiply_int8<lower_left, lower_rows, left_weights>()));
  EXPECT_THROW((tile_unit::multiply_int8<upper_left, lower_rows, left_weights>()), std::logic_error);
  EXPECT_THROW((tile_unit::multiply_int8<upper_left, upper_left, left_weights>()), std::logic_error);
  EXPECT_THROW((tile_unit::multiply_int8<lower_left, lower_rows, lower_right>()), std::logic_error);
  tile_unit::configure(nn::tile_configurations[15]);  // 16 rows
  EXPECT_THROW((tile_unit::multiply_int8<lower_left, lower_rows, left_weights>()), std::logic_error);
}

TEST_F(tile_unit_test, loads_and_stores_no_more_than_its_rows) {
  tile_unit::configure(nn::tile_configurations[2]);
  memory_.fill(7);
  tile_unit::load<upper_left>(memory_.data(), 64);
  memory_.fill(1);
  tile_unit::store<upper_left>(memory_.data() + 4, 96);
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    const std::size_t at = i - 4;
    const bool is_stored = i >= 4 && at / 24 < 3 && at % 24 < 16;
    EXPECT_EQ(memory_[i], is_stored ? 7U : 1U) << i;
  }
}

TEST_F(tile_unit_test, begins_with_zeros_and_wraps) {
  tile_unit::configure(nn::tile_configurations[0]);
  memory_.fill(9);
  tile_unit::store<upper_left>(memory_.data(), 64);
  EXPECT_EQ(memory_[15], 0U);
  EXPECT_EQ(memory_[16], 9U);

  memory_.fill(0x7F7F7F7FU);
  tile_unit::load<left_weights>(memory_.data(), 64);
  memory_.fill(0xFFFFFFFFU);
  tile_unit::load<upper_rows>(memory_.data(), 64);
  memory_.fill(0x7FFFFFFFU);
  tile_unit::load<upper_left>(memory_.data(), 64);
  tile_unit::multiply_int8<upper_left, upper_rows, left_weights>();
  tile_unit::store<upper_left>(memory_.data(), 64);
  EXPECT_EQ(memory_[3], 0x7FFFFFFFU + 64U * 255U * 127U);
}

std::uint32_t pair(std::uint32_t even, std::uint32_t odd) { return even | odd << 16U; }

/// One sum of the products of `rows` with `weights`, units [16] of pairs, added to `before`.
float bfloat16_sum(const std::array<std::uint32_t, 16>& rows, const std::array<std::uint32_t, 16>& weights,
                   float before) {
  tile_unit::configure(nn::tile_configurations[0]);
  std::array<std::uint32_t, 16> sums = {std::bit_cast<std::uint32_t>(before)};
  tile_unit::load<upper_left>(sums.data(), 64);
  tile_unit::load<upper_rows>(rows.data(), 64);
  std::array<std::uint32_t, 256> columns = {};
  for (std::size_t k = 0; k < 16; ++k) {
    columns[16 * k] = weights[k];
  }
  tile_unit::load<left_weights>(columns.data(), 64);
  tile_unit::multiply_bfloat16<upper_left, upper_rows, left_weights>();
  tile_unit::store<upper_left>(sums.data(), 64);
  return std::bit_cast<float>(sums[0]);
}

constexpr std::uint32_t one = 0x3F80;
constexpr std::uint32_t two_to_24 = 0x4B80;
constexpr std::uint32_t minus_two_to_24 = 0xCB80;
constexpr std::uint32_t denormal = 0x0040;

TEST_F(tile_unit_test, sums_even_and_odd_inputs_apart_and_the_old_value_last) {
  const std::array<std::uint32_t, 16> ones = {pair(one, one), pair(one, one)};
  // Even: 2^24 + 1, which rounds to 2^24. Odd: 1 - 2^24, exact. One after another they would give 0.
  EXPECT_EQ(bfloat16_sum(ones, {pair(two_to_24, one), pair(one, minus_two_to_24)}, 0.0F), 1.0F);
  // The old value meets the finished sum: 2^24 + (1 + 1).
  EXPECT_EQ(bfloat16_sum(ones, {pair(one, one)}, 16777216.0F), 16777218.0F);
  EXPECT_EQ(bfloat16_sum(ones, {pair(one, 0), pair(0, 0)}, 16777216.0F), 16777216.0F);
}

TEST_F(tile_unit_test, flushes_denormals) {
  const std::array<std::uint32_t, 16> ones = {pair(one, one)};
  EXPECT_EQ(bfloat16_sum(ones, {pair(denormal, 0)}, 0.0F), 0.0F);
  EXPECT_EQ(bfloat16_sum(ones, {pair(0, 0)}, std::bit_cast<float>(1U)), 0.0F);
  // Half the smallest normal number, as a product of normal ones.
  EXPECT_EQ(bfloat16_sum({pair(0x3F00, 0)}, {pair(0x0080, 0)}, 0.0F), 0.0F);
  EXPECT_NE(bfloat16_sum(ones, {pair(0x0080, 0)}, 0.0F), 0.0F);
}

}  // namespace tile_unit_test
