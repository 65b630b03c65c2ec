// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/text/sentencepiece/encoder.hpp>
#include <offramp/text/sentencepiece/model.hpp>
#include <offramp/text/sentencepiece/pipeline.hpp>
#include <offramp/text/tokenizer_config.hpp>
#include <offramp/text/tokenizer_description.hpp>
#include <offramp/text/unsupported.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

[[nodiscard]] inline std::optional<model::file> find_sentencepiece_file(const model::file_set& files) {
  for (const std::string_view name :
       {"spiece.model", "sentencepiece.bpe.model", "sentencepiece.model", "tokenizer.model"}) {
    if (std::optional<model::file> file = files.find(name)) {
      return file;
    }
  }
  return std::nullopt;
}

/// Makes the tokenizer that Hugging Face's Python class makes of a sentencepiece model: AlbertTokenizer,
/// XLMRobertaTokenizer, or SK Telecom's KoBERTTokenizer.
class sentencepiece_files_reader {
 public:
  /// `settings`: of tokenizer_config.json, may be empty; `model_type`: of config.json, for directories whose settings
  /// name no class. Both documents must outlive the reader.
  sentencepiece_files_reader(const model::json_place& settings, const std::optional<model::json_place>& model_type)
      : settings_(settings) {
    read_class(model_type);
    read_settings();
  }

  /// `name`: of the model's file. Throws `bad_model` and `unsupported`.
  [[nodiscard]] tokenizer_description read(const sentencepiece_model& model, const std::string& name) {
    tokenizer_description result;
    result.pieces = kind_ == kind::xlm_roberta ? fairseq_vocabulary(model, name) : plain_vocabulary(model);
    const auto require = [&](const added_token& token) {
      if (const std::optional<std::int32_t> id = result.pieces.find(token.content)) {
        return *id;
      }
      throw error(error_kind::bad_model, name + ": has no piece \"" + token.content + "\"");
    };
    result.unknown_id = require(unknown_);
    const std::int32_t cls = require(cls_);
    const std::int32_t sep = require(sep_);
    const auto surround = kind_ == kind::xlm_roberta ? roberta_template : bert_template;
    result.single = surround(cls, sep, 1);
    result.pair = surround(cls, sep, 2);
    for (added_token token : {unknown_, cls_, sep_, pad_, mask_}) {
      token.id = require(token);
      add(result.added_tokens, std::move(token));
    }
    read_added_tokens(result);
    result.subwords.emplace<sentencepiece_pipeline>(make_sentencepiece_encoder(model, name), result.pieces,
                                                    result.unknown_id, preparation_);
    return result;
  }

 private:
  enum class kind { albert, xlm_roberta, kobert };
  using place = model::json_place;

  void read_class(const std::optional<place>& model_type) {
    if (const auto found = settings_.find("tokenizer_class")) {
      std::string_view name = found->text();
      name.remove_suffix(name.ends_with("Fast") ? 4 : 0);
      if (name != "AlbertTokenizer" && name != "XLMRobertaTokenizer" && name != "KoBERTTokenizer") {
        refuse_unsupported(*found, "\"AlbertTokenizer\", \"XLMRobertaTokenizer\" or \"KoBERTTokenizer\"");
      }
      kind_ = name == "AlbertTokenizer" ? kind::albert : name == "KoBERTTokenizer" ? kind::kobert : kind::xlm_roberta;
    } else if (model_type && (model_type->text() == "albert" || model_type->text() == "xlm-roberta")) {
      kind_ = model_type->text() == "albert" ? kind::albert : kind::xlm_roberta;
    } else {
      throw error(error_kind::unsupported, settings_.place().describe() +
                                               ": tokenizer_class is missing, which a sentencepiece model needs: "
                                               "\"AlbertTokenizer\", \"XLMRobertaTokenizer\" or \"KoBERTTokenizer\"");
    }
  }

  void read_settings() {
    const bool plain = kind_ == kind::xlm_roberta;
    cls_.content = plain ? "<s>" : "[CLS]";
    sep_.content = plain ? "</s>" : "[SEP]";
    unknown_.content = kind_ == kind::kobert ? "[UNK]" : "<unk>";
    pad_.content = kind_ == kind::kobert ? "[PAD]" : "<pad>";
    mask_.content = plain ? "<mask>" : "[MASK]";
    mask_.lstrip = true;
    read_token("cls_token", cls_);
    read_token("sep_token", sep_);
    read_token("unk_token", unknown_);
    read_token("pad_token", pad_);
    read_token("mask_token", mask_);
    if (!plain) {
      preparation_.emplace();
      preparation_->lower_case = flag(settings_, "do_lower_case", kind_ == kind::albert);
      preparation_->keep_accents = flag(settings_, "keep_accents", false);
      preparation_->remove_space = flag(settings_, "remove_space", true);
    }
    if (const auto options = settings_.find("sp_model_kwargs"); options && !options->value().empty()) {
      refuse_unsupported(*options, "none");
    }
    if (const auto more = settings_.find("additional_special_tokens"); more && !more->value().empty()) {
      refuse_unsupported(*more, "none; added_tokens_decoder may name them");
    }
  }

  [[nodiscard]] static bool flag(model::json_object& fields, const std::string& key, bool otherwise) {
    const auto found = fields.find(key);
    return found ? found->boolean() : otherwise;
  }

