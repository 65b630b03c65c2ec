// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/tokenizer_json.hpp>
#include <offramp/text/utf8.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What tokenizer_config.json says, with the defaults of Hugging Face's BertTokenizer.
struct tokenizer_config {
  normalizer_options normalizer;
  std::string unk_token = "[UNK]";
  std::string sep_token = "[SEP]";
  std::string pad_token = "[PAD]";
  std::string cls_token = "[CLS]";
  std::string mask_token = "[MASK]";
  /// Positions of the model; absent when the file says none or names a placeholder of 1e9 or more.
  std::optional<std::size_t> model_max_length;
};

/// A special token, written as a string or as an object with its `content`.
inline void read_special_token(model::json_object& config, const std::string& key, std::string& token) {
  if (const auto found = config.find(key)) {
    token = found->value().is_object() ? model::json_object(*found).require("content").text() : found->text();
  }
}

[[nodiscard]] inline std::optional<std::size_t> read_model_max_length(model::json_object& config) {
  const auto found = config.find("model_max_length");
  if (!found) {
    return std::nullopt;
  }
  const double length = found->value().is_number() ? found->value().get<double>() : 0.0;
  if (!(length >= 1.0)) {
    found->refuse("a number of at least 1");
  }
  return length < 1e9 ? std::optional(static_cast<std::size_t>(length)) : std::nullopt;
}

/// A config without a file is BertTokenizer's default. Throws `bad_model` on values of the wrong type.
[[nodiscard]] inline tokenizer_config read_tokenizer_config(const model::file_set& files) {
  tokenizer_config result;
  const std::optional<model::file> file = files.find("tokenizer_config.json");
  if (!file) {
    return result;
  }
  const nlohmann::json document = model::parse_json(file->read_all(tokenizer_file_limit), file->name());
  model::json_object config(model::json_place(document, file->name()));
  if (const auto lowercase = config.find("do_lower_case")) {
    result.normalizer.lowercase = lowercase->boolean();
  }
  if (const auto chinese = config.find("tokenize_chinese_chars")) {
    result.normalizer.handle_chinese_chars = chinese->boolean();
  }
  const auto strip = config.find("strip_accents");
  result.normalizer.strip_accents = strip ? strip->boolean() : result.normalizer.lowercase;
  read_special_token(config, "unk_token", result.unk_token);
  read_special_token(config, "sep_token", result.sep_token);
  read_special_token(config, "pad_token", result.pad_token);
  read_special_token(config, "cls_token", result.cls_token);
  read_special_token(config, "mask_token", result.mask_token);
  result.model_max_length = read_model_max_length(config);
  return result;
}

/// One piece per line, its id is the number of the line from 0. Of equal lines the last one counts, as in Hugging Face's.
[[nodiscard]] inline vocabulary read_vocab_lines(const model::file& file) {
  const std::string content = file.read_all(tokenizer_file_limit);
  vocabulary result;
  std::int32_t id = 0;
  for (std::size_t start = 0; start < content.size(); ++id) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string piece = content.substr(start, end - start);
    if (piece.ends_with('\r')) {
      piece.pop_back();
    }
    const std::string place = file.name() + ": line " + std::to_string(id + 1);
    if (id > vocabulary::max_id) {
      throw error(error_kind::bad_model, place + ", expected at most " + std::to_string(vocabulary::max_id + 1));
    }
    if (!is_well_formed_utf8(piece)) {
      throw error(error_kind::bad_model, place + " is not UTF-8");
    }
    result.insert(piece, id);
    start = end + 1;
  }
  return result;
}

/// The tokenizer that Hugging Face makes of vocab.txt and tokenizer_config.json. Throws `io` and `bad_model`.
[[nodiscard]] inline tokenizer_description read_vocab_txt(const model::file& file, const tokenizer_config& config) {
  tokenizer_description result;
  result.pieces = read_vocab_lines(file);
  result.normalizer = config.normalizer;
  const auto required = [&](const std::string& token) {
    if (const auto id = result.pieces.find(token)) {
      return *id;
    }
    throw error(error_kind::bad_model, file.name() + ": has no line \"" + token + "\"");
  };
  result.unknown_id = required(config.unk_token);
  const std::int32_t cls = required(config.cls_token);
  const std::int32_t sep = required(config.sep_token);
  result.single = bert_template(cls, sep, 1);
  result.pair = bert_template(cls, sep, 2);
  for (const std::string* token :
       {&config.unk_token, &config.sep_token, &config.pad_token, &config.cls_token, &config.mask_token}) {
    if (const auto id = result.pieces.find(*token); id && !token->empty()) {
      added_token special;
      special.content = *token;
      special.id = *id;
      result.added_tokens.push_back(std::move(special));
    }
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
