// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace json_test {

using offramp::error_kind;
using offramp::model::json_object;
using offramp::model::json_place;
using offramp::model::parse_json;
using offramp_tests::expect_error;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(json, accepts_what_is_well_formed) {
  EXPECT_EQ(parse_json(R"({"a": [1, 2.5, "\u00e9", null], "b": {"a": true}})", "x").root()["a"][1], 2.5);
  EXPECT_EQ(parse_json("\"\xC3\xA9\"", "x").root(), "\u00e9");
  EXPECT_NO_THROW((void)parse_json(nested(offramp::model::json_depth_limit), "x"));
  EXPECT_NO_THROW((void)parse_json(R"([{"a": 1}, {"a": 1}])", "x"));
}

TEST(json, refuses_what_is_not) {
  const std::vector<std::string> documents{
      "",
      "{",
      "nul",
      "{} {}",
      "{}x",
      "[1,]",
      "{'a': 1}",
      "[NaN]",
      "[Infinity]",
      "[1e999]",
      "[01]",
      "// comment\n{}",
      "\"\xFF\"",
      "\"\xC0\xAF\"",
      "\"\xED\xA0\x80\"",
      "\"\xF4\x90\x80\x80\"",
      "\"\xE2\x82\"",
      "\"\\ud800\"",
      std::string("{}\0", 3),
      "\"a\nb\"",
      R"({"a": 1, "a": 1})",
      R"({"b": {"a": 1, "c": [], "a": {}}})",
      R"({"a": 1, "\u0061": 2})",
      nested(offramp::model::json_depth_limit + 1),
      std::string(1'000'000, '['),
      [] {
        std::string deep;
        for (int i = 0; i < 100; ++i) {
          deep += "{\"a\":";
        }
        return deep;
      }(),
  };
  for (const std::string& document : documents) {
    SCOPED_TRACE(document.substr(0, 60));
    expect_error(error_kind::bad_model, {"some.json"}, [&] { (void)parse_json(document, "some.json"); });
  }
}

TEST(json, names_the_key_that_stands_twice) {
  expect_error(error_kind::bad_model, {"f.json", "\"weight\"", "twice"},
               [] { (void)parse_json(R"({"weight": 1, "bias": 2, "weight": 3})", "f.json"); });
}

TEST(json_object, says_where_what_was_found_and_what_was_expected) {
  const offramp::model::json_document document =
      parse_json(R"({"exits": [{"layer": 1}, {"layer": 7.5, "name": "x"}], "none": null})", "e.json");
  json_object object{json_place(document, "e.json")};
  const json_place exit = object.require("exits").element(1);
  expect_error(error_kind::bad_model, {"e.json: exits[1].layer is 7.5", "an integer from 1 to 6"},
               [&] { (void)exit.member("layer").integer(1, 6); });
  expect_error(error_kind::bad_model, {"e.json: exits[1].name is \"x\"", "a number"},
               [&] { (void)exit.member("name").number(); });
  expect_error(error_kind::bad_model, {"e.json: field \"absent\" is missing"}, [&] { (void)object.require("absent"); });
  expect_error(error_kind::bad_model, {"\"none\""}, [&] { (void)object.require("none"); });
  expect_error(error_kind::bad_model, {"an object"}, [&] { json_object inner(object.require("exits")); });
  EXPECT_FALSE(object.find("absent"));
  EXPECT_NO_THROW(object.refuse_unknown());
  json_object inner(exit);
  (void)inner.require("layer");
  expect_error(error_kind::bad_model, {"e.json: exits[1]", "\"name\" is not known"}, [&] { inner.refuse_unknown(); });
}

TEST(json_object, takes_only_integers_that_fit) {
  const auto read = [](const std::string& text) {
    const offramp::model::json_document document = parse_json(text, "n");
    return json_place(document, "n").integer(-5, INT64_MAX);
  };
  EXPECT_EQ(read("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(read("-5"), -5);
  for (const char* refused : {"9223372036854775808", "18446744073709551615", "18446744073709551616", "-6",
                              "-9223372036854775808", "1.0", "1e2", "\"1\"", "true", "[1]", "null"}) {
    SCOPED_TRACE(refused);
    expect_error(error_kind::bad_model, {"expected an integer"}, [&] { (void)read(refused); });
  }
}

TEST(json_object, takes_only_numbers_that_float_can_hold) {
  const auto read = [](const std::string& text) {
    const offramp::model::json_document document = parse_json(text, "n");
    return json_place(document, "n").number();
  };
  EXPECT_EQ(read("-0.25"), -0.25F);
  EXPECT_EQ(read("3"), 3.0F);
  for (const char* refused : {"1e39", "-1e39", "\"0.5\"", "false", "{}"}) {
    SCOPED_TRACE(refused);
    expect_error(error_kind::bad_model, {"expected a number"}, [&] { (void)read(refused); });
  }
}

}  // namespace json_test
