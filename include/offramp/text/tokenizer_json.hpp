// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens_json.hpp>
#include <offramp/text/class_tokenizer.hpp>
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
#include <variant>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Reads tokenizer.json of Hugging Face's fast tokenizers: as it stands, or what a class takes of it. Its padding, and
/// the length of its truncation, are ignored: the caller's max_tokens decides.
class tokenizer_json_reader {
 public:
  /// `document` and `config` must outlive the reader.
  tokenizer_json_reader(const model::json_document& document, const std::string& name, const tokenizer_config& config)
      : root_(model::json_place(document, name)), config_(config) {}

  /// Throws `bad_model` on contradictions and `unsupported` on parts that are not offered.
  [[nodiscard]] tokenizer_description read() {
    check_truncation();
    if (config_.kind == tokenizer_class::as_written || config_.kind == tokenizer_class::kobert) {
      return read_as_written();
    }
    return read_for_class();
  }

 private:
  using place = model::json_place;
  using object = model::json_object;

  [[nodiscard]] tokenizer_description read_as_written() {
    read_model(object(root_.require("model")));
    added_token_list tokens(result_.pieces, model_size_);
    const std::vector<numbered_token> own = read_own_tokens();
    for (const numbered_token& entry : own) {
      tokens.add(entry.token);
    }
    add_tokens(config_, number_tokens(own), tokens);
    result_.added_tokens = tokens.tokens();
    templates parts = read_post_processor(required_part("post_processor", supported_post_processors));
    result_.single = std::move(parts.single);
    result_.pair = std::move(parts.pair);
    return std::move(result_);
  }

  /// What a class of transformers takes of the file: vocabulary, merges, sentencepiece's rules, and the added tokens
  /// where tokenizer_config.json has no list of its own.
  [[nodiscard]] tokenizer_description read_for_class() {
    object model(root_.require("model"));
    const std::string expected = model_of(config_.kind);
    if (const std::string type = type_of(model); type != expected) {
      throw error(error_kind::unsupported, model.place().describe() + ".type is \"" + type + "\", supported is \"" +
                                               expected + "\" for the class that tokenizer_class or model_type names");
    }
    const place vocab = model.require("vocab");
    const class_tokenizer_maker maker(config_, number_tokens(read_own_tokens()), vocab.describe() + " has no token");
    if (expected == "WordPiece") {
      return maker.make_wordpiece(read_vocabulary(vocab));
    }
    if (expected == "BPE") {
      return maker.make_byte_pair(vocab, read_merges(model.require("merges")));
    }
    std::optional<templates> own;
    if (const auto processor = root_.find("post_processor"); processor && config_.kind == tokenizer_class::albert) {
      own = read_post_processor(*processor);
    }
    return maker.make_unigram(read_scored_pieces(vocab), find_charsmap(), std::move(own));
  }

  [[nodiscard]] static std::string model_of(tokenizer_class kind) {
    using enum tokenizer_class;
    if (is_wordpiece(kind)) {
      return "WordPiece";
    }
    return kind == roberta || kind == herbert ? "BPE" : "Unigram";
  }

  /// tokenizer_config.json says better than this file at which end texts are cut.
  void check_truncation() {
    const auto truncation = root_.find("truncation");
    if (!truncation || config_.has_truncation_side) {
      return;
    }
    object fields(*truncation);
    if (const auto side = fields.find("direction"); side && side->text() != "Right") {
      refuse_unsupported(*side, "\"Right\"");
    }
  }

  /// Of the first `Precompiled` among the normalizers.
  [[nodiscard]] std::optional<precompiled_charsmap> find_charsmap() {
    const auto normalizer = root_.find("normalizer");
    if (!normalizer) {
      return std::nullopt;
    }
    std::vector<place> steps{*normalizer};
    if (object fields(*normalizer); fields.require("type").text() == "Sequence") {
      steps = fields.require("normalizers").array(0, 64, [](const place& step) { return step; });
    }
    for (const place& step : steps) {
      if (object fields(step); fields.require("type").text() == "Precompiled") {
        return read_precompiled(fields);
      }
    }
    return std::nullopt;
  }

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
      read_words();
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

  /// BERT's normalizer and words have a way of their own; other ones go the way of subwords.
  void read_words() {
    const place pre_tokenizer = required_part("pre_tokenizer", "\"BertPreTokenizer\" or \"WhitespaceSplit\"");
    const std::vector<normalizer_step> steps = read_normalizer_steps(root_.find("normalizer"));
    const std::vector<pre_tokenizer_step> cuts = read_pre_tokenizer_steps(pre_tokenizer);
    const bool is_usual = cuts.size() == 1 && (std::holds_alternative<whitespace_split>(cuts.front()) ||
                                               std::holds_alternative<bert_words>(cuts.front()));
    if (is_usual &&
        (steps.empty() || (steps.size() == 1 && std::holds_alternative<normalizer_options>(steps.front())))) {
      result_.normalizer =
          steps.empty() ? normalizer_options{false, false, false, false} : std::get<normalizer_options>(steps.front());
      result_.splitting = std::holds_alternative<whitespace_split>(cuts.front())
                              ? word_splitting::whitespace
                              : word_splitting::whitespace_and_punctuation;
      return;
    }
    wordpiece pieces(result_.continuation_prefix, result_.unknown_id, result_.max_word_characters);
    for (const auto& [piece, id] : result_.pieces.ids()) {
      pieces.insert(piece, id);
    }
    result_.subwords.emplace<subword_pipeline>(subword_pipeline{steps, cuts, std::move(pieces)});
  }

  struct numbered_token {
    std::int64_t number;
    added_token token;
  };

  [[nodiscard]] std::vector<numbered_token> read_own_tokens() {
    const auto found = root_.find("added_tokens");
    if (!found) {
      return {};
    }
    return found->array(0, vocabulary::max_id, [](const place& where) {
      return numbered_token{object(where).require("id").integer(0, vocabulary::max_id),
                            read_added_token(where, token_default::plain)};
    });
  }

  /// The numbered tokens of the files beside this one; with its own where those do not list all.
  [[nodiscard]] numbered_tokens number_tokens(const std::vector<numbered_token>& own) const {
    numbered_tokens result = config_.added_tokens;
    for (const numbered_token& entry : own) {
      if (!config_.lists_added_tokens) {
        result.insert_or_assign(entry.number, entry.token);
      }
    }
    return result;
  }

  object root_;
  const tokenizer_config& config_;
  tokenizer_description result_;
  std::size_t model_size_ = 0;  ///< pieces of the model
};

/// Throws `io`, `bad_model` or `unsupported`, naming the field.
[[nodiscard]] inline tokenizer_description read_tokenizer_json(const model::file& file,
                                                               const tokenizer_config& config) {
  const model::json_document document = model::parse_json(file.read_all(tokenizer_file_limit), file.name());
  return tokenizer_json_reader(document, file.name(), config).read();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
