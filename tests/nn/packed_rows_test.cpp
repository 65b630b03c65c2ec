// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/packed_rows.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace packed_rows_test {

using offramp::nn::layout;
using offramp::nn::packed_rows;

TEST(packed_rows, lie_in_as_few_groups_as_may_be_and_none_of_a_few_rows) {
  for (std::size_t rows = 1; rows <= 8'192; ++rows) {
    const std::size_t group = packed_rows::choose_rows_of_group(rows);
    ASSERT_LE(group, packed_rows::most_rows_of_group) << rows;
    const std::size_t groups = layout::ceil_divide(rows, group);
    ASSERT_EQ(groups, layout::ceil_divide(rows, packed_rows::most_rows_of_group)) << rows;
    const std::size_t last = rows - (groups - 1) * group;
    ASSERT_GE(2 * last, group) << rows;
  }
}

}  // namespace packed_rows_test
