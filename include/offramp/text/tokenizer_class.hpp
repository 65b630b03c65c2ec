// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// The classes of transformers that make a tokenizer of a model's files. All but `as_written` take only the vocabulary
/// of tokenizer.json and know the other parts themselves, with the settings of tokenizer_config.json.
enum class tokenizer_class {
  as_written,  ///< tokenizer.json as it stands
  bert,
  distilbert,  ///< as bert, without token types
  mpnet,       ///< WordPiece as bert, surrounded as roberta
  roberta,
  xlm_roberta,
  albert,
  deberta,  ///< of versions 2 and 3
  camembert,
  herbert,
  kobert,  ///< SK Telecom's, around the sentencepiece library
};

struct named_tokenizer_class {
  std::string_view name;  ///< without "Fast" at the end
  tokenizer_class kind;
};

inline constexpr std::array tokenizer_classes{
    named_tokenizer_class{"BertTokenizer", tokenizer_class::bert},
    named_tokenizer_class{"DistilBertTokenizer", tokenizer_class::distilbert},
    named_tokenizer_class{"ElectraTokenizer", tokenizer_class::bert},
    named_tokenizer_class{"MobileBertTokenizer", tokenizer_class::bert},
    named_tokenizer_class{"MPNetTokenizer", tokenizer_class::mpnet},
    named_tokenizer_class{"RobertaTokenizer", tokenizer_class::roberta},
    named_tokenizer_class{"XLMRobertaTokenizer", tokenizer_class::xlm_roberta},
    named_tokenizer_class{"AlbertTokenizer", tokenizer_class::albert},
    named_tokenizer_class{"DebertaV2Tokenizer", tokenizer_class::deberta},
    named_tokenizer_class{"CamembertTokenizer", tokenizer_class::camembert},
    named_tokenizer_class{"HerbertTokenizer", tokenizer_class::herbert},
    named_tokenizer_class{"KoBERTTokenizer", tokenizer_class::kobert},
    named_tokenizer_class{"PreTrainedTokenizer", tokenizer_class::as_written},
    named_tokenizer_class{"TokenizersBackend", tokenizer_class::as_written}};

/// The class of that name. Throws `unsupported` for another one.
[[nodiscard]] inline tokenizer_class read_tokenizer_class(const model::json_place& where) {
  std::string_view name = where.text();
  name.remove_suffix(name.ends_with("Fast") ? 4 : 0);
  const auto found = std::ranges::find(tokenizer_classes, name, &named_tokenizer_class::name);
  if (found != tokenizer_classes.end()) {
    return found->kind;
  }
  std::string supported;
  for (const named_tokenizer_class& known : tokenizer_classes) {
    supported += (supported.empty() ? "" : ", ") + std::string(known.name);
  }
  throw error(error_kind::unsupported, where.describe() + " is \"" + where.text() + "\", supported are " + supported +
                                           "; PreTrainedTokenizerFast takes a tokenizer.json as it stands");
}

/// The class that AutoTokenizer takes where no file names one.
[[nodiscard]] inline std::optional<tokenizer_class> class_of_model_type(std::string_view model_type) {
  struct typed_class {
    std::string_view model_type;
    tokenizer_class kind;
  };
  using enum tokenizer_class;
  static constexpr std::array known{typed_class{"bert", bert},
                                    typed_class{"electra", bert},
                                    typed_class{"distilbert", bert},
                                    typed_class{"elasticbert", bert},
                                    typed_class{"ernie", bert},
                                    typed_class{"camembert", camembert},
                                    typed_class{"data2vec-text", roberta},
                                    typed_class{"roberta", roberta},
                                    typed_class{"xlm-roberta", xlm_roberta},
                                    typed_class{"albert", albert},
                                    typed_class{"deberta-v2", deberta},
                                    typed_class{"mpnet", mpnet}};
  const auto found = std::ranges::find(known, model_type, &typed_class::model_type);
  return found == known.end() ? std::nullopt : std::optional(found->kind);
}

/// Whether AutoTokenizer takes tokenizer.json as it stands for that type of model, whatever class a file names.
[[nodiscard]] constexpr bool ignores_named_class(std::string_view model_type) { return model_type == "modernbert"; }

/// Whether its model is WordPiece.
[[nodiscard]] constexpr bool is_wordpiece(tokenizer_class kind) {
  return kind == tokenizer_class::bert || kind == tokenizer_class::distilbert || kind == tokenizer_class::mpnet;
}

/// Whether its encodings come with token types, unless `model_input_names` says otherwise.
[[nodiscard]] constexpr bool gives_type_ids(tokenizer_class kind) {
  return kind == tokenizer_class::bert || kind == tokenizer_class::deberta;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
