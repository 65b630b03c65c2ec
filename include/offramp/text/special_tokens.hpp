// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/added_tokens_json.hpp>
#include <offramp/text/tokenizer_class.hpp>
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

/// A token with a role: "cls_token". In the order of the roles, their tokens are added to a tokenizer.
struct role_token {
  std::string role;
  added_token token;
};

inline constexpr std::array<std::string_view, 7> token_roles = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                                "pad_token", "cls_token", "mask_token"};

/// The token of a role in a class of tokenizers, where no file names another; empty: none.
[[nodiscard]] constexpr std::string_view default_token(tokenizer_class kind, std::string_view role) {
  using enum tokenizer_class;
  const bool starts_or_ends = role == "bos_token" || role == "eos_token";
  if (kind == as_written || (starts_or_ends && (kind == bert || kind == distilbert || kind == herbert))) {
    return {};
  }
  const bool is_bert_like = kind == bert || kind == distilbert || kind == albert || kind == kobert || kind == deberta;
  if (role == "bos_token" || role == "cls_token") {
    return is_bert_like ? "[CLS]" : "<s>";
  }
  if (role == "eos_token" || role == "sep_token") {
    return is_bert_like ? "[SEP]" : "</s>";
  }
  if (role == "mask_token") {
    return is_bert_like ? "[MASK]" : "<mask>";
  }
  if (kind == mpnet && role == "unk_token") {
    return "[UNK]";
  }
  const bool is_in_angles = !is_bert_like || kind == albert;
  return role == "unk_token" ? (is_in_angles ? "<unk>" : "[UNK]") : (is_in_angles ? "<pad>" : "[PAD]");
}

/// Whether the mask token of a class takes the space before it, where no file gives it flags.
[[nodiscard]] constexpr bool mask_takes_space(tokenizer_class kind) {
  return kind == tokenizer_class::camembert || kind == tokenizer_class::mpnet || kind == tokenizer_class::kobert;
}

/// Special tokens of tokenizer_config.json and, over them, of special_tokens_map.json.
class special_token_reader {
 public:
  /// `map`: of special_tokens_map.json, nothing where it does not count.
  special_token_reader(const model::json_place& config, std::optional<model::json_place> map)
      : config_(config), map_(std::move(map)) {}

  /// Throws `bad_model`, and `unsupported` for an unknown, [CLS] or [SEP] token that is null.
  [[nodiscard]] std::vector<role_token> read_roles(tokenizer_class kind) const {
    std::vector<role_token> result;
    for (const std::string_view role : token_roles) {
      const std::string key(role);
      const std::optional<model::json_place> found = find(key);
      if (!found) {
        if (const std::string_view token = default_token(kind, role); !token.empty()) {
          result.push_back({key, special(std::string(token), key == "mask_token" && mask_takes_space(kind))});
        }
      } else if (!found->value().is_null()) {
        added_token token = read_added_token(*found, token_default::special);
        token.lstrip = token.lstrip || (found->value().is_string() && key == "mask_token" && mask_takes_space(kind));
        result.push_back({key, std::move(token)});
      } else if (kind != tokenizer_class::as_written &&
                 (key == "unk_token" || key == "cls_token" || key == "sep_token")) {
        throw error(error_kind::unsupported, found->describe() + " is null, supported is a token");
      }
    }
    append_other_roles(result);
    return result;
  }

  /// The tokens that are special without a role: `extra_special_tokens`, or by their old name
  /// `additional_special_tokens`, which special_tokens_map.json can say only where nothing else does.
  [[nodiscard]] std::vector<added_token> read_others(tokenizer_class kind) const {
    if (has_extra_list()) {
      return read_extra_list();
    }
    const std::optional<model::json_place> found = find("additional_special_tokens");
    if (found && !found->value().is_null()) {
      return read_list(*found);
    }
    std::vector<added_token> result;
    if (kind == tokenizer_class::camembert) {
      for (const char* content : {"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"}) {
        result.push_back(special(content, false));
      }
    }
    return result;
  }

