// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What stands around one text and around two.
struct templates {
  std::vector<template_part> single;
  std::vector<template_part> pair;
};

inline const std::string supported_post_processors =
    "\"TemplateProcessing\", \"BertProcessing\" or \"RobertaProcessing\"";

/// `["[SEP]", 102]`
[[nodiscard]] inline std::int32_t read_named_id(const model::json_place& where) {
  if (!where.value().is_array() || where.value().size() != 2) {
    where.refuse("an array of a token and its id");
  }
  return static_cast<std::int32_t>(where.element(1).integer(0, vocabulary::max_id));
}

[[nodiscard]] inline template_part read_template_part(const model::json_place& where, model::json_object& specials) {
  model::json_object part(where);
  const auto sequence = part.find("Sequence");
  model::json_object fields(sequence ? *sequence : part.require("SpecialToken"));
  template_part result{template_part::kind::special, 0, {}};
  result.type_id = static_cast<std::int32_t>(fields.require("type_id").integer(0, INT32_MAX));
  const model::json_place id = fields.require("id");
  if (!sequence) {
    const auto read_id = [](const model::json_place& value) {
      return static_cast<std::int32_t>(value.integer(0, vocabulary::max_id));
    };
    result.ids = model::json_object(specials.require(id.text())).require("ids").array(1, 64, read_id);
  } else if (id.text() == "A" || id.text() == "B") {
    result.what = id.text() == "A" ? template_part::kind::first : template_part::kind::second;
  } else {
    id.refuse("\"A\" or \"B\"");
  }
  return result;
}

[[nodiscard]] inline std::vector<template_part> read_template(const model::json_place& where,
                                                              model::json_object& specials, std::size_t texts) {
  using enum template_part::kind;
  auto parts = where.array(1, 64, [&](const model::json_place& part) { return read_template_part(part, specials); });
  const auto count = [&parts](template_part::kind kind) {
    return std::count_if(parts.begin(), parts.end(), [kind](const template_part& part) { return part.what == kind; });
  };
  if (count(first) != 1 || count(second) != (texts == 2 ? 1 : 0)) {
    where.refuse(texts == 2 ? "the sequences A and B once each" : "the sequence A once");
  }
  return parts;
}

[[nodiscard]] inline templates read_post_processor(const model::json_place& where);

/// Of several post-processors one adds tokens; ByteLevel beside it only moves offsets, which nobody asks for.
[[nodiscard]] inline templates read_post_processor_sequence(const model::json_place& where) {
  auto parts = where.array(1, 16, [](const model::json_place& part) { return part; });
  std::erase_if(parts, [](const model::json_place& part) {
    return model::json_object(part).require("type").text() == "ByteLevel";
  });
  if (parts.size() != 1) {
    throw error(error_kind::unsupported, where.describe() + " holds " + std::to_string(parts.size()) +
                                             " post-processors that add tokens, supported is 1");
  }
  return read_post_processor(parts.front());
}

/// Throws `bad_model` and `unsupported`.
[[nodiscard]] inline templates read_post_processor(const model::json_place& where) {
  model::json_object processor(where);
  const model::json_place type = processor.require("type");
  if (type.text() == "TemplateProcessing") {
    model::json_object specials(processor.require("special_tokens"));
    return {read_template(processor.require("single"), specials, 1),
            read_template(processor.require("pair"), specials, 2)};
  }
  if (type.text() == "Sequence") {
    return read_post_processor_sequence(processor.require("processors"));
  }
  if (type.text() != "BertProcessing" && type.text() != "RobertaProcessing") {
    refuse_unsupported(type, supported_post_processors);
  }
  const std::int32_t cls = read_named_id(processor.require("cls"));
  const std::int32_t sep = read_named_id(processor.require("sep"));
  if (type.text() == "BertProcessing") {
    return {bert_template(cls, sep, 1), bert_template(cls, sep, 2)};
  }
  return {roberta_template(cls, sep, 1), roberta_template(cls, sep, 2)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
