// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/subwords/corpus.hpp"

#include <offramp/text/sentencepiece/model.hpp>

#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

// The models of tests/generators/sentencepiece_goldens.py.
namespace corpus {

inline std::string byte_piece(unsigned byte) {
  char name[8];
  std::snprintf(name, sizeof(name), "<0x%02X>", byte);
  return name;
}

inline offramp::text::sentencepiece_model sentencepiece_model(const std::string& name) {
  using offramp::text::sentencepiece_model;
  using enum sentencepiece_model::piece_type;
  sentencepiece_model model;
  if (name == "xlm_roberta") {
    model.pieces = {{"<unk>", 0, unknown}, {"<s>", 0, control}, {"</s>", 0, control}};
  } else if (name.starts_with("albert")) {
    model.pieces = {{"<pad>", 0, control},
                    {"<unk>", 0, unknown},
                    {"[CLS]", 0, control},
                    {"[SEP]", 0, control},
                    {"[MASK]", 0, user_defined}};
  } else {
    model.pieces = {{"[UNK]", 0, unknown},
                    {"[PAD]", 0, control},
                    {"[CLS]", 0, control},
                    {"[SEP]", 0, control},
                    {"[MASK]", 0, control}};
  }
  if (name == "kobert_bpe") {
    for (unsigned code = 0; code < 256; ++code) {
      model.pieces.push_back({byte_piece(code), 0, byte});
    }
    model.model_type = sentencepiece_model::algorithm::byte_pair;
    model.byte_fallback = true;
    model.remove_extra_whitespaces = false;
  }
  const nlohmann::json pieces = nlohmann::json::parse(read_data("subwords.json"))["unigram"];
  for (std::size_t index = 4; index + 1 < pieces.size(); ++index) {
    const auto& [text, score] = pieces[index].get<std::pair<std::string, double>>();
    model.pieces.push_back({text, static_cast<float>(std::round(score * 64.0) / 64.0), normal});
  }
  model.pieces.push_back({"3,", -5.0F, normal});
  model.pieces.push_back({"\u258112,", -5.5F, normal});
  if (name.ends_with("_cased")) {
    model.add_dummy_prefix = false;
  } else {
    model.precompiled_charsmap = read_data("charsmap.bin");
  }
  return model;
}

/// The files of a directory that holds nothing but such a model and its settings.
inline std::map<std::string, std::string> sentencepiece_files(const std::string& name) {
  const std::string model = sentencepiece_model(name).serialize();
  if (name == "xlm_roberta") {
    return {{"sentencepiece.bpe.model", model}, {"config.json", R"({"model_type": "xlm-roberta"})"}};
  }
  if (name == "albert") {
    return {{"spiece.model", model}, {"config.json", R"({"model_type": "albert"})"}};
  }
  if (name == "albert_cased") {
    return {{"spiece.model", model},
            {"tokenizer_config.json",
             R"({"tokenizer_class": "AlbertTokenizer", "do_lower_case": false, "keep_accents": true})"}};
  }
  if (name == "kobert_lower") {
    return {{"spiece.model", model},
            {"tokenizer_config.json", R"({"tokenizer_class": "KoBERTTokenizer", "do_lower_case": true})"}};
  }
  if (name == "kobert_cased") {
    return {{"spiece.model", model},
            {"tokenizer_config.json",
             R"({"tokenizer_class": "KoBERTTokenizer", "keep_accents": true, "remove_space": false})"}};
  }
  return {{"spiece.model", model}, {"tokenizer_config.json", R"({"tokenizer_class": "KoBERTTokenizer"})"}};
}

}  // namespace corpus
