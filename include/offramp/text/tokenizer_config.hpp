// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens_json.hpp>
#include <offramp/text/normalizers/bert_normalizer.hpp>
#include <offramp/text/special_tokens.hpp>
#include <offramp/text/tokenizer_class.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Files of a tokenizer that are larger are refused before they are read.
inline constexpr std::uint64_t tokenizer_file_limit = 64U << 20;

/// What the files beside a vocabulary say about its tokenizer: tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json, and the `tokenizer_class` and `model_type` of config.json.
struct tokenizer_config {
  tokenizer_class kind = tokenizer_class::bert;
  normalizer_options normalizer;  ///< of the BERT classes
  bool do_lower_case = true;      ///< of ALBERT, DeBERTa and KoBERT
  bool keep_accents = false;      ///< of ALBERT and KoBERT
  std::optional<bool> add_prefix_space;
  /// Of DeBERTa, where the vocabulary has no unknown token with a score of 0.
  std::int64_t unknown_id = 1;
  std::vector<role_token> roles;
  std::vector<added_token> other_special_tokens;
  /// Else a class that makes its tokenizer of a sentencepiece model takes the model's own for `other_special_tokens`.
  bool lists_extra_tokens = false;
  numbered_tokens added_tokens;
  /// `added_tokens` are all: the class does not look at those of tokenizer.json.
  bool lists_added_tokens = false;
  /// Rows of the encoder's table; 0 where no file says.
  std::int64_t vocabulary_size = 0;
  /// Positions of the model; absent when the file says none, or 1e9 or more: Hugging Face writes 1e30 for "no limit".
  std::optional<std::size_t> model_max_length;
  bool gives_type_ids = true;
  /// Whether the file says at which end texts are cut; it must be the right one.
  bool has_truncation_side = false;
  /// What forbids making a tokenizer of vocab.txt, empty when nothing does.
  std::string vocab_txt_objection;

  [[nodiscard]] const added_token* role(std::string_view name) const {
    const auto found = std::ranges::find(roles, name, &role_token::role);
    return found == roles.end() ? nullptr : &found->token;
  }

  /// Of the token of a role. Throws `unsupported` where it has none.
  [[nodiscard]] const std::string& content_of(std::string_view name) const {
    if (const added_token* token = role(name)) {
      return token->content;
    }
    throw error(error_kind::unsupported,
                "tokenizer_config.json: " + std::string(name) + " is null, supported is a token");
  }
};

/// A JSON file that a model may have; a missing one reads as an empty object.
class optional_json_file {
 public:
  optional_json_file(const model::file_set& files, const std::string& name)
      : name_(files.describe(name)), source_(files.find(name)) {
    document_ = model::parse_json(source_ ? source_->read_all(tokenizer_file_limit) : "{}", name_);
  }

  [[nodiscard]] bool exists() const noexcept { return source_.has_value(); }

  [[nodiscard]] model::json_place place() const { return {document_, name_}; }

 private:
  std::string name_;
  std::optional<model::file> source_;
  model::json_document document_;
};

[[nodiscard]] inline std::optional<std::size_t> read_model_max_length(model::json_object& config) {
  const auto found = config.find("model_max_length");
  const auto old = config.find("max_len");
  if (!found && !old) {
    return std::nullopt;
  }
  const model::json_place& place = found ? *found : *old;
  const double length = place.value().is_number() ? place.value().get<double>() : 0.0;
  if (!(length >= 1.0)) {
    place.refuse("a number of at least 1");
  }
  return length < 1e9 ? std::optional(static_cast<std::size_t>(length)) : std::nullopt;
}

/// The first setting that changes what vocab.txt means and is not offered, else nothing.
[[nodiscard]] inline std::string find_vocab_txt_objection(model::json_object& config) {
  if (const auto basic = config.find("do_basic_tokenize"); basic && !basic->boolean()) {
    return basic->describe() + " is false, supported is true";
  }
  if (const auto words = config.find("never_split"); words && !words->value().empty()) {
    return words->describe() + " names words, supported are none";
  }
  return {};
}

/// Throws `unsupported` for settings that change the ids of every vocabulary.
inline void refuse_unsupported_settings(model::json_object& config) {
  for (const auto& [key, supported] :
       {std::pair("word_tokenizer_type", "basic"),  // MeCab and its kin, for Japanese
        std::pair("subword_tokenizer_type", "wordpiece"), std::pair("truncation_side", "right")}) {
    if (const auto found = config.find(key); found && found->text() != supported) {
      refuse_unsupported(*found, "\"" + std::string(supported) + "\"");
    }
  }
  if (const auto split = config.find("split_special_tokens"); split && split->boolean()) {
    refuse_unsupported(*split, "false");
  }
}

