// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/added_tokens_json.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/post_processor_json.hpp>
#include <offramp/text/subwords/model_json.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The tokens that files name beside the model's pieces, in the order in which transformers adds them: by number, by
/// role, the others; one that has a number keeps its flags. A role's token that is no piece counts only where the
/// encoder has a row for the id that it gets.
inline void add_tokens(const tokenizer_config& config, const numbered_tokens& numbered, added_token_list& tokens) {
  for (const auto& [number, token] : numbered) {
    tokens.add(token);
  }
  const added_token_list listed = tokens;
  for (const role_token& role : config.roles) {
    const bool has_row = tokens.find(role.token.content) || tokens.next_id() < config.vocabulary_size;
    if (!listed.contains(role.token.content) && has_row) {
      tokens.add(role.token);
    }
  }
  for (const added_token& token : config.other_special_tokens) {
    if (!listed.contains(token.content)) {
      tokens.add(token);
    }
  }
}

/// Makes the tokenizer that a class of transformers makes of a vocabulary, with the settings of the files beside it.
/// Every function throws `bad_model` where the vocabulary does not hold what the class needs.
class class_tokenizer_maker {
 public:
  /// `place`: of the vocabulary, as in "vocab.txt: has no line". The config must outlive the maker.
  class_tokenizer_maker(const tokenizer_config& config, numbered_tokens numbered, std::string place)
      : config_(config), numbered_(std::move(numbered)), place_(std::move(place)) {}

  /// BertTokenizer and its kin, or MPNetTokenizer.
  [[nodiscard]] tokenizer_description make_wordpiece(vocabulary pieces) const {
    tokenizer_description result;
    result.pieces = std::move(pieces);
    result.normalizer = config_.normalizer;
    result.unknown_id = require_piece_of("unk_token", result.pieces);
    const added_token_list tokens = list_tokens(result.pieces, result.pieces.ids().size());
    const surrounding around{require("cls_token", tokens), require("sep_token", tokens)};
    if (config_.kind == tokenizer_class::mpnet) {
      surround_as_roberta(around, result);
    } else {
      surround_as_bert(around, result);
    }
    result.added_tokens = tokens.tokens();
    return result;
  }

  /// RobertaTokenizer or HerbertTokenizer.
  [[nodiscard]] tokenizer_description make_byte_pair(const model::json_place& vocab, const merge_list& merges) const {
    const bool is_herbert = config_.kind == tokenizer_class::herbert;
    vocabulary pieces = read_vocabulary(vocab);
    byte_pair_options options;
    std::vector<normalizer_step> normalizer;
    std::vector<pre_tokenizer_step> pre_tokenizer;
    if (is_herbert) {
      options.unknown.id = require_piece_of("unk_token", pieces);
      options.end_of_word_suffix = "</w>";
      normalizer.emplace_back(normalizer_options{true, true, false, false});
      pre_tokenizer.emplace_back(bert_words{});
    } else {
      pre_tokenizer.emplace_back(byte_level{config_.add_prefix_space.value_or(false), true});
    }
    tokenizer_description result;
    subword_model model = text::make_byte_pair(merges, std::move(pieces), std::move(options));
    const std::size_t size = model.size;
    set_model(result, std::move(normalizer), std::move(pre_tokenizer), std::move(model));
    const added_token_list tokens = list_tokens(result.pieces, size);
    if (is_herbert) {
      surround_as_bert({0, 2}, result);
    } else {
      surround_as_roberta({require("cls_token", tokens), require("sep_token", tokens)}, result);
    }
    result.added_tokens = tokens.tokens();
    return result;
  }

  /// XLMRobertaTokenizer, CamembertTokenizer, DebertaV2Tokenizer or AlbertTokenizer. `own`: what tokenizer.json says of
  /// its templates, which AlbertTokenizer alone heeds.
  [[nodiscard]] tokenizer_description make_unigram(const std::vector<scored_piece>& scored,
                                                   std::optional<precompiled_charsmap> charsmap,
                                                   std::optional<templates> own) const {
    vocabulary pieces = pieces_of(scored);
    const std::int32_t unknown_id = unknown_id_of(pieces, scored);
    if (static_cast<std::size_t>(unknown_id) >= scored.size()) {
      throw error(error_kind::bad_model, place_ + " with the id " + std::to_string(unknown_id) +
                                             ", which its class takes for the unknown one");
    }
    const std::size_t size = scored.size();
    tokenizer_description result;
    std::vector<pre_tokenizer_step> pre_tokenizer{metaspace{"\u2581", config_.add_prefix_space.value_or(true), true}};
    if (config_.kind != tokenizer_class::deberta) {
      pre_tokenizer.insert(pre_tokenizer.begin(), whitespace_split{});
    }
    set_model(result, unigram_normalizer(std::move(charsmap)), std::move(pre_tokenizer),
              {std::move(pieces), size, unigram(scored, unknown_id, std::nullopt)});
    const added_token_list tokens = list_tokens(result.pieces, size);
    if (config_.kind == tokenizer_class::albert && own) {
      result.single = std::move(own->single);
      result.pair = std::move(own->pair);
    } else if (config_.kind == tokenizer_class::albert) {
      surround_as_bert({require_piece_of("cls_token", result.pieces), require_piece_of("sep_token", result.pieces)},
                       result);
    } else if (config_.kind == tokenizer_class::deberta) {
      surround_as_bert({require("cls_token", tokens), require("sep_token", tokens)}, result);
    } else {
      surround_as_roberta({require("bos_token", tokens), require("eos_token", tokens)}, result);
    }
    result.added_tokens = tokens.tokens();
    return result;
  }

