// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/text/class_tokenizer.hpp>
#include <offramp/text/normalizers/precompiled_charsmap.hpp>
#include <offramp/text/sentencepiece/kobert.hpp>
#include <offramp/text/sentencepiece/model.hpp>
#include <offramp/text/subwords/model_json.hpp>
#include <offramp/text/tokenizer_class.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// tokenizer.model comes first, as with transformers, then the name that the class knows.
[[nodiscard]] inline std::optional<model::file> find_sentencepiece_file(const model::file_set& files,
                                                                        tokenizer_class kind) {
  const bool is_fairseq = kind == tokenizer_class::xlm_roberta || kind == tokenizer_class::camembert;
  const std::string_view own = is_fairseq                         ? "sentencepiece.bpe.model"
                               : kind == tokenizer_class::deberta ? "spm.model"
                                                                  : "spiece.model";
  for (const std::string_view name :
       {std::string_view("tokenizer.model"), own, std::string_view("spiece.model"),
        std::string_view("sentencepiece.bpe.model"), std::string_view("sentencepiece.model")}) {
    if (std::optional<model::file> file = files.find(name)) {
      return file;
    }
  }
  return std::nullopt;
}

/// Makes the tokenizer that AlbertTokenizer, CamembertTokenizer, DebertaV2Tokenizer or XLMRobertaTokenizer of
/// transformers makes of a sentencepiece model: a Unigram model of its pieces, whatever its own algorithm.
class sentencepiece_class_maker {
 public:
  /// `name`: of the model's file.
  sentencepiece_class_maker(const sentencepiece_model& model, std::string name, tokenizer_config config)
      : model_(model), name_(std::move(name)), config_(std::move(config)) {
    config_.unknown_id = model.unknown_id;
    if (!config_.lists_extra_tokens) {
      config_.other_special_tokens = control_tokens();
    }
  }

  /// Throws `bad_model` and `unsupported`.
  [[nodiscard]] tokenizer_description make() const {
    std::optional<precompiled_charsmap> charsmap;
    if (!model_.precompiled_charsmap.empty()) {
      charsmap.emplace(model_.precompiled_charsmap, name_);
    }
    return class_tokenizer_maker(config_, config_.added_tokens, name_ + ": has no piece")
        .make_unigram(class_pieces(), std::move(charsmap), std::nullopt);
  }

 private:
  [[nodiscard]] std::vector<added_token> control_tokens() const {
    std::vector<added_token> result;
    for (const sentencepiece_model::piece& piece : model_.pieces) {
      if (piece.type == sentencepiece_model::piece_type::control ||
          piece.type == sentencepiece_model::piece_type::user_defined) {
        added_token token;
        token.content = piece.text;
        result.push_back(std::move(token));
      }
    }
    return result;
  }

  /// The pieces by their ids: for all but ALBERT and DeBERTa those of fairseq, which has special tokens of its own
  /// first.
  [[nodiscard]] std::vector<scored_piece> class_pieces() const {
    constexpr double never = -100.0;
    std::vector<scored_piece> result;
    if (config_.kind == tokenizer_class::albert || config_.kind == tokenizer_class::deberta) {
      append_pieces(0, result);
      return result;
    }
    const bool is_camembert = config_.kind == tokenizer_class::camembert;
    result.push_back({is_camembert ? "<s>NOTUSED" : config_.content_of("bos_token"), 0.0});
    result.push_back({config_.content_of("pad_token"), 0.0});
    result.push_back({is_camembert ? "</s>NOTUSED" : config_.content_of("eos_token"), 0.0});
    result.push_back({config_.content_of("unk_token"), 0.0});
    if (is_camembert) {
      result.push_back({"<unk>NOTUSED", never});
    }
    append_pieces(is_camembert ? 1 : 3, result);
    result.push_back({config_.content_of("mask_token"), 0.0});
    return result;
  }

  void append_pieces(std::size_t first, std::vector<scored_piece>& result) const {
    for (std::size_t index = first; index < model_.pieces.size(); ++index) {
      result.push_back({model_.pieces[index].text, static_cast<double>(model_.pieces[index].score)});
    }
  }

  const sentencepiece_model& model_;
  std::string name_;
  tokenizer_config config_;
};

/// Throws `io`, `bad_model` and `unsupported`.
[[nodiscard]] inline tokenizer_description read_sentencepiece_file(const model::file& file,
                                                                   const model::file_set& files,
                                                                   const tokenizer_config& config) {
  if (is_wordpiece(config.kind)) {
    throw error(
        error_kind::unsupported,
        files.describe("tokenizer_config.json") + ": tokenizer_class names none of the classes that read " +
            file.name() +
            ": AlbertTokenizer, CamembertTokenizer, DebertaV2Tokenizer, XLMRobertaTokenizer and KoBERTTokenizer");
  }
  const sentencepiece_model model = sentencepiece_model_reader(file.read_all(tokenizer_file_limit), file.name()).read();
  if (config.kind == tokenizer_class::kobert) {
    return kobert_maker(files, config).make(model, file.name());
  }
  return sentencepiece_class_maker(model, file.name(), config).make();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
