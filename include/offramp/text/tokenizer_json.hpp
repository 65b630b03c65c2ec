// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/normalizers/normalizer_json.hpp>
#include <offramp/text/post_processor_json.hpp>
#include <offramp/text/pretokenizers/pre_tokenizer_json.hpp>
#include <offramp/text/subwords/model_json.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/wordpiece/wordpiece.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Reads tokenizer.json of Hugging Face's fast tokenizers. Its truncation and padding are ignored: the caller's
/// max_tokens decides.
class tokenizer_json_reader {
 public:
  /// `document` must outlive the reader.
  tokenizer_json_reader(const model::json_document& document, const std::string& name)
      : root_(model::json_place(document, name)) {}

  /// Throws `bad_model` on contradictions and `unsupported` on parts that are not offered.
  [[nodiscard]] tokenizer_description read() {
    read_model(model::json_object(root_.require("model")));
    read_added_tokens();
    templates parts = read_post_processor(required_part("post_processor", supported_post_processors));
    result_.single = std::move(parts.single);
    result_.pair = std::move(parts.pair);
    return std::move(result_);
  }

 private:
  using place = model::json_place;
  using object = model::json_object;

  [[nodiscard]] place required_part(const std::string& key, const std::string& expected) {
    const std::optional<place> found = root_.find(key);
    if (!found) {
      throw error(error_kind::unsupported,
                  root_.place().describe() + ": " + key + " is null, supported is " + expected);
    }
    return *found;
  }

  void read_model(object model) {
    const std::string type = type_of(model);
    if (type == "WordPiece") {
      read_wordpiece(model);
      read_normalizer();
      read_pre_tokenizer();
      return;
    }
    subword_model found = type == "Unigram" ? read_unigram(model) : read_byte_pair(model);
    result_.pieces = std::move(found.pieces);
    model_size_ = found.size;
    result_.subwords.emplace<subword_pipeline>(subword_pipeline{read_normalizer_steps(root_.find("normalizer")),
                                                                read_pre_tokenizer_steps(root_.find("pre_tokenizer")),
                                                                std::move(found.model)});
  }

  /// Files of old versions do not name the type.
  [[nodiscard]] static std::string type_of(object& model) {
    const auto type = model.find("type");
    if (!type) {
      return model.find("merges") ? "BPE" : model.require("vocab").value().is_array() ? "Unigram" : "WordPiece";
    }
    if (type->text() != "WordPiece" && type->text() != "Unigram" && type->text() != "BPE") {
      refuse_unsupported(*type, "\"WordPiece\", \"Unigram\" or \"BPE\"");
    }
    return type->text();
  }

  void read_wordpiece(object& model) {
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
    const place vocab = model.require("vocab");
    result_.pieces = read_vocabulary(vocab);
    model_size_ = result_.pieces.ids().size();
    const auto unknown = model.find("unk_token");
    result_.unknown_id = require_piece(result_.pieces, unknown ? unknown->text() : "[UNK]", vocab);
  }

  void read_normalizer() {
    const auto found = root_.find("normalizer");
    if (!found) {
      result_.normalizer = {false, false, false, false};
      return;
    }
    object normalizer(*found);
    if (const place type = normalizer.require("type"); type.text() != "BertNormalizer") {
      refuse_unsupported(type, "\"BertNormalizer\"");
    }
    result_.normalizer = read_bert_normalizer(normalizer);
  }

  void read_pre_tokenizer() {
    const std::string expected = "\"BertPreTokenizer\" or \"WhitespaceSplit\"";
    object pre_tokenizer(required_part("pre_tokenizer", expected));
    const place type = pre_tokenizer.require("type");
    if (type.text() == "WhitespaceSplit") {
      result_.splitting = word_splitting::whitespace;
    } else if (type.text() != "BertPreTokenizer") {
      refuse_unsupported(type, expected);
    }
  }

  /// The id a fast tokenizer gives to a token that the model's vocabulary does not hold: the next free one.
  [[nodiscard]] std::int32_t next_id() const {
    auto next = static_cast<std::int32_t>(model_size_);
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
    token.boundary = is_set(fields, "single_word") ? token_boundary::word : token_boundary::any;
    token.lstrip = is_set(fields, "lstrip");
    token.rstrip = is_set(fields, "rstrip");
    const auto normalized = fields.find("normalized");
    token.normalized = normalized ? normalized->boolean() : !is_set(fields, "special");
    return token;
  }

  object root_;
  tokenizer_description result_;
  std::size_t model_size_ = 0;  ///< pieces of the model
};

/// Throws `io`, `bad_model` or `unsupported`, naming the field.
[[nodiscard]] inline tokenizer_description read_tokenizer_json(const model::file& file) {
  const model::json_document document = model::parse_json(file.read_all(tokenizer_file_limit), file.name());
  return tokenizer_json_reader(document, file.name()).read();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
