// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/wordpiece.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Reads tokenizer.json of Hugging Face's fast tokenizers. Its truncation and padding are ignored: the caller's
/// max_tokens decides.
class tokenizer_json_reader {
 public:
  /// `document` must outlive the reader.
  tokenizer_json_reader(const nlohmann::json& document, const std::string& name)
      : root_(model::json_place(document, name)) {}

  /// Throws `bad_model` on contradictions and `unsupported` on parts that are not BERT's.
  [[nodiscard]] tokenizer_description read() {
    read_model(model::json_object(root_.require("model")));
    read_normalizer();
    read_pre_tokenizer();
    read_added_tokens();
    read_post_processor(model::json_object(required_part("post_processor", "TemplateProcessing or BertProcessing")));
    return std::move(result_);
  }

 private:
  using place = model::json_place;
  using object = model::json_object;

  [[noreturn]] static void refuse(const place& where, const std::string& expected) {
    const std::string found = where.value().is_string() ? '"' + where.text() + '"' : where.value().type_name();
    throw error(error_kind::unsupported, where.describe() + " is " + found + ", supported is " + expected);
  }

  [[nodiscard]] place required_part(const std::string& key, const std::string& expected) {
    const std::optional<place> found = root_.find(key);
    if (!found) {
      throw error(error_kind::unsupported, root_.place().describe() + ": " + key + " is null, supported is " + expected);
    }
    return *found;
  }

  void read_model(object model) {
    if (const auto type = model.find("type"); type && type->text() != "WordPiece") {
      refuse(*type, "\"WordPiece\"");
    }
    if (const auto prefix = model.find("continuing_subword_prefix")) {
      result_.continuation_prefix = prefix->text();
    }
    if (const auto limit = model.find("max_input_chars_per_word")) {
      result_.max_word_characters = static_cast<std::size_t>(limit->integer(1, INT64_MAX));
      if (result_.max_word_characters > wordpiece::max_word_limit) {
        throw error(error_kind::unsupported, limit->describe() + " is " + std::to_string(result_.max_word_characters) +
                                                 ", supported is at most " + std::to_string(wordpiece::max_word_limit));
      }
    }
    read_vocabulary(model.require("vocab"));
    const auto unknown = model.find("unk_token");
    const std::string unknown_token = unknown ? unknown->text() : "[UNK]";
    const auto unknown_id = result_.pieces.find(unknown_token);
    if (!unknown_id) {
      throw error(error_kind::bad_model,
                  model.place().describe() + ".vocab has no unknown token \"" + unknown_token + "\"");
    }
    result_.unknown_id = *unknown_id;
  }

  void read_vocabulary(const place& vocab) {
    const object checked(vocab);
    std::set<std::int32_t> seen;
    for (const auto& [piece, value] : vocab.value().items()) {
      const auto id = static_cast<std::int32_t>(vocab.member(piece).integer(0, vocabulary::max_id));
      if (!seen.insert(id).second) {
        throw error(error_kind::bad_model,
                    vocab.describe() + ": id " + std::to_string(id) + " stands for two pieces, one of them \"" + piece + "\"");
      }
      result_.pieces.insert(piece, id);
    }
  }

  void read_normalizer() {
    const auto found = root_.find("normalizer");
    if (!found) {
      result_.normalizer = {false, false, false, false};
      return;
    }
    object normalizer(*found);
    if (const place type = normalizer.require("type"); type.text() != "BertNormalizer") {
      refuse(type, "\"BertNormalizer\"");
    }
    result_.normalizer.clean_text = normalizer.require("clean_text").boolean();
    result_.normalizer.handle_chinese_chars = normalizer.require("handle_chinese_chars").boolean();
    result_.normalizer.lowercase = normalizer.require("lowercase").boolean();
    const auto strip = normalizer.find("strip_accents");
    result_.normalizer.strip_accents = strip ? strip->boolean() : result_.normalizer.lowercase;
  }

  void read_pre_tokenizer() {
    const std::string expected = "\"BertPreTokenizer\" or \"WhitespaceSplit\"";
    object pre_tokenizer(required_part("pre_tokenizer", expected));
    const place type = pre_tokenizer.require("type");
    if (type.text() == "WhitespaceSplit") {
      result_.splitting = word_splitting::whitespace;
    } else if (type.text() != "BertPreTokenizer") {
      refuse(type, expected);
    }
  }

