// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/normalizers/base64.hpp>
#include <offramp/text/normalizers/normalizer_growth.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/normalizers/text_normalizer.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

[[nodiscard]] inline normalizer_options read_bert_normalizer(model::json_object& fields) {
  normalizer_options result;
  result.clean_text = fields.require("clean_text").boolean();
  result.handle_chinese_chars = fields.require("handle_chinese_chars").boolean();
  result.lowercase = fields.require("lowercase").boolean();
  const auto strip = fields.find("strip_accents");
  result.strip_accents = strip ? strip->boolean() : result.lowercase;
  return result;
}

[[nodiscard]] inline precompiled_charsmap read_precompiled(model::json_object& fields) {
  const model::json_place encoded = fields.require("precompiled_charsmap");
  const std::optional<std::string> bytes = decode_base64(encoded.text());
  if (!bytes) {
    throw error(error_kind::bad_model, encoded.describe() + " is not base64");
  }
  return {*bytes, encoded.describe()};
}

/// What is put into texts.
[[nodiscard]] inline std::string read_content(const model::json_place& where) {
  constexpr std::size_t longest = precompiled_charsmap::longest_replacement;
  if (where.text().size() > longest) {
    throw error(error_kind::unsupported, where.describe() + " has " + std::to_string(where.text().size()) +
                                             " bytes, supported is at most " + std::to_string(longest));
  }
  return where.text();
}

/// `{"String": "..."}`, or one of the regular expressions that such files have: `{"Regex": " {2,}"}`.
[[nodiscard]] inline normalizer_step read_replace(model::json_object& fields) {
  const model::json_place where = fields.require("pattern");
  model::json_object pattern(where);
  std::string content = read_content(fields.require("content"));
  if (const auto regex = pattern.find("Regex")) {
    if (regex->text() == R"(\s{2,}|[\n\r\t])") {
      return squeeze_whitespace{std::move(content)};
    }
    if (regex->text() != " {2,}") {
      refuse_unsupported(*regex, R"(" {2,}" or "\s{2,}|[\n\r\t]")");
    }
    return replace_spaces{std::move(content)};
  }
  const model::json_place string = pattern.require("String");
  if (string.text().empty()) {
    refuse_unsupported(string, "a string that is not empty");
  }
  return replace_string{string.text(), std::move(content)};
}

/// Throws `bad_model` and `unsupported`.
[[nodiscard]] inline normalizer_step read_normalizer_step(const model::json_place& where) {
  model::json_object fields(where);
  const model::json_place type = fields.require("type");
  static constexpr std::array<std::pair<std::string_view, unicode_form>, 4> forms = {{{"NFD", unicode_form::nfd},
                                                                                      {"NFKD", unicode_form::nfkd},
                                                                                      {"NFC", unicode_form::nfc},
                                                                                      {"NFKC", unicode_form::nfkc}}};
  for (const auto& [name, form] : forms) {
    if (type.text() == name) {
      return form;
    }
  }
  if (type.text() == "BertNormalizer") {
    return read_bert_normalizer(fields);
  }
  if (type.text() == "Precompiled") {
    return read_precompiled(fields);
  }
  if (type.text() == "StripAccents") {
    return strip_accents{};
  }
  if (type.text() == "Lowercase") {
    return lowercase{};
  }
  if (type.text() == "Replace") {
    return read_replace(fields);
  }
  if (type.text() == "Strip") {
    return strip_ends{fields.require("strip_left").boolean(), fields.require("strip_right").boolean()};
  }
  if (type.text() == "Prepend") {
    return prepend_string{read_content(fields.require("prepend"))};
  }
  refuse_unsupported(type,
                     "Sequence, BertNormalizer, Precompiled, NFC, NFD, NFKC, NFKD, StripAccents, Lowercase, Replace, "
                     "Strip or Prepend");
}

/// A `Sequence`, also of sequences, one after another.
[[nodiscard]] inline std::vector<normalizer_step> read_normalizer_sequence(const model::json_place& where) {
  std::vector<normalizer_step> steps;
  model::json_object fields(where);
  if (fields.require("type").text() != "Sequence") {
    steps.push_back(read_normalizer_step(where));
    return steps;
  }
  for (auto& part : fields.require("normalizers").array(0, 64, read_normalizer_sequence)) {
    std::move(part.begin(), part.end(), std::back_inserter(steps));
  }
  return steps;
}

/// No normalizer is no step. Throws also where the steps together could make of a short text one that fills memory.
[[nodiscard]] inline std::vector<normalizer_step> read_normalizer_steps(const std::optional<model::json_place>& where) {
  if (!where) {
    return {};
  }
  std::vector<normalizer_step> steps = read_normalizer_sequence(*where);
  constexpr std::size_t most_growth = std::size_t{1} << 14U;
  if (growth_of(steps, most_growth + 1) > most_growth) {
    throw error(error_kind::unsupported,
                where->describe() + " may make a text more than " + std::to_string(most_growth) + " times as long");
  }
  return steps;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
