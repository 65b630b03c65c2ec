// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Files of a tokenizer that are larger are refused before they are read.
inline constexpr std::uint64_t tokenizer_file_limit = 64U << 20;

/// What tokenizer_config.json says, with the defaults of Hugging Face's BertTokenizer.
struct tokenizer_config {
  normalizer_options normalizer;
  std::string unk_token = "[UNK]";
  std::string sep_token = "[SEP]";
  std::string pad_token = "[PAD]";
  std::string cls_token = "[CLS]";
  std::string mask_token = "[MASK]";
  /// Positions of the model; absent when the file says none, or 1e9 or more: Hugging Face writes 1e30 for "no limit".
  std::optional<std::size_t> model_max_length;
  /// What forbids making a tokenizer of vocab.txt, empty when nothing does. A tokenizer.json stands for itself.
  std::string objection;
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

/// The first setting that changes what vocab.txt means and is not offered, else nothing.
[[nodiscard]] inline std::string find_objection(model::json_object& config) {
  static constexpr std::array<std::string_view, 5> classes = {
      "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "PreTrainedTokenizer"};
  if (const auto found = config.find("tokenizer_class")) {
    std::string_view name = found->text();
    name.remove_suffix(name.ends_with("Fast") ? 4 : 0);
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) {
      return found->describe() + " is \"" + found->text() + "\", supported is \"BertTokenizer\"";
    }
  }
  if (const auto basic = config.find("do_basic_tokenize"); basic && !basic->boolean()) {
    return basic->describe() + " is false, supported is true";
  }
  if (const auto words = config.find("never_split"); words && !words->value().empty()) {
    return words->describe() + " names words, supported are none";
  }
  return {};
}

/// A config without a file is BertTokenizer's default. Throws `bad_model` on values of the wrong type.
[[nodiscard]] inline tokenizer_config read_tokenizer_config(const model::file_set& files) {
  tokenizer_config result;
  const std::optional<model::file> file = files.find("tokenizer_config.json");
  if (!file) {
    return result;
  }
  const model::json_document document = model::parse_json(file->read_all(tokenizer_file_limit), file->name());
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
  result.objection = find_objection(config);
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
