// SPDX-License-Identifier: Apache-2.0
#include <offramp/study/dataset.hpp>

#include <offramp/error.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace text_parts_test {

using namespace offramp::study;

dataset numbered_texts(std::size_t count) {
  dataset data{"texts.txt", "0", {}};
  for (std::size_t i = 0; i < count; ++i) {
    data.texts.push_back({"text " + std::to_string(i), {}, no_label, i + 1});
  }
  return data;
}

std::vector<std::string> names_of(const dataset& part) {
  std::vector<std::string> names;
  for (const labelled_text& text : part.texts) {
    names.push_back(text.first);
  }
  return names;
}

TEST(PartTexts, PutsEveryTextIntoOnePartOfAboutItsShare) {
  const std::vector<double> shares{0.5, 0.2, 0.3};
  const std::vector<dataset> parts = part_texts(numbered_texts(2000), shares);
  ASSERT_EQ(parts.size(), 3U);
  std::set<std::string> all;
  for (std::size_t part = 0; part < 3; ++part) {
    const std::vector<std::string> names = names_of(parts[part]);
    EXPECT_NEAR(static_cast<double>(names.size()), 2000 * shares[part], 70);
    EXPECT_EQ(parts[part].name, "texts.txt");
    all.insert(names.begin(), names.end());
  }
  EXPECT_EQ(all.size(), 2000U);
  EXPECT_EQ(parts[0].texts.size() + parts[1].texts.size() + parts[2].texts.size(), 2000U);
}

TEST(PartTexts, NeitherOrderNorCopiesMoveAText) {
  dataset data = numbered_texts(200);
  const std::vector<double> shares{0.6, 0.4};
  const std::vector<dataset> parts = part_texts(data, shares);
  std::ranges::reverse(data.texts);
  for (std::size_t i = 0; i < 60; ++i) {
    data.texts.push_back(data.texts[3 * i]);
  }
  const std::vector<dataset> again = part_texts(data, shares);
  for (std::size_t part = 0; part < 2; ++part) {
    EXPECT_EQ(names_of(again[part]), names_of(parts[part]));
    EXPECT_EQ(again[part].sha256, parts[part].sha256);
  }
  EXPECT_NE(parts[0].sha256, parts[1].sha256);
}

TEST(PartTexts, AFewMoreTextsLeaveTheOthersWhereTheyAre) {
  const std::vector<double> shares{0.6, 0.4};
  const std::vector<std::string> few = names_of(part_texts(numbered_texts(100), shares)[1]);
  const std::vector<std::string> more = names_of(part_texts(numbered_texts(110), shares)[1]);
  for (const std::string& name : few) {
    EXPECT_NE(std::ranges::find(more, name), more.end()) << name;
  }
}

TEST(PartTexts, PairsAreTheirTwoTexts) {
  const dataset data{"pairs.txt", "0", {{"a", "bc", no_label, 1}, {"ab", "c", no_label, 2}, {"a", "bc", no_label, 3}}};
  const std::vector<dataset> one = part_texts(data, std::vector{1.0});
  ASSERT_EQ(one.front().texts.size(), 2U);
  EXPECT_NE(one.front().texts[0].second, one.front().texts[1].second);
}

TEST(PartTexts, RefusesWhatMakesNoParts) {
  using enum offramp::error_kind;
  const auto refuses = [](offramp::error_kind kind, const char* what, std::size_t texts, std::vector<double> shares) {
    offramp_tests::expect_error(kind, {what}, [&] { static_cast<void>(part_texts(numbered_texts(texts), shares)); });
  };
  refuses(invalid_argument, "add up to 1", 10, {0.5, 0.4});
  refuses(invalid_argument, "add up to 1", 10, {1.5, -0.5});
  refuses(invalid_argument, "add up to 1", 10, {});
  refuses(bad_data, "texts.txt: has 2 different texts, too few for 3 parts", 2, {0.5, 0.2, 0.3});
}

}  // namespace text_parts_test
