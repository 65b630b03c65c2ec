// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/json_writer.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace json_writer_test {

using offramp::model::json_writer;

TEST(JsonWriter, WritesAsNlohmannDoes) {
  json_writer json;
  json.object([&] {
    json.member("text", "\"\\\n\x01\u00e9");
    json.member("numbers", std::vector<double>{0.0, -0.0, 1.0, 0.1, 1e-7, 1e22, 123456789.0});
    json.member("floats", std::vector<float>{0.9F, 1e-38F, 3.0F});
    json.member("integers", std::vector<std::int64_t>{INT64_MIN, 0, INT64_MAX});
    json.member("flag", false);
    json.member("empty", std::vector<int>{});
    json.member("nested", std::vector<std::vector<int>>{{1, 2}, {}, {3}});
    json.key("nothing");
    json.object([] {});
    json.key("objects");
    json.array(std::vector{1, 2}, [&](int value) { json.object([&] { json.member("value", value); }); });
    json.optional_member("left out", std::optional<int>());
    json.optional_member("last", std::optional<int>(7));
  });
  const std::string text = std::move(json).finish();
  const nlohmann::ordered_json expected = {
      {"text", "\"\\\n\x01\u00e9"},
      {"numbers", {0.0, -0.0, 1.0, 0.1, 1e-7, 1e22, 123456789.0}},
      {"floats", {0.9, 1e-38, 3.0}},
      {"integers", {INT64_MIN, 0, INT64_MAX}},
      {"flag", false},
      {"empty", nlohmann::ordered_json::array()},
      {"nested", {{1, 2}, nlohmann::ordered_json::array(), nlohmann::ordered_json::array({3})}},
      {"nothing", nlohmann::ordered_json::object()},
      {"objects", {{{"value", 1}}, {{"value", 2}}}},
      {"last", 7}};
  EXPECT_EQ(text, expected.dump(1));
}

TEST(JsonWriter, WritesSingleValues) {
  json_writer json;
  json.value(3);
  EXPECT_EQ(std::move(json).finish(), "3");
}

TEST(JsonWriter, RefusesTextThatIsNotUtf8) {
  json_writer json;
  offramp_tests::expect_error(offramp::error_kind::invalid_argument, {"cannot be written"},
                              [&] { json.value("\xff"); });
}

}  // namespace json_writer_test