  /// The id a fast tokenizer gives to a token that the model's vocabulary does not hold: the next free one.
  [[nodiscard]] std::int32_t next_id() const {
    auto next = static_cast<std::int32_t>(result_.pieces.ids().size());
    for (const added_token& token : result_.added_tokens) {
      next = std::max(next, token.id + 1);
    }
    return next;
  }

  void read_added_tokens() {
    const auto found = root_.find("added_tokens");
    if (!found) {
      return;
    }
    for (added_token& token : found->array(0, vocabulary::max_id, read_added_token)) {
      const auto known = result_.pieces.find(token.content);
      const std::int32_t expected = known ? *known : next_id();
      if (token.id != expected) {
        throw error(error_kind::bad_model, found->describe() + ": \"" + token.content + "\" has id " +
                                               std::to_string(token.id) + ", expected " + std::to_string(expected));
      }
      result_.added_tokens.push_back(std::move(token));
    }
  }

  [[nodiscard]] static added_token read_added_token(const place& where) {
    object fields(where);
    added_token token;
    token.content = fields.require("content").text();
    if (token.content.empty()) {
      throw error(error_kind::bad_model, where.describe() + ".content is empty");
    }
    token.id = static_cast<std::int32_t>(fields.require("id").integer(0, vocabulary::max_id));
    token.boundary = flag(fields, "single_word") ? token_boundary::word : token_boundary::any;
    token.lstrip = flag(fields, "lstrip");
    token.rstrip = flag(fields, "rstrip");
    const auto normalized = fields.find("normalized");
    token.normalized = normalized ? normalized->boolean() : !flag(fields, "special");
    return token;
  }

  [[nodiscard]] static bool flag(object& fields, const std::string& key) {
    const auto found = fields.find(key);
    return found && found->boolean();
  }

  void read_post_processor(object processor) {
    const place type = processor.require("type");
    if (type.text() == "TemplateProcessing") {
      object specials(processor.require("special_tokens"));
      result_.single = read_template(processor.require("single"), specials, 1);
      result_.pair = read_template(processor.require("pair"), specials, 2);
    } else if (type.text() == "BertProcessing") {
      const std::int32_t cls = read_named_id(processor.require("cls"));
      const std::int32_t sep = read_named_id(processor.require("sep"));
      result_.single = bert_template(cls, sep, 1);
      result_.pair = bert_template(cls, sep, 2);
    } else {
      refuse(type, "\"TemplateProcessing\" or \"BertProcessing\"");
    }
  }

  /// `["[SEP]", 102]`
  [[nodiscard]] static std::int32_t read_named_id(const place& where) {
    if (!where.value().is_array() || where.value().size() != 2) {
      where.refuse("an array of a token and its id");
    }
    return static_cast<std::int32_t>(where.element(1).integer(0, vocabulary::max_id));
  }

  [[nodiscard]] static std::vector<template_part> read_template(const place& where, object& specials, std::size_t texts) {
    using enum template_part::kind;
    auto parts = where.array(1, 64, [&](const place& part) { return read_template_part(part, specials); });
    const auto count = [&parts](template_part::kind kind) {
      return std::count_if(parts.begin(), parts.end(), [kind](const template_part& part) { return part.what == kind; });
    };
    if (count(first) != 1 || count(second) != (texts == 2 ? 1 : 0)) {
      where.refuse(texts == 2 ? "the sequences A and B once each" : "the sequence A once");
    }
    return parts;
  }

  [[nodiscard]] static template_part read_template_part(const place& where, object& specials) {
    object part(where);
    const auto sequence = part.find("Sequence");
    object fields(sequence ? *sequence : part.require("SpecialToken"));
    template_part result{template_part::kind::special, 0, {}};
    result.type_id = static_cast<std::int32_t>(fields.require("type_id").integer(0, INT32_MAX));
    const place id = fields.require("id");
    if (!sequence) {
      const auto read_id = [](const place& value) {
        return static_cast<std::int32_t>(value.integer(0, vocabulary::max_id));
      };
      result.ids = object(specials.require(id.text())).require("ids").array(1, 64, read_id);
    } else if (id.text() == "A" || id.text() == "B") {
      result.what = id.text() == "A" ? template_part::kind::first : template_part::kind::second;
    } else {
      id.refuse("\"A\" or \"B\"");
    }
    return result;
  }

  object root_;
  tokenizer_description result_;
};

/// Throws `io`, `bad_model` or `unsupported`, naming the field.
[[nodiscard]] inline tokenizer_description read_tokenizer_json(const model::file& file) {
  const nlohmann::json document = model::parse_json(file.read_all(tokenizer_file_limit), file.name());
  return tokenizer_json_reader(document, file.name()).read();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
