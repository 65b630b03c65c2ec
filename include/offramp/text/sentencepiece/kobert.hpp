// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens.hpp>
#include <offramp/text/post_processor_json.hpp>
#include <offramp/text/sentencepiece/encoder.hpp>
#include <offramp/text/sentencepiece/model.hpp>
#include <offramp/text/sentencepiece/pipeline.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/text/vocabulary.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Makes the tokenizer that SK Telecom's KoBERTTokenizer, written in Python, makes of a sentencepiece model and the
/// files beside it.
class kobert_maker {
 public:
  /// Throws `unsupported` for settings that are not offered. `config` must outlive the maker.
  kobert_maker(const model::file_set& files, const tokenizer_config& config)
      : config_(config),
        added_tokens_name_(config.lists_added_tokens
                               ? files.describe("tokenizer_config.json") + ": added_tokens_decoder"
                               : files.describe("added_tokens.json")) {
    const optional_json_file file(files, "tokenizer_config.json");
    model::json_object settings(file.place());
    const auto remove_space = settings.find("remove_space");
    preparation_ = {!remove_space || remove_space->boolean(), config.keep_accents, config.do_lower_case};
    if (const auto options = settings.find("sp_model_kwargs"); options && !options->value().empty()) {
      refuse_unsupported(*options, "none");
    }
    if (!config.other_special_tokens.empty()) {
      throw error(error_kind::unsupported, settings.place().describe() + ": additional_special_tokens has \"" +
                                               config.other_special_tokens.front().content +
                                               "\", supported are none; added_tokens_decoder may name them");
    }
  }

  /// `name`: of the model's file. Throws `bad_model` and `unsupported`.
  [[nodiscard]] tokenizer_description make(const sentencepiece_model& model, const std::string& name) const {
    tokenizer_description result;
    std::int32_t id = 0;
    for (const sentencepiece_model::piece& piece : model.pieces) {
      result.pieces.insert(piece.text, id++);
    }
    for (const role_token& role : config_.roles) {
      add(role.token, require(role.role, result.pieces, name), role.role, result.added_tokens);
    }
    result.unknown_id = require("unk_token", result.pieces, name);
    const std::int32_t cls = require("cls_token", result.pieces, name);
    const std::int32_t sep = require("sep_token", result.pieces, name);
    result.single = bert_template(cls, sep, 1);
    result.pair = bert_template(cls, sep, 2);
    const std::size_t size = result.pieces.pieces().size();
    for (const auto& [number, token] : config_.added_tokens) {
      const std::string place = added_tokens_name_ + "." + std::to_string(number);
      check_number(number, token, place, {result.pieces.find(token.content), size});
      add(token, static_cast<std::int32_t>(number), place, result.added_tokens);
    }
    result.subwords.emplace<sentencepiece_pipeline>(make_sentencepiece_encoder(model, name), result.pieces,
                                                    result.unknown_id, preparation_);
    return result;
  }

 private:
  [[nodiscard]] std::int32_t require(const std::string& role, const vocabulary& pieces, const std::string& name) const {
    const std::string& content = config_.role(role)->content;
    if (const std::optional<std::int32_t> id = pieces.find(content)) {
      return *id;
    }
    throw error(error_kind::bad_model, name + ": has no piece \"" + content + "\"");
  }

  /// Of tokens with the same content the later one counts. `place` names the token in messages.
  static void add(added_token token, std::int32_t id, const std::string& place, std::vector<added_token>& tokens) {
    if (token.boundary != token_boundary::any) {
      throw error(error_kind::unsupported, place + ".single_word is true, supported is false");
    }
    token.id = id;
    token.normalized = false;
    const auto same = std::ranges::find(tokens, token.content, &added_token::content);
    if (same != tokens.end()) {
      *same = std::move(token);
    } else {
      tokens.push_back(std::move(token));
    }
  }

  struct known_ids {
    std::optional<std::int32_t> piece;  ///< of the token
    std::size_t size;
  };

  /// Unlike the classes of transformers, this one takes a number for the token's id.
  void check_number(std::int64_t number, const added_token& token, const std::string& place, known_ids known) const {
    const bool has_role =
        std::ranges::any_of(config_.roles, [&](const role_token& role) { return role.token.content == token.content; });
    if (token.normalized && !has_role && preparation_.lower_case) {
      throw error(error_kind::unsupported, place + " is no special token, supported are those with do_lower_case");
    }
    const std::int64_t lowest = known.piece ? *known.piece : static_cast<std::int64_t>(known.size);
    const std::int64_t highest = known.piece ? *known.piece : vocabulary::max_id;
    if (number < lowest || number > highest) {
      throw error(error_kind::bad_model, place + ": \"" + token.content + "\" has this id, expected " +
                                             std::to_string(lowest) + " to " + std::to_string(highest));
    }
  }

  const tokenizer_config& config_;
  std::string added_tokens_name_;
  text_preparation preparation_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
