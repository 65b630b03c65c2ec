// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/relative_places.hpp>

#include <gtest/gtest.h>

#include "model_in_memory.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace relative_places_test {

using nlohmann::json;
using offramp::nn::relative_bucket;
using offramp::nn::relative_places;
using offramp::nn::relative_range;

/// Also where the logarithm comes to a whole number, or close to one.
TEST(relative_places, have_the_buckets_of_transformers) {
  const json tables =
      json::parse(offramp_tests::read_file(std::string(OFFRAMP_TEST_DATA) + "/nn/relative_buckets.json"));
  ASSERT_GE(tables.size(), 10U);
  for (const json& table : tables) {
    const relative_range range{.buckets = table.at("buckets"), .longest = table.at("longest")};
    for (std::ptrdiff_t distance = 0; distance < static_cast<std::ptrdiff_t>(table.at("of").size()); ++distance) {
      const std::ptrdiff_t expected = table.at("of")[static_cast<std::size_t>(distance)];
      ASSERT_EQ(logarithmic_bucket(distance, range), expected)
          << range.buckets << ", " << range.longest << ", " << distance;
      ASSERT_EQ(logarithmic_bucket(-distance, range), -expected);
    }
  }
}

TEST(relative_places, ascend_with_the_distance_and_end_with_the_text) {
  const relative_places places({.buckets = 256, .longest = 512}, 130);
  EXPECT_EQ(places.of_distances()[-129], 0U);
  EXPECT_EQ(places.of_distances()[0], 129U);
  EXPECT_EQ(places.of_distances()[129], 258U);
  EXPECT_EQ(places.size(), 259U);
  EXPECT_EQ(places.exact(), 128);
  EXPECT_EQ(relative_places({.buckets = 256, .longest = 512}, 1).size(), 1U);
  EXPECT_EQ(relative_places().size(), 0U);
}

/// The row for a query that lies d behind its key is d + span, within the table; before it, -d + span.
TEST(relative_places, name_the_rows_of_the_table) {
  for (const relative_range& range :
       {relative_range{.buckets = 0, .longest = 6},  // fewer than the text is long
        relative_range{.buckets = 8, .longest = 16}, relative_range{.buckets = 5, .longest = 16},
        relative_range{.buckets = 256, .longest = 512}}) {
    const relative_places places(range, 40);
    const std::ptrdiff_t last = 2 * range.span() - 1;
    for (std::ptrdiff_t distance = -39; distance <= 39; ++distance) {
      const std::size_t place = places.of_distances()[distance];
      const std::ptrdiff_t bucket = logarithmic_bucket(distance, range);
      ASSERT_LT(place, places.size());
      EXPECT_EQ(places.row_behind(place),
                static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(bucket + range.span(), 0, last)));
      EXPECT_EQ(places.row_before(place),
                static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(-bucket + range.span(), 0, last)));
    }
  }
}

}  // namespace relative_places_test