 private:
  /// The ids around a text.
  struct surrounding {
    std::int32_t start;
    std::int32_t end;
  };

  static void surround_as_bert(surrounding around, tokenizer_description& result) {
    result.single = bert_template(around.start, around.end, 1);
    result.pair = bert_template(around.start, around.end, 2);
  }

  static void surround_as_roberta(surrounding around, tokenizer_description& result) {
    result.single = roberta_template(around.start, around.end, 1);
    result.pair = roberta_template(around.start, around.end, 2);
  }

  static void set_model(tokenizer_description& result, std::vector<normalizer_step> normalizer,
                        std::vector<pre_tokenizer_step> pre_tokenizer, subword_model model) {
    result.pieces = std::move(model.pieces);
    result.subwords.emplace<subword_pipeline>(
        subword_pipeline{std::move(normalizer), std::move(pre_tokenizer), std::move(model.model)});
  }

  [[nodiscard]] std::vector<normalizer_step> unigram_normalizer(std::optional<precompiled_charsmap> charsmap) const {
    std::vector<normalizer_step> steps;
    if (config_.kind == tokenizer_class::deberta) {
      if (config_.do_lower_case) {
        steps.emplace_back(lowercase{});
      }
      steps.emplace_back(squeeze_whitespace{" "});
      steps.emplace_back(unicode_form::nfc);
      steps.emplace_back(strip_ends{false, true});
      return steps;
    }
    if (config_.kind == tokenizer_class::albert) {
      steps.emplace_back(replace_string{"``", "\""});
      steps.emplace_back(replace_string{"''", "\""});
      if (!config_.keep_accents) {
        steps.emplace_back(unicode_form::nfkd);
        steps.emplace_back(strip_accents{});
      }
      if (config_.do_lower_case) {
        steps.emplace_back(lowercase{});
      }
    }
    if (charsmap) {
      steps.emplace_back(*std::move(charsmap));
    }
    return steps;
  }

  [[nodiscard]] std::int32_t unknown_id_of(const vocabulary& pieces, const std::vector<scored_piece>& scored) const {
    if (config_.kind == tokenizer_class::deberta) {
      const std::string& content = config_.content_of("unk_token");
      const auto found = std::ranges::find_if(
          scored, [&](const scored_piece& piece) { return piece.piece == content && piece.score == 0.0; });
      return static_cast<std::int32_t>(found == scored.end() ? config_.unknown_id : found - scored.begin());
    }
    if (config_.kind == tokenizer_class::camembert) {
      return pieces.find(config_.content_of("unk_token")).value_or(0);
    }
    return config_.kind == tokenizer_class::albert ? 1 : 3;
  }

  [[nodiscard]] added_token_list list_tokens(const vocabulary& pieces, std::size_t size) const {
    added_token_list tokens(pieces, size);
    add_tokens(config_, numbered_, tokens);
    return tokens;
  }

  [[nodiscard]] std::int32_t require_piece_of(const std::string& role, const vocabulary& pieces) const {
    const std::string& content = config_.content_of(role);
    if (const std::optional<std::int32_t> id = pieces.find(content)) {
      return *id;
    }
    refuse_missing(content);
  }

  [[nodiscard]] std::int32_t require(const std::string& role, const added_token_list& tokens) const {
    const std::string& content = config_.content_of(role);
    if (const std::optional<std::int32_t> id = tokens.find(content)) {
      return *id;
    }
    refuse_missing(content);
  }

  [[noreturn]] void refuse_missing(const std::string& content) const {
    throw error(error_kind::bad_model, place_ + " \"" + content + "\"");
  }

  const tokenizer_config& config_;
  numbered_tokens numbered_;
  std::string place_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