/// Reads the files that stand in `tokenizer_config`.
class tokenizer_config_reader {
 public:
  explicit tokenizer_config_reader(const model::file_set& files)
      : class_without_name_(files.find("tokenizer.json") ? tokenizer_class::as_written : tokenizer_class::bert),
        settings_file_(files, "tokenizer_config.json"),
        map_file_(files, "special_tokens_map.json"),
        added_tokens_file_(files, "added_tokens.json"),
        config_file_(files, "config.json"),
        settings_(settings_file_.place()),
        config_(config_file_.place()) {}

  /// Throws `bad_model` on values of the wrong type and `unsupported` on settings that are not offered.
  [[nodiscard]] tokenizer_config read() {
    tokenizer_config result;
    refuse_unsupported_settings(settings_);
    read_class(result);
    read_normalizer(result);
    read_tokens(result);
    if (const auto rows = config_.find("vocab_size"); rows && rows->value().is_number_integer()) {
      result.vocabulary_size = rows->value().get<std::int64_t>();
    }
    result.model_max_length = read_model_max_length(settings_);
    result.has_truncation_side = settings_.find("truncation_side").has_value();
    result.vocab_txt_objection = find_vocab_txt_objection(settings_);
    return result;
  }

 private:
  void read_class(tokenizer_config& result) {
    std::optional<tokenizer_class> kind;
    const auto type = config_.find("model_type");
    const std::string model_type = type && type->value().is_string() ? type->text() : "";
    const auto own = settings_.find("tokenizer_class");
    if (ignores_named_class(model_type)) {
      kind = tokenizer_class::as_written;
    } else if (const auto found = own ? own : config_.find("tokenizer_class")) {
      kind = read_tokenizer_class(*found);
    } else {
      kind = class_of_model_type(model_type);
    }
    result.kind = kind.value_or(class_without_name_);
    result.gives_type_ids = !kind || gives_type_ids(*kind);
    if (const auto inputs = settings_.find("model_input_names")) {
      const auto names = inputs->array(0, 64, [](const model::json_place& name) { return name.text(); });
      result.gives_type_ids = std::ranges::find(names, "token_type_ids") != names.end();
    }
  }

  void read_normalizer(tokenizer_config& result) {
    const auto flag = [&](const std::string& key, bool otherwise) {
      const auto found = settings_.find(key);
      return found ? found->boolean() : otherwise;
    };
    const bool is_cased = result.kind == tokenizer_class::kobert || result.kind == tokenizer_class::deberta;
    result.do_lower_case = flag("do_lower_case", !is_cased);
    result.keep_accents = flag("keep_accents", false);
    result.normalizer.lowercase = result.do_lower_case;
    result.normalizer.handle_chinese_chars = flag("tokenize_chinese_chars", true);
    result.normalizer.strip_accents = flag("strip_accents", result.do_lower_case);
    if (settings_.find("add_prefix_space")) {
      result.add_prefix_space = flag("add_prefix_space", false);
    }
    if (result.kind == tokenizer_class::deberta) {
      read_deberta(result);
    }
  }

  void read_deberta(tokenizer_config& result) {
    if (const auto id = settings_.find("unk_id")) {
      result.unknown_id = id->integer(0, INT32_MAX);
    }
    if (const auto split = settings_.find("split_by_punct"); split && split->boolean()) {
      refuse_unsupported(*split, "false");
    }
    if (const auto prefix = settings_.find("add_prefix_space"); prefix && !prefix->boolean()) {
      refuse_unsupported(*prefix, "true for this class");
    }
  }

  /// With an `added_tokens_decoder`, special_tokens_map.json and added_tokens.json are not looked at.
  void read_tokens(tokenizer_config& result) {
    const auto decoder = settings_.find("added_tokens_decoder");
    result.lists_added_tokens = decoder.has_value();
    std::optional<model::json_place> map;
    if (!decoder && map_file_.exists()) {
      map = model::json_object(map_file_.place()).place();
    }
    const special_token_reader reader(settings_.place(), std::move(map));
    result.roles = reader.read_roles(result.kind);
    result.other_special_tokens = reader.read_others(result.kind);
    result.lists_extra_tokens = reader.has_extra_list();
    if (decoder) {
      result.added_tokens = read_added_tokens_decoder(*decoder, [&](const std::string& content) {
        return std::ranges::any_of(result.roles, [&](const auto& role) { return role.token.content == content; });
      });
      return;
    }
    const model::json_object added(added_tokens_file_.place());
    for (const auto& [content, id] : added.place().value().items()) {
      added_token token;
      token.content = content;
      token.normalized = !reader.is_special(content);
      result.added_tokens.insert_or_assign(added.place().member(content).integer(0, INT32_MAX), std::move(token));
    }
  }

  tokenizer_class class_without_name_;
  optional_json_file settings_file_;
  optional_json_file map_file_;
  optional_json_file added_tokens_file_;
  optional_json_file config_file_;
  model::json_object settings_;
  model::json_object config_;
};

/// Throws `io`, `bad_model` and `unsupported`.
[[nodiscard]] inline tokenizer_config read_tokenizer_config(const model::file_set& files) {
  return tokenizer_config_reader(files).read();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
