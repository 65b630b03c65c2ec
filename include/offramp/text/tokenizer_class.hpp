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
  roberta,
  xlm_roberta,
  albert,
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
    named_tokenizer_class{"RobertaTokenizer", tokenizer_class::roberta},
    named_tokenizer_class{"XLMRobertaTokenizer", tokenizer_class::xlm_roberta},
    named_tokenizer_class{"AlbertTokenizer", tokenizer_class::albert},
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
  if (model_type == "bert" || model_type == "electra" || model_type == "distilbert" || model_type == "elasticbert") {
    return tokenizer_class::bert;
  }
  if (model_type == "roberta") {
    return tokenizer_class::roberta;
  }
  if (model_type == "xlm-roberta") {
    return tokenizer_class::xlm_roberta;
  }
  return model_type == "albert" ? std::optional(tokenizer_class::albert) : std::nullopt;
}

/// Whether its encodings come with token types, unless `model_input_names` says otherwise.
[[nodiscard]] constexpr bool gives_type_ids(tokenizer_class kind) { return kind == tokenizer_class::bert; }

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
