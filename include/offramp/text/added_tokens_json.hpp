// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/vocabulary.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// What a token without the field `special` is.
enum class token_default { plain, special };

[[nodiscard]] inline bool is_set(model::json_object& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found && found->boolean();
}

/// A token as a string, or as an object of `content` and flags; `id` is left at 0. A special token is looked for in the
/// text as it is, unless it says otherwise. Throws `bad_model`.
[[nodiscard]] inline added_token read_added_token(const model::json_place& where, token_default kind) {
  added_token token;
  bool is_special = kind == token_default::special;
  token.normalized = !is_special;
  if (where.value().is_string()) {
    token.content = where.text();
  } else {
    model::json_object fields(where);
    token.content = fields.require("content").text();
    token.boundary = is_set(fields, "single_word") ? token_boundary::word : token_boundary::any;
    token.lstrip = is_set(fields, "lstrip");
    token.rstrip = is_set(fields, "rstrip");
    is_special = is_special || is_set(fields, "special");
    const auto normalized = fields.find("normalized");
    token.normalized = normalized ? normalized->boolean() : !is_special;
  }
  if (token.content.empty()) {
    throw error(error_kind::bad_model, where.describe() + (where.value().is_object() ? ".content" : "") + " is empty");
  }
  return token;
}

/// Tokens by the ids that a file gives them. The ids only say in which order the tokens are added.
using numbered_tokens = std::map<std::int64_t, added_token>;

/// `{"<id>": {"content": ...}}`, the `added_tokens_decoder` of tokenizer_config.json. `is_special(content)`: whether a
/// token is special although it does not say so.
template <typename IsSpecial>
[[nodiscard]] numbered_tokens read_added_tokens_decoder(const model::json_place& where, const IsSpecial& is_special) {
  const model::json_object checked(where);
  numbered_tokens result;
  for (const auto& [key, value] : where.value().items()) {
    std::int64_t id = -1;
    const auto [end, problem] = std::from_chars(key.data(), key.data() + key.size(), id);
    const model::json_place token = where.member(key);
    if (problem != std::errc() || end != key.data() + key.size() || id < 0) {
      throw error(error_kind::bad_model, token.describe() + ": its key is no id, expected an integer from 0 on");
    }
    if (!value.is_object()) {
      token.refuse("an object");
    }
    const auto content = value.find("content");
    const bool special =
        content != value.end() && content->is_string() && is_special(content->template get_ref<const std::string&>());
    result.insert_or_assign(id, read_added_token(token, special ? token_default::special : token_default::plain));
  }
  return result;
}

/// The added tokens of a tokenizer, with ids as the tokenizers library gives them: that of the piece, else the next
/// free one.
class added_token_list {
 public:
  /// `model_size`: pieces of the model, equal ones counted. `pieces` must outlive the list.
  added_token_list(const vocabulary& pieces, std::size_t model_size)
      : pieces_(pieces), next_id_(static_cast<std::int64_t>(model_size)) {}

  /// A token that is there already keeps its id and gets the new flags. Throws `bad_model` when there are too many.
  void add(added_token token) {
    const std::optional<std::int32_t> known = find(token.content);
    const std::int64_t id = known ? *known : next_id_;
    if (id > vocabulary::max_id) {
      throw error(error_kind::bad_model, "added token \"" + token.content + "\" gets the id " + std::to_string(id) +
                                             ", expected at most " + std::to_string(vocabulary::max_id));
    }
    token.id = static_cast<std::int32_t>(id);
    next_id_ = std::max(next_id_, id + 1);
    const auto [place, is_new] = places_.emplace(token.content, tokens_.size());
    if (is_new) {
      tokens_.push_back(std::move(token));
    } else {
      tokens_[place->second] = std::move(token);
    }
  }

  [[nodiscard]] bool contains(const std::string& content) const { return places_.contains(content); }

  /// Of a token or a piece.
  [[nodiscard]] std::optional<std::int32_t> find(const std::string& content) const {
    const auto place = places_.find(content);
    return place == places_.end() ? pieces_.find(content) : std::optional(tokens_[place->second].id);
  }

  /// That a token gets which is neither an added one nor a piece.
  [[nodiscard]] std::int64_t next_id() const noexcept { return next_id_; }

  [[nodiscard]] const std::vector<added_token>& tokens() const noexcept { return tokens_; }

 private:
  const vocabulary& pieces_;
  std::int64_t next_id_;
  std::vector<added_token> tokens_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