  /// Whether a file lists such tokens, be it none, where it counts for every class.
  [[nodiscard]] bool has_extra_list() const {
    const auto is_list = [](const std::optional<model::json_place>& place) {
      return place && !place->value().is_object();
    };
    return is_list(find_extra()) || is_list(find_extra_of_map());
  }

  /// Whether a token of added_tokens.json is special: a file gives it a role or lists it as an extra one.
  [[nodiscard]] bool is_special(const std::string& content) const {
    const auto has_role = [&](std::string_view role) {
      const std::optional<model::json_place> found = find(std::string(role));
      return found && !found->value().is_null() && read_added_token(*found, token_default::special).content == content;
    };
    const std::vector<added_token> extra = read_extra_list();
    return std::ranges::any_of(token_roles, has_role) ||
           std::ranges::find(extra, content, &added_token::content) != extra.end();
  }

  /// What special_tokens_map.json says, else tokenizer_config.json; also a null.
  [[nodiscard]] std::optional<model::json_place> find(const std::string& key) const {
    if (map_ && map_->value().contains(key)) {
      return map_->member(key);
    }
    return config_.value().contains(key) ? std::optional(config_.member(key)) : std::nullopt;
  }

 private:
  static constexpr std::size_t max_tokens = 1 << 20;

  /// What tokenizer_config.json lists; the old name counts where the new one is missing or empty.
  [[nodiscard]] std::optional<model::json_place> find_extra() const {
    const nlohmann::json& config = config_.value();
    const auto extra = config.find("extra_special_tokens");
    if ((extra == config.end() || extra->empty()) && config.contains("additional_special_tokens")) {
      return config_.member("additional_special_tokens");
    }
    return extra == config.end() ? std::nullopt : std::optional(config_.member("extra_special_tokens"));
  }

  [[nodiscard]] std::optional<model::json_place> find_extra_of_map() const {
    const bool has = map_ && map_->value().contains("extra_special_tokens");
    return has ? std::optional(map_->member("extra_special_tokens")) : std::nullopt;
  }

  [[nodiscard]] std::vector<added_token> read_extra_list() const {
    std::vector<added_token> result;
    for (const auto& place : {find_extra(), find_extra_of_map()}) {
      if (place) {
        std::ranges::move(read_list(*place), std::back_inserter(result));
      }
    }
    return result;
  }

  [[nodiscard]] static std::vector<added_token> read_list(const model::json_place& place) {
    if (place.value().is_null() || place.value().is_object()) {
      return {};
    }
    return place.array(0, max_tokens,
                       [](const model::json_place& token) { return read_added_token(token, token_default::special); });
  }

  [[nodiscard]] static added_token special(std::string content, bool lstrip) {
    added_token token;
    token.content = std::move(content);
    token.lstrip = lstrip;
    return token;
  }

  /// "my_token": "<x>" is a role of its own, and so is each member of an `extra_special_tokens` that is an object.
  void append_other_roles(std::vector<role_token>& result) const {
    const auto append = [&result](const model::json_place& object, const auto& accepts) {
      for (const auto& [key, value] : object.value().items()) {
        if (value.is_string() && accepts(key)) {
          result.push_back({key, read_added_token(object.member(key), token_default::special)});
        }
      }
    };
    append(config_, [](std::string_view key) {
      return key.ends_with("_token") && std::ranges::find(token_roles, key) == token_roles.end();
    });
    for (const auto& object : {std::optional(config_), map_}) {
      if (object && object->value().contains("extra_special_tokens")) {
        if (const model::json_place extra = object->member("extra_special_tokens"); extra.value().is_object()) {
          append(extra, [](std::string_view) { return true; });
        }
      }
    }
  }

  model::json_place config_;
  std::optional<model::json_place> map_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