  static void read_flags(model::json_object& fields, added_token& token) {
    token.lstrip = flag(fields, "lstrip", false);
    token.rstrip = flag(fields, "rstrip", false);
    if (const auto single = fields.find("single_word"); single && single->boolean()) {
      refuse_unsupported(*single, "false");
    }
  }

  void read_token(const std::string& key, added_token& token) {
    if (const auto found = settings_.find(key)) {
      if (found->value().is_object()) {
        model::json_object fields(*found);
        token.content = fields.require("content").text();
        read_flags(fields, token);
      } else {
        token.content = found->text();
      }
    }
    if (token.content.empty()) {
      throw error(error_kind::bad_model, settings_.place().describe() + ": " + key + " is empty");
    }
  }

  /// Of tokens with the same content the later one counts.
  static void add(std::vector<added_token>& tokens, added_token token) {
    const auto same = std::find_if(tokens.begin(), tokens.end(),
                                   [&token](const added_token& known) { return known.content == token.content; });
    if (same != tokens.end()) {
      *same = std::move(token);
    } else {
      tokens.push_back(std::move(token));
    }
  }

  /// `"added_tokens_decoder": {"<id>": {"content": ...}}`
  void read_added_tokens(tokenizer_description& result) {
    const auto decoder = settings_.find("added_tokens_decoder");
    if (!decoder) {
      return;
    }
    const model::json_object checked(*decoder);
    const std::size_t size = result.pieces.pieces().size();
    for (const auto& [key, value] : decoder->value().items()) {
      const place where = decoder->member(key);
      model::json_object fields(where);
      added_token token;
      token.content = fields.require("content").text();
      read_flags(fields, token);
      const std::optional<std::int32_t> known = result.pieces.find(token.content);
      token.id = known.value_or(0);
      if (!known) {
        token.id = new_id(where, key, size);
      }
      if (token.content.empty() || std::to_string(token.id) != key) {
        where.refuse("a token with the id that it has in the model");
      }
      if (preparation_ && preparation_->lower_case && !flag(fields, "special", false)) {
        refuse_unsupported(where, "special tokens only with do_lower_case");
      }
      add(result.added_tokens, std::move(token));
    }
  }

  [[nodiscard]] static std::int32_t new_id(const place& where, const std::string& key, std::size_t size) {
    const bool digits = !key.empty() && key.size() <= 7 && key.find_first_not_of("0123456789") == std::string::npos;
    const std::int32_t id = digits ? std::stoi(key) : -1;
    if (id < static_cast<std::int32_t>(size) || id > vocabulary::max_id) {
      where.refuse("an id from " + std::to_string(size) + " to " + std::to_string(vocabulary::max_id) +
                   ", as the model has no such piece");
    }
    return id;
  }

  [[nodiscard]] static vocabulary plain_vocabulary(const sentencepiece_model& model) {
    vocabulary result;
    std::int32_t id = 0;
    for (const auto& piece : model.pieces) {
      result.insert(piece.text, id++);
    }
    return result;
  }

  /// XLM-RoBERTa's ids are fairseq's: four special tokens first, whose order is not sentencepiece's, everything else
  /// one further on, the mask last.
  [[nodiscard]] vocabulary fairseq_vocabulary(const sentencepiece_model& model, const std::string& name) const {
    const auto starts_with = [&model](std::initializer_list<std::string_view> texts) {
      return model.pieces.size() >= texts.size() &&
             std::equal(texts.begin(), texts.end(), model.pieces.begin(),
                        [](std::string_view text, const auto& piece) { return text == piece.text; });
    };
    if (!starts_with({"<unk>", "<s>", "</s>"})) {
      throw error(error_kind::bad_model, name + ": does not start with the pieces <unk>, <s> and </s>");
    }
    vocabulary result;
    for (std::size_t index = 3; index < model.pieces.size(); ++index) {
      result.insert(model.pieces[index].text, static_cast<std::int32_t>(index) + 1);
    }
    std::int32_t id = 0;
    for (const char* special : {"<s>", "<pad>", "</s>", "<unk>"}) {
      result.insert(special, id++);
    }
    result.insert("<mask>", static_cast<std::int32_t>(model.pieces.size()) + 1);
    return result;
  }

  model::json_object settings_;
  kind kind_ = kind::albert;
  std::optional<albert_preparation> preparation_;
  added_token cls_;
  added_token sep_;
  added_token unknown_;
  added_token pad_;
  added_token mask_;
};

/// Throws `io`, `bad_model` and `unsupported`.
[[nodiscard]] inline tokenizer_description read_sentencepiece_files(const model::file& file,
                                                                    const model::file_set& files) {
  const auto parse = [&files](std::string_view name) {
    const std::optional<model::file> found = files.find(name);
    return model::parse_json(found ? found->read_all(tokenizer_file_limit) : "{}", files.describe(name));
  };
  const model::json_document settings = parse("tokenizer_config.json");
  const model::json_document config = parse("config.json");
  model::json_object config_fields(model::json_place(config, files.describe("config.json")));
  sentencepiece_files_reader reader(model::json_place(settings, files.describe("tokenizer_config.json")),
                                    config_fields.find("model_type"));
  const sentencepiece_model model = sentencepiece_model_reader(file.read_all(tokenizer_file_limit), file.name()).read();
  return reader.read(model, file.name());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
