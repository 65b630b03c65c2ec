// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/json_object.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer.hpp>
#include <offramp/text/unicode/utf8.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// `prepend_scheme` "first" depends on where in the original text a word stands, which normalizing forgets.
[[nodiscard]] inline metaspace read_metaspace(model::json_object& fields) {
  const model::json_place sign = fields.require("replacement");
  if (sign.text().empty() || decode(sign.text(), 0).length != sign.text().size()) {
    sign.refuse("one character");
  }
  metaspace result{sign.text(), true, true};
  const auto scheme = fields.find("prepend_scheme");
  if (scheme && scheme->text() != "always" && scheme->text() != "never") {
    refuse_unsupported(*scheme, "\"always\" or \"never\"");
  }
  result.prepend = !scheme || scheme->text() == "always";
  const auto prefix = fields.find("add_prefix_space");
  if (prefix && !prefix->boolean() && result.prepend) {
    prefix->refuse("true, as prepend_scheme has it");
  }
  if (const auto split = fields.find("split")) {
    result.split = split->boolean();
  }
  return result;
}

[[nodiscard]] inline byte_level read_byte_level(model::json_object& fields) {
  const auto regex = fields.find("use_regex");
  return {fields.require("add_prefix_space").boolean(), !regex || regex->boolean()};
}

/// Gemma's: at the string " ", which goes with what is before it.
[[nodiscard]] inline cut_behind_spaces read_split(model::json_object& fields) {
  model::json_object pattern(fields.require("pattern"));
  const auto string = pattern.find("String");
  if (!string || string->text() != " ") {
    refuse_unsupported(pattern.place(), "the String \" \"");
  }
  if (const model::json_place behavior = fields.require("behavior"); behavior.text() != "MergedWithPrevious") {
    refuse_unsupported(behavior, "\"MergedWithPrevious\"");
  }
  if (const auto invert = fields.find("invert"); invert && invert->boolean()) {
    refuse_unsupported(*invert, "false");
  }
  return {};
}

/// Throws `bad_model` and `unsupported`.
[[nodiscard]] inline pre_tokenizer_step read_pre_tokenizer_step(const model::json_place& where) {
  model::json_object fields(where);
  const model::json_place type = fields.require("type");
  if (type.text() == "WhitespaceSplit") {
    return whitespace_split{};
  }
  if (type.text() == "BertPreTokenizer") {
    return bert_words{};
  }
  if (type.text() == "Metaspace") {
    return read_metaspace(fields);
  }
  if (type.text() == "ByteLevel") {
    return read_byte_level(fields);
  }
  if (type.text() == "Split") {
    return read_split(fields);
  }
  refuse_unsupported(
      type, "\"Sequence\", \"WhitespaceSplit\", \"BertPreTokenizer\", \"Metaspace\", \"ByteLevel\" or \"Split\"");
}

/// A `Sequence`, also of sequences, one after another; without a pre-tokenizer a text is one word.
[[nodiscard]] inline std::vector<pre_tokenizer_step> read_pre_tokenizer_steps(
    const std::optional<model::json_place>& where) {
  std::vector<pre_tokenizer_step> steps;
  if (!where) {
    return steps;
  }
  model::json_object fields(*where);
  if (fields.require("type").text() != "Sequence") {
    steps.push_back(read_pre_tokenizer_step(*where));
    return steps;
  }
  for (auto& part : fields.require("pretokenizers").array(0, 64, [](const model::json_place& element) {
         return read_pre_tokenizer_steps(element);
       })) {
    std::move(part.begin(), part.end(), std::back_inserter(steps));
  }
  return steps;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
